"""Questions to booted kernels: each asked in turn and written down; and the model beside what they answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mmbench.errors import InputError, short

if TYPE_CHECKING:
    from mmbench.lab.kernels import Kernel
    from mmbench.records.lab_types import DesignComparison, DesignRecord, LabRecord
    from mmbench.records.measured_types import LabComparison
    from mmbench.strategies.load import Loaded

RECORDS = "results/lab"
EVERY = "all"
FROM_FILE = "@"  # in the name of a design of one's own: ID@FILE
Record = TypeVar("Record", "LabRecord", "DesignRecord")
Report = Callable[[str, int, int], None]  # boot, experiments done, and how many there are


class Watcher(NamedTuple):
    """Who watches: told in sentences, and how far the experiments of a kernel are."""

    say: Callable[[str], None]
    progress: Callable[[str], AbstractContextManager[Report]]


def ask_each(
    names: Sequence[str],
    ask: Callable[[Kernel, Report], Record],
    to_text: Callable[[Record], str],
    folder: str | None,
    watcher: Watcher,
) -> list[Record]:
    """Ask one kernel after another; each record is written into the folder, if there is one, as soon as it is there.

    Raises InputError for an unknown kernel, and CannotError without QEMU.
    """
    from mmbench.lab import kernels, qemu
    from mmbench.records.files import write_text

    qemu.find_qemu()
    records: list[Record] = []
    for name in names:
        kernel = kernels.find(name, watcher.say)
        with watcher.progress(kernel.release) as report:
            record = ask(kernel, report)
        if folder is not None:
            path = Path(folder) / f"{kernel.series}.json"
            write_text(path, to_text(record))
            watcher.say(f"written: {path}")
        records.append(record)
    return records


def run_designs(
    names: Sequence[str], specs: Sequence[str], set_name: str, fresh: bool, folder: str | None, watcher: Watcher
) -> list[DesignRecord]:
    """Run strategies inside each kernel, in place of its own code.

    EVERY alone: all shipped ones and their choices that a kernel can run; its record says why it cannot run others.
    """
    from mmbench.lab import build, design_record, designs
    from mmbench.lab.program import Program
    from mmbench.strategies.load import load, load_choices
    from mmbench.validation.design_rows import plain_rows

    every = list(specs) == [EVERY]
    asked = [Program.from_plain(plain_rows(d)) for d in (load_choices() if every else map(load, specs))]

    def ask(kernel: Kernel, report: Report) -> DesignRecord:
        module = build.find_module(kernel, watcher.say)
        able, refused = designs.sort_out(asked, module, kernel.release) if every else (asked, {})
        return designs.run_designs(kernel, module, able, set_name, report, fresh, refused)

    return ask_each(names, ask, design_record.to_text, folder, watcher)


def run_schedules(
    names: Sequence[str], paths: Sequence[Path], specs: Sequence[str], fresh: bool, folder: str | None, watcher: Watcher
) -> list[DesignRecord]:
    """Force schedules that `check --save` wrote in each kernel, each under the design that it is of.

    Of several, those whose design or tasks a kernel cannot have are left out, and the record says why.
    Raises InputError for a file that holds none, for another design, and where nothing breaks any more.
    """
    from mmbench.ask.guest_turns import items_of
    from mmbench.lab import build, design_record, designs

    asked = items_of(paths, specs)

    def ask(kernel: Kernel, report: Report) -> DesignRecord:
        module = build.find_module(kernel, watcher.say)
        able, refused = list(asked.programs), dict[str, str]()
        if len(paths) > 1:
            able, refused = designs.sort_out(able, module, kernel.release)
        items = [item for item in asked.items if item.design in {program.name for program in able}]
        refused |= asked.refused
        if not items:
            raise InputError(f"{kernel.release} can run none of these schedules. {' '.join(refused.values())}")
        return designs.run_designs(kernel, module, able, design_record.SCHEDULE, report, fresh, refused, items)

    return ask_each(names, ask, design_record.to_text, folder, watcher)


def run_patched(
    names: Sequence[str], specs: Sequence[str], set_name: str, fresh: bool, folder: str | None, watcher: Watcher
) -> list[LabComparison]:
    """Run kernels that are somebody's patch, without a module, and hold each against the design that describes it."""
    from mmbench.strategies.load import load
    from mmbench.validation.kernel_lab import compare

    if len(specs) != 1:
        raise InputError(
            f"{len(specs)} strategies for a kernel of your own: it runs the one design that it is built with; "
            "give that one, or a kernel by its version (6.12) to run several inside it."
        )
    design = load(specs[0])
    return [compare(record, design) for record in run_own_code(names, set_name, fresh, folder, watcher)]


