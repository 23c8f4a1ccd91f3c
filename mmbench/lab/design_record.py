"""What designs did inside one kernel: the record, the same bytes every time, and what it says.

``boots`` as in a lab record, with the ``design`` of every experiment. ``steps`` is the log of the module: when each
step began (ns), on which cpu, by whom (role), which row of the program, the target's rss_pages then, freed_pages
that this CPU had freed since boot, free_pages of the zones, and beside a holder or a reader queued_ns that this task
had been runnable without a CPU; one list per repetition.
``refused`` says of designs that were asked for why this kernel cannot run them.
"""

import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import cast

from mmbench.errors import CannotError, InputError, short
from mmbench.lab.answers import check_boots, check_experiment
from mmbench.lab.build import Module
from mmbench.lab.kernels import Kernel
from mmbench.lab.program import REAP_OPS, Program
from mmbench.lab.qemu import Message
from mmbench.lab.record import BOOT, TEXT
from mmbench.live.workload import VictimConfig
from mmbench.records.files import read_json
from mmbench.records.lab_types import DesignRecord, Experiment, LabBoot, LabStep
from mmbench.records.schema import Fields, ListOf, MapOf, Parameters, check, of_file

FORMAT = "mmbench-lab-designs 3"
# The first had no refusals; the second had waited_ns, the kernel's own run_delay, which says too much.
FORMATS = (FORMAT, "mmbench-lab-designs 2", "mmbench-lab-designs 1")
STOCK = "stock"
SCHEDULE = "schedule"  # the set of a record of forced schedules
ALONE = ("exit", "mrelease", "reaper")
TABLES = ("FREE_PGTABLES", "REMOVE_VMAS")  # from the first to the end of the second no one else may be in the tables

NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
TOP = ("format", "series", "release", "kernel_version", "package", "package_version", "vmlinuz_sha256", "qemu")
RECORD = Fields(
    dict.fromkeys((*TOP, "python", "set", "gcc", "module_source", "module_sha256"), TEXT)
    | {"programs": MapOf(ListOf(TEXT)), "fatal": ListOf(Parameters()), "boots": ListOf(Parameters(), n_least=1)},
    {"refused": MapOf(TEXT)},
)


def make_record(
    kernel: Kernel,
    module: Module,
    set_name: str,
    programs: list[Program],
    qemu_version: str,
    python: str,
    answers: list[Message],
    refused: dict[str, str],
) -> DesignRecord:
    """Join everything that the numbers depend on with the numbers."""
    ended = [boot for boot in answers if "fatal" not in boot]
    if not ended:
        raise CannotError(f"no boot of {kernel.release} came to its end: {answers[0]['fatal']['error']}.")
    return {
        "format": FORMAT,
        "series": kernel.series,
        "release": ended[0]["release"],
        "kernel_version": ended[0]["version"],
        "package": kernel.package,
        "package_version": kernel.package_version,
        "vmlinuz_sha256": kernel.vmlinuz_sha256,
        "qemu": qemu_version,
        "python": python,
        "set": set_name,
        "gcc": module.gcc,
        "module_source": module.source_sha256,
        "module_sha256": hashlib.sha256(module.ko).hexdigest(),
        "programs": {program.name: program.text.split("\n") for program in programs},
        "refused": refused,
        "fatal": [boot["fatal"] for boot in answers if "fatal" in boot],
        "boots": [cast("LabBoot", {name: boot[name] for name in BOOT}) for boot in ended],
    }


def to_text(record: DesignRecord) -> str:
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


def read_record(path: Path) -> DesignRecord:
    """Read a record back. Raises InputError when the file is none."""
    found = read_json(path)
    if not isinstance(found, dict) or found.get("format") not in FORMATS:
        raise InputError(f"{str(path)!r} is no record of designs: its format should be {FORMAT!r}.")
    with of_file(path):
        check(found, RECORD, "")
        record = cast("DesignRecord", found)
        check_boots(record["boots"], "design")
        for n, entry in enumerate(record["fatal"]):
            check_experiment(entry, f"fatal[{n}]", "design")
        for name, lines in record["programs"].items():
            check_program(name, lines)
        for entry in experiments(record):
            check_steps(entry, record["programs"])
    return record


def check_program(name: str, lines: list[str]) -> None:
    """Raise InputError unless every row of a program is an op, three arguments and two rows to go to."""
    rows = [line.split() for line in lines if line.startswith("row ")]
    for row in rows:
        n_rows = len(rows) + 1  # past the last row a role ends
        if len(row) != 7 or not all(NUMBER.fullmatch(n) for n in row[2:]) or max(int(n) for n in row[5:]) >= n_rows:
            raise InputError(f"program {short(name)}: {short(' '.join(row))} is no row; they go up to {n_rows - 1}.")


