"""A lab record: what one kernel answered to one set of experiments, in exact integers, the same bytes every time.

It holds no date, host or path. ``boots`` has one entry per run of QEMU, ``experiments`` one per item of its plan:
``role`` and ``kind`` (see plan and guest.experiments), the ``victim`` (VictimConfig), and what was found. Keys that end
in ``ns`` are lists with one time per repetition, in instructions of the guest; ``pages_before`` and ``pages_after``
are [present in the locked part, in the rest], for kind ``memcg`` their sum. An
experiment that the kernel cannot do has ``error`` and ``errno``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mmbench.errors import InputError
from mmbench.lab.answers import check_boots
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import Item
from mmbench.lab.qemu import Message
from mmbench.records.files import read_json
from mmbench.records.lab_types import Experiment, LabBoot, LabRecord
from mmbench.records.schema import Bool, Fields, ListOf, Parameters, Text, check, of_file

FORMAT = "mmbench-lab 1"
TOP = (
    *("format", "series", "release", "kernel_version", "package", "package_version", "deb_sha256", "vmlinuz_sha256"),
    *("qemu", "python", "set", "boots"),
)
BOOT = ("name", "n_cpus", "command", "initramfs_sha256", "memory_bytes", "available_bytes", "experiments")
TEXT = Text(may_be_empty=True)  # a kernel that is no package has no name of one
RECORD = Fields(dict.fromkeys(TOP[:-1], TEXT) | {"boots": ListOf(Parameters())}, {"css_task_iter_with_dead": Bool()})
# Beside the times: whether process_mrelease came too late; who did what when; page tables that were not given back.
PER_REP = ("lost", "steps", "tables_left")


def experiment(item: Item, answer: Message) -> Experiment:
    """Join an item of the plan with the guest's answer; repetitions must agree in everything but times."""
    wrong = {name: answer[name] for name in ("error", "errno") if "error" in answer}
    return cast("Experiment", item.head() | (wrong or joined(answer["reps"])))


def joined(reps: list[Message]) -> Message:
    """What repetitions found, once, and of times one for each; `error` where they disagree in anything else."""
    found: Message = {}
    for name in reps[0]:
        values = [rep[name] for rep in reps]
        if name.endswith("ns") or name in PER_REP:
            found[name] = values
        elif all(value == values[0] for value in values):
            found[name] = values[0]
        else:
            return {"error": f"repetitions disagree on {name}: {values}", "errno": ""}
    return found


def make_record(kernel: Kernel, set_name: str, qemu: str, python: str, boots: list[Message]) -> LabRecord:
    """Join the boots of one kernel into its record; ``boots`` carry what the guest said of itself."""
    first = boots[0]
    fields = (*BOOT[:-1], "host_load", "experiments")
    kept = [cast("LabBoot", {name: boot[name] for name in fields if name in boot}) for boot in boots]
    return {
        "format": FORMAT,
        "series": kernel.series,
        "release": first["release"],
        "kernel_version": first["version"],
        "package": kernel.package,
        "package_version": kernel.package_version,
        "deb_sha256": kernel.deb_sha256,
        "vmlinuz_sha256": kernel.vmlinuz_sha256,
        "qemu": qemu,
        "python": python,
        "set": set_name,
        "boots": kept,
    }


def to_text(record: LabRecord) -> str:
    """Return the record as JSON, one line per experiment."""
    head = {name: value for name, value in record.items() if name != "boots"}
    boots = []
    for boot in record["boots"]:
        facts = {name: value for name, value in boot.items() if name != "experiments"}
        lines = ",\n   ".join(json.dumps(entry, separators=(",", ":")) for entry in boot["experiments"])
        boots.append(_open(facts, 2) + f',\n  "experiments": [\n   {lines}\n  ]\n }}')
    return _open(head, 1) + ',\n "boots": [\n ' + ",\n ".join(boots) + "\n ]\n}\n"


def _open(fields: Mapping[str, object], indent: int) -> str:
    """The beginning of an object, its closing brace left to the caller."""
    lines = [f"{' ' * indent}{json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()]
    return "{\n" + ",\n".join(lines)


def read_record(path: str | Path) -> LabRecord:
    """Read a record. Raises InputError naming what makes it none."""
    found = read_json(path)
    with of_file(path):
        check_record(found)
    return cast("LabRecord", found)


def check_record(record: Any) -> None:
    """Raise InputError naming the first thing that makes `record` no lab record."""
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"not a lab record: its format should be {FORMAT!r}; make it with mmbench lab run.")
    check(record, RECORD, "")
    check_boots(record["boots"], "role")


def experiments(record: LabRecord, role: str = "", kind: str = "") -> list[Experiment]:
    """Return a record's experiments of one role and one kind ("" for all), in order, those with an error included."""
    return [
        entry
        for boot in record["boots"]
        for entry in boot["experiments"]
        if role in ("", entry["role"]) and kind in ("", entry["kind"])
    ]