def run_own_code(
    names: Sequence[str], set_name: str, fresh: bool, folder: str | None, watcher: Watcher
) -> list[LabRecord]:
    """Boot each kernel and let it tear victims down by its own code."""
    from mmbench.lab.record import to_text
    from mmbench.lab.run import run_set

    def ask(kernel: Kernel, report: Report) -> LabRecord:
        return run_set(kernel, set_name, report, fresh)

    return ask_each(names, ask, to_text, folder, watcher)


# --- beside the model -------------------------------------------------------------------------------


def found_records(names: Sequence[str]) -> list[Path]:
    """The records named, or those of RECORDS. Raises InputError when there is none."""
    paths = [Path(name) for name in names] or sorted(Path(RECORDS).glob("*.json"))
    if not paths:
        raise InputError(f"no record given and none in {RECORDS}; make one: mmbench lab run 6.12 --set full -o FOLDER")
    return paths


def compare_kernels(paths: Sequence[Path], strategy: str | None = None) -> list[LabComparison]:
    """Compare records of `lab run`, one object for each. Raises InputError."""
    from mmbench.lab.record import read_record
    from mmbench.strategies.load import load
    from mmbench.validation.kernel_lab import compare

    records = [read_record(path) for path in paths]
    design = load(strategy) if strategy else None
    return [compare(record, design) for record in records]


def are_exact(found: Iterable[LabComparison]) -> bool:
    """Whether every page count is the model's."""
    return all(one["freed_pages"]["exact"] == one["freed_pages"]["n"] for one in found)


def compare_design_records(paths: Sequence[Path], strategy: str | None = None) -> list[DesignComparison]:
    """Hold the model against records of designs inside kernels, one object for each, verdicts included.

    strategy: the file of one's own that ran in them. Raises InputError for a design of a file that is not given.
    """
    from mmbench.lab.design_record import read_record, verdicts
    from mmbench.strategies.load import load
    from mmbench.validation.designs import compare_designs

    own = load(strategy) if strategy else None

    def find(name: str) -> Loaded:
        if own is not None and own.name == name:
            return own
        if FROM_FILE in name:
            raise InputError(f"{short(name)} is of a file: give it, mmbench lab compare RECORD --strategy FILE.")
        return load(name)

    records = [read_record(path) for path in paths]
    if own is not None:
        for record in records:
            check_same_steps(own, record)
    return [{**compare_designs(record, find), "verdicts": verdicts(record)} for record in records]


def check_same_steps(own: Loaded, record: DesignRecord) -> None:
    """Raise InputError when a file of one's own no longer has the steps that ran."""
    from mmbench.validation.design_rows import plain_rows
    from mmbench.validation.forced import rows_of

    ran, plain = rows_of(record, own.name), plain_rows(own)["rows"]
    now = [[row["op"], *map(str, (*row["args"], row["next"], row["otherwise"]))] for row in plain]
    if ran and ran != now:
        raise InputError(f"{short(str(own.path))} has changed since it ran: its steps are others. Run it again.")


def as_predicted(one: DesignComparison) -> bool:
    """Whether every page count and outcome of a record of designs is the model's, and no design was seen to break."""
    from mmbench.validation.beside import ends_as_predicted

    same = all(map(ends_as_predicted, [*one["holders"], *one["readers"]]))
    same &= all(row["seen"] == row["told"] for rows in (one["forced"], one["late"]) for row in rows)
    return same and one["left"]["exact"] == one["left"]["n"] and set(one["verdicts"].values()) <= {"nothing seen"}