def check_steps(entry: Experiment, programs: dict[str, list[str]]) -> None:
    """Raise InputError for an experiment of a design without a program, or at a row that its program does not have."""
    design = entry["design"]
    if design == STOCK and entry["kind"] != "forced":
        return
    if design not in programs:
        raise InputError(f"an experiment is of the design {short(design)}, which has no program here.")
    n_rows = sum(line.startswith("row ") for line in programs.get(design, []))
    rows = [step["row"] for steps in entry.get("steps", []) for step in steps]
    rows += [turn["to"] for turn in entry.get("turns", [])]
    if max([*rows, entry.get("stop", 0)], default=0) >= max(n_rows, 1):
        raise InputError(f"an experiment of {short(design)} is at a row beyond the {n_rows} of its program.")


def is_record(path: Path) -> bool:
    """Whether a file is a record of designs, and not one of a kernel's own code."""
    try:
        with open(path) as file:
            head = file.read(1000)
            return any(f'"format": "{known}"' in head for known in FORMATS)
    except (OSError, UnicodeDecodeError):
        return False


def experiments(record: DesignRecord, kind: str = "") -> list[Experiment]:
    """A record's experiments of one kind ("" for all), in order; at last those that brought a guest down."""
    entries = [*(e for boot in record["boots"] for e in boot["experiments"]), *record["fatal"]]
    return [entry for entry in entries if kind in ("", entry["kind"])]


def cells(record: DesignRecord) -> list[dict[str, str | float]]:
    """A row per design and victim: pages that a lone reaper left, millions of instructions of each party alone."""
    rows: dict[tuple[str, str], dict[str, str | float]] = {}
    for entry in experiments(record):
        if entry["kind"] not in ALONE or "error" in entry:
            continue
        victim = str(VictimConfig.from_dict(dict(entry["victim"])))
        row = rows.setdefault((entry["design"], victim), {"design": entry["design"], "victim": victim})
        row[entry["kind"]] = min(entry["ns"]) / 1e6
        if entry["kind"] == "reaper":
            left = entry["pages_after"]
            row["reaper left"] = left if isinstance(left, int) else sum(left)
    return list(rows.values())


def ops_of(record: DesignRecord, design: str) -> list[str]:
    """The ops of a design's rows, as its program numbers them."""
    return [line.split()[1] for line in record["programs"][design] if line.startswith("row ")]


def by(steps: list[LabStep], role: str) -> list[LabStep]:
    """The steps of one role."""
    return [step for step in steps if step["role"] == role]


def overlap_ns(steps: list[LabStep], ops: list[str]) -> int:
    """How long a reap pass of another task ran while exit freed page tables and VMAs: above 0 is a use after free.

    A stock kernel can keep silent over it (tables and VMAs are freed by RCU, and nothing checks), the log cannot.
    """
    exit_steps = by(steps, "exit")
    begins = [step["ns"] for step in exit_steps if ops[step["row"]] == TABLES[0]]
    ends = [after["ns"] for step, after in pairwise(exit_steps) if ops[step["row"]] == TABLES[1]]
    if not begins or not ends:
        return 0
    passes = []
    for role in ("reaper", "mrelease"):
        passes += [(a["ns"], b["ns"]) for a, b in pairwise(by(steps, role)) if ops[a["row"]] in REAP_OPS]
    return max((min(end, ends[-1]) - max(begin, begins[0]) for begin, end in passes), default=0)


def verdicts(record: DesignRecord) -> dict[str, str]:
    """Design -> "unsafe: seen", "broken: ..." with what the kernel complained of, or "nothing seen".

    Mmbench's own doubt is one, too: a design of which no step of exit was logged has never run.
    """
    found = dict.fromkeys(record["programs"], "nothing seen")
    for entry in experiments(record):
        if entry["design"] == STOCK:
            continue
        if "error" in entry:
            found[entry["design"]] = f"broken: {entry['error']}"
        ops = ops_of(record, entry["design"])
        if entry["kind"] == "steps" and any(not by(steps, "exit") for steps in entry.get("steps", [])):
            found[entry["design"]] = "broken: the kernel never came to its steps; is its ftrace switched off?"
        if any(overlap_ns(steps, ops) > 0 for steps in entry.get("steps", [])):
            found[entry["design"]] = "unsafe: seen"
    return found
