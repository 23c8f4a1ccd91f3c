"""Designs run inside a real kernel: which experiments, the boots that hold them, and the record.

A program is the rows of a strategy; "stock" is the kernel's own code, called through the module. All programs of a boot
travel in its plan, so one boot asks one experiment of every design.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmbench.errors import InputError
from mmbench.lab import cpio, qemu
from mmbench.lab.build import Module
from mmbench.lab.initramfs import build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import MIB, Boot, Item
from mmbench.lab.program import Program, check
from mmbench.lab.record import BOOT
from mmbench.lab.run import Progress, run_boot
from mmbench.live.workload import VictimConfig

FORMAT = "mmbench-lab-designs 1"
ENTRY = "mmbench.lab.guest.design_init"
STOCK = "stock"
ALONE = ("exit", "mrelease", "reaper")
SIZE = 64 * MIB
N_REPS = 2  # the first after boot may be dear; take the least

Record = dict[str, Any]


@dataclass(frozen=True)
class DesignItem(Item):
    """One experiment under one design; "stock" is the kernel's own code."""

    design: str = STOCK

    def head(self) -> dict[str, Any]:
        return {"design": self.design, "kind": self.kind, "victim": self.victim.to_dict()}

    def to_guest(self) -> dict[str, Any]:
        return super().to_guest() | {"program": "" if self.design == STOCK else self.design}


QUICK = (VictimConfig(SIZE, 0.9), VictimConfig(SIZE, 0.9, 64))
FULL = (*QUICK, VictimConfig(SIZE, 0.5), VictimConfig(SIZE, 1.0), VictimConfig(SIZE, 1.0, kind="thp"))
VICTIMS = {"quick": QUICK, "full": FULL}


def boots(designs: list[str], set_name: str, has_mrelease: bool) -> list[Boot]:
    """The boots of a run: one party alone under each design and the kernel's own code, then every design's steps."""
    kinds = ALONE if has_mrelease else ("exit", "reaper")
    alone = [
        DesignItem("designs", kind, victim, N_REPS, design)
        for victim in VICTIMS[set_name]
        for kind in kinds
        for design in (STOCK, *designs)
    ]
    logged = [DesignItem("designs", "steps", QUICK[0], 1, design) for design in designs]
    return [Boot("designs", (*alone, *logged))]


def run_designs(
    kernel: Kernel, module: Module, programs: list[Program], set_name: str, progress: Progress, is_fresh: bool = False
) -> Record:
    """Run every design on a kernel and return the record.

    Raises InputError for a step that this kernel or the module cannot run, CannotError when a boot fails.
    """
    names = [program.name for program in programs]
    for name in names:
        if names.count(name) > 1 or name == STOCK:
            raise InputError(f"the design {name!r} is named twice; give each once ({STOCK!r} is always run).")
    for program in programs:
        check(program, module.has_old_munlock, kernel.release)
    version = qemu.qemu_version(qemu.find_qemu())
    userspace = build_userspace(entry=ENTRY)
    userspace = replace(userspace, entries=userspace.entries | {"mmbench.ko": cpio.regular(module.ko)})
    texts = {program.name: program.text for program in programs}
    answers = []
    for boot in boots(names, set_name, not module.has_old_munlock):
        plan = {"programs": texts, "items": [item.to_guest() for item in boot.items]}
        answers.append(run_boot(kernel, boot, userspace, version, progress, is_fresh, plan))
    return make_record(kernel, module, programs, version, userspace.python, answers)


def make_record(
    kernel: Kernel,
    module: Module,
    programs: list[Program],
    qemu_version: str,
    python: str,
    answers: list[dict[str, Any]],
) -> Record:
    """Join everything that the numbers depend on with the numbers."""
    return {
        "format": FORMAT,
        "series": kernel.series,
        "release": answers[0]["release"],
        "kernel_version": answers[0]["version"],
        "package": kernel.package,
        "package_version": kernel.package_version,
        "vmlinuz_sha256": kernel.vmlinuz_sha256,
        "qemu": qemu_version,
        "python": python,
        "gcc": module.gcc,
        "module_source": module.source_sha256,
        "module_sha256": hashlib.sha256(module.ko).hexdigest(),
        "programs": {program.name: program.text.split("\n") for program in programs},
        "boots": [{name: boot[name] for name in BOOT} for boot in answers],
    }


def to_text(record: Record) -> str:
    """The record as JSON, one line per experiment."""
    head = {name: value for name, value in record.items() if name != "boots"}
    lines = [json.dumps(head, indent=1)[:-2] + ',\n "boots": [']
    for number, boot in enumerate(record["boots"]):
        rest = {name: value for name, value in boot.items() if name != "experiments"}
        lines.append("  " + json.dumps(rest)[:-1] + ', "experiments": [')
        entries = boot["experiments"]
        lines += ["   " + json.dumps(e) + ("," if e is not entries[-1] else "") for e in entries]
        lines.append("  ]}" + ("," if number + 1 < len(record["boots"]) else ""))
    return "\n".join([*lines, " ]\n}"]) + "\n"


def read_record(path: Path) -> Record:
    """Read a record back. Raises InputError when the file is none."""
    try:
        record = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    except ValueError as error:
        raise InputError(f"{str(path)!r} is no JSON: {error}.") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{str(path)!r} is no record of designs: its format should be {FORMAT!r}.")
    return dict(record)


def experiments(record: Record, kind: str = "") -> list[dict[str, Any]]:
    """A record's experiments of one kind ("" for all), in order."""
    return [e for boot in record["boots"] for e in boot["experiments"] if kind in ("", e["kind"])]


def cells(record: Record) -> list[dict[str, Any]]:
    """A row per design and victim: pages that a lone reaper left, millions of instructions of each party alone."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in experiments(record):
        if entry["kind"] not in ALONE or "error" in entry:
            continue
        victim = str(VictimConfig.from_dict(entry["victim"]))
        row = rows.setdefault((entry["design"], victim), {"design": entry["design"], "victim": victim})
        row[entry["kind"]] = min(entry["ns"]) / 1e6
        if entry["kind"] == "reaper":
            row["reaper left"] = sum(entry["pages_after"])
    return list(rows.values())
