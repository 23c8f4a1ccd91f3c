"""A set of experiments on one kernel: every boot run, or taken from the cache where the same boot ran before.

Two boots with the same kernel, initramfs, QEMU and command print the same bytes, so what a finished one said is kept
under the hash of those four; an interrupted set goes on with the boot that it was in.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab import qemu
from mmbench.lab.initramfs import Userspace, build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import Boot, boots, can_boot
from mmbench.lab.qemu import Message
from mmbench.lab.record import experiment, make_record
from mmbench.lab.store import lab_folder, sha256_of, write_whole
from mmbench.records.lab_types import LabRecord

Progress = Callable[[str, int, int], None]  # name of the boot, experiments done, of how many


def run_set(kernel: Kernel, set_name: str, progress: Progress, is_fresh: bool = False) -> LabRecord:
    """Run a set on a kernel and return its record; ``is_fresh`` boots even what the cache has.

    Raises CannotError when QEMU is missing or a boot fails; its serial log is kept.
    """
    userspace, version = build_userspace(), qemu.qemu_version(qemu.find_qemu())
    answers: list[Message] = []
    for boot in boots(set_name):
        if can_boot(kernel.release, boot):
            answers.append(run_boot(kernel, boot, userspace, version, progress, is_fresh))
    return make_record(kernel, set_name, version, userspace.python, answers)


def run_boot(
    kernel: Kernel,
    boot: Boot,
    userspace: Userspace,
    version: str,
    progress: Progress,
    is_fresh: bool = False,
    plan: Any = None,
) -> Message:
    """Return one boot's answers: what the guest said of itself, and the experiments.

    plan: what the guest's first process reads, when it is more than the list of experiments.
    """
    image = userspace.image([item.to_guest() for item in boot.items] if plan is None else plan)
    initramfs_sha256 = hashlib.sha256(image).hexdigest()
    arguments = qemu.command("KERNEL", "INITRAMFS", boot.n_cpus, boot.is_counted)
    same = [kernel.vmlinuz_sha256, initramfs_sha256, version, *arguments]
    same += [] if boot.is_counted else [boot.name]  # in real time, each is a draw of its own
    kept = lab_folder("boots") / f"{hashlib.sha256(chr(10).join(same).encode()).hexdigest()[:32]}.json"
    messages = None if is_fresh else _kept_messages(kept)
    if messages is None:
        messages = _boot(kernel, boot, image, progress)
        write_whole(kept, [json.dumps(messages).encode()])
    begin, answers = messages[0], {m["item"]: m for m in messages if "item" in m}
    if len(answers) != len(boot.items):
        raise CannotError(f"the guest answered {len(answers)} of {len(boot.items)} experiments; run it again.")
    return {
        **{name: value for name, value in begin.items() if name != "begin"},
        "name": boot.name,
        "n_cpus": boot.n_cpus,
        "command": arguments,
        "initramfs_sha256": initramfs_sha256,
        "experiments": [experiment(item, answers[number]) for number, item in enumerate(boot.items)],
    }


def _boot(kernel: Kernel, boot: Boot, image: bytes, progress: Progress) -> list[Message]:
    log = lab_folder("logs") / f"{kernel.release}-{boot.name}.log"
    if sha256_of(kernel.vmlinuz) != kernel.vmlinuz_sha256:
        raise CannotError(f"{kernel.vmlinuz} has changed on disk since it was looked at; run mmbench lab fetch again.")
    progress(boot.name, 0, len(boot.items))

    def on_message(message: Message) -> None:
        if "item" in message:
            progress(boot.name, message["item"] + 1, len(boot.items))

    messages = qemu.boot(kernel.vmlinuz, image, boot.n_cpus, boot.timeout_s, log, on_message, boot.is_counted)
    if not boot.is_counted:
        messages[0]["host_load"] = round(os.getloadavg()[0], 2)  # when it ended: how parallel it was depends on that
    return messages


def _kept_messages(path: Path) -> list[Message] | None:
    try:
        return list(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None  # never run, or the disk has damaged what was written whole
