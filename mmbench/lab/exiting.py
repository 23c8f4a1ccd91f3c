"""Does the OOM killer wait for a victim that is exiting? The plan, for unmodified kernels, and what a record says.

Debian's own kernel, no module, real time, two CPUs with a thread of the host each. Every boot asks each question once,
in an order that turns from boot to boot, so each of a question's runs is a boot of its own and they are independent.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import cast

from mmbench.errors import CannotError
from mmbench.lab import qemu
from mmbench.lab.btf import Btf, btf_of_elf, vmlinux_of_image
from mmbench.lab.guest.stuck import BYSTANDER, SLACK_BYTES
from mmbench.lab.initramfs import build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import MIB, Boot, Item
from mmbench.lab.record import experiments, make_record
from mmbench.lab.run import Progress, run_boot
from mmbench.live.workload import VictimConfig
from mmbench.records.lab_types import ExitingCount, Experiment, LabRecord

SET = KIND = "exiting-victim"
ENTRY = "mmbench.lab.guest.exiting"
N_BOOTS = 20
BOOT_TIMEOUT_S = 240.0
SCOPES = ("memcg", "global")
BESIDE_BYTES, ROOM_BYTES = BYSTANDER.span_bytes, SLACK_BYTES  # what else could be killed; what is free at first
# since a72f73c4dd9b (v7.0) css_task_iter hides tasks that exit; since 7.1 this flag shows them to who gives it
FLAG = "CSS_TASK_ITER_WITH_DEAD"


def questions() -> list[Item]:
    """Victims of 128 and 256 MiB; 32 or 128 MiB are needed in their cgroup, or 64 in the whole guest."""
    asked = [(n, "memcg", need) for n in (128, 256) for need in (32, 128)] + [(128, "global", 64)]
    return [
        Item(SET, KIND, VictimConfig(n * MIB), 1, more={"scope": scope, "need_bytes": need * MIB})
        for n, scope, need in asked
    ]


def boots(n_boots: int) -> list[Boot]:
    """One after another, the order of the questions turned by one each time."""
    items = questions()
    orders = [items[k % len(items) :] + items[: k % len(items)] for k in range(n_boots)]
    return [
        Boot(f"{SET}-{k + 1:02}", tuple(order), 2, BOOT_TIMEOUT_S, is_counted=False) for k, order in enumerate(orders)
    ]


def has_flag(kernel: Kernel) -> dict[str, bool]:
    """Whether the kernel's BTF has the flag with which css_task_iter shows tasks that exit.

    Empty for a kernel without BTF.
    """
    name = str(kernel.vmlinuz)
    try:
        btf = Btf(btf_of_elf(vmlinux_of_image(kernel.vmlinuz.read_bytes(), name), name))
    except CannotError:
        return {}
    return {FLAG.lower(): btf.has_enumerator(FLAG)}


def run_exiting(kernel: Kernel, progress: Progress, is_fresh: bool = False, n_boots: int = N_BOOTS) -> LabRecord:
    """Run all boots of a kernel and return its record. Raises CannotError."""
    userspace, version = build_userspace(entry=ENTRY), qemu.qemu_version(qemu.find_qemu())
    answers = [run_boot(kernel, boot, userspace, version, progress, is_fresh) for boot in boots(n_boots)]
    record = make_record(kernel, SET, version, userspace.python, answers)
    return cast("LabRecord", {**record, **has_flag(kernel), "boots": record["boots"]})


def is_exiting(path: Path) -> bool:
    """Whether a file is a record of this set."""
    try:
        with open(path) as file:
            return f'"set": "{SET}"' in file.read(2000)
    except (OSError, UnicodeDecodeError):
        return False


def counts(record: LabRecord) -> list[ExitingCount]:
    """A row per question: runs, those with further kills, who died how often, and when the first one did.

    first_ms: of the runs with further kills, the least and the most; exit_mmap_ms: least, median and most of when the
    victim's exit_mmap was through; before_gone: further kills that came before that
    """
    rows: dict[tuple[str, int, int], list[Experiment]] = {}
    for entry in _answered(experiments(record, SET, KIND)):
        rows.setdefault((entry["scope"], entry["victim"]["span_bytes"], entry["need_bytes"]), []).append(entry)
    order = sorted(rows, key=lambda key: (SCOPES.index(key[0]), *key[1:]))
    return [_counted(*key, rows[key]) for key in order]


def boots_with_kills(record: LabRecord, scope: str) -> tuple[int, int]:
    """Boots in which somebody else was killed in some run of a scope, and boots that answered: all are independent."""
    runs = [[entry for entry in _answered(boot["experiments"]) if entry["scope"] == scope] for boot in record["boots"]]
    return sum(any(entry["further_kills"] for entry in boot) for boot in runs), sum(map(bool, runs))


def _answered(runs: Iterable[Experiment]) -> list[Experiment]:
    return [entry for entry in runs if "error" not in entry]


def _counted(scope: str, victim_bytes: int, need_bytes: int, runs: Sequence[Experiment]) -> ExitingCount:
    killed = [run for run in runs if run["further_kills"]]
    first = [min(kill["ns"] for kill in run["further_kills"]) / 1e6 for run in killed]
    through = [run["exit_mmap_ns"][0] / 1e6 for run in runs if run["exit_mmap_ns"][0] is not None]
    early = [kill for run in killed for kill in run["further_kills"] if kill["ns"] < (run["exit_mmap_ns"][0] or 0)]
    return {
        "scope": scope,
        "victim_bytes": victim_bytes,
        "need_bytes": need_bytes,
        "n": len(runs),
        "n_killed": len(killed),
        "who": {name: _hit(killed, name) for name in ("bystander", "trigger", "other") if _hit(killed, name)},
        "first_ms": [min(first), max(first)] if first else None,
        "exit_mmap_ms": [min(through), median(through), max(through)] if through else None,
        "n_kills": sum(len(run["further_kills"]) for run in killed),
        "before_gone": len(early),
    }


def _hit(runs: Sequence[Experiment], name: str) -> int:
    return sum(any(kill["who"] == name for kill in run["further_kills"]) for run in runs)
