"""What booted kernels did with each design, from the records of the lab, beside the model of the same files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from mmbench.lab.design_record import FORMATS, SCHEDULE, STOCK, read_record, verdicts
from mmbench.records.files import read_json
from mmbench.records.lab_types import BesideHolder, Cell, Meeting
from mmbench.report.units import format_count
from mmbench.validation.beside import ends_as_predicted
from mmbench.validation.designs import compare_designs

NOTHING_SEEN = "nothing seen"
HOLDER = "the lock of one page is held until there is memory"
READER = "mmap_lock is held for read, 2 s"


@dataclass
class Real:
    """One design in one kernel; rows as validation.designs gives them.

    alone: a party by itself; holders: an OOM kill beside the holder of a page lock; readers: beside a reader;
    forced: what a caller met before each step of exit; own: the kernel's own code beside the same holders
    """

    series: str
    release: str
    alone: list[Cell] = field(default_factory=list)
    holders: list[BesideHolder] = field(default_factory=list)
    readers: list[BesideHolder] = field(default_factory=list)
    forced: list[Meeting] = field(default_factory=list)
    own: list[BesideHolder] = field(default_factory=list)
    verdict: str = NOTHING_SEEN

    @property
    def left(self) -> tuple[int, int]:
        """Cells whose pages left are the model's, and all cells with a page count."""
        counted = [row for row in self.alone if "left" in row]
        return sum(row["left"] == row["model_left"] for row in counted), len(counted)

    @property
    def as_told(self) -> tuple[int, int]:
        """Forced schedules that went as the rows of the design say, and all of them."""
        return sum(row["seen"] == row["told"] for row in self.forced), len(self.forced)

    @property
    def as_predicted(self) -> tuple[int, int]:
        """Kills beside a holder or a reader whose outcome is the model's, and all of them."""
        told = [*self.holders, *self.readers]
        return sum(ends_as_predicted(row) for row in told), len(told)

    @property
    def tells_apart(self) -> bool:
        """Whether this kernel's own code does beside a holder what the model says: if not, no design shows there."""
        return all(ends_as_predicted(row) for row in self.own)


def record_files(folder: Path) -> list[Path]:
    """Records of designs at any depth below a folder; schedules of the checker, forced, are no cells of theirs."""
    return [path for path, is_schedule in design_files(folder) if not is_schedule]


def schedule_files(folder: Path) -> list[Path]:
    """Records of forced schedules of the checker at any depth below a folder."""
    return [path for path, is_schedule in design_files(folder) if is_schedule]


def design_files(folder: Path) -> list[tuple[Path, bool]]:
    """Records of designs at any depth below a folder, and whether each is one of forced schedules."""
    found = [(path, read_json(path)) for path in sorted(folder.rglob("*.json"))]
    records = [(path, record) for path, record in found if isinstance(record, dict)]
    return [(path, record.get("set") == SCHEDULE) for path, record in records if record.get("format") in FORMATS]


def real_designs(paths: Iterable[Path]) -> dict[str, list[Real]]:
    """Design, with its parameters as in the record -> what each kernel did, oldest kernel first.

    Raises InputError for what is no record, and for one of a design that is none of ours.
    """
    found: dict[str, dict[str, Real]] = {}
    for record in map(read_record, paths):
        compared, said = compare_designs(record), verdicts(record)
        own = [row for row in compared["holders"] if row["design"] == STOCK]
        for name in record["programs"]:
            real = found.setdefault(name, {}).setdefault(record["series"], Real(record["series"], record["release"]))
            real.alone += [row for row in compared["cells"] if row["design"] == name]
            real.holders += [row for row in compared["holders"] if row["design"] == name]
            real.readers += [row for row in compared["readers"] if row["design"] == name]
            real.forced += [row for row in compared["forced"] if row["design"] == name]
            real.own += own
            real.verdict = said[name] if said[name] != NOTHING_SEEN else real.verdict
    return {name: sorted(by_series.values(), key=by_release) for name, by_series in found.items()}


def by_release(real: Real) -> tuple[int, ...]:
    """5.10 after 5.4."""
    return by_series(real.series)


def by_series(series: str) -> tuple[int, ...]:
    """The numbers of a kernel's series, to sort by."""
    return tuple(int(part) for part in series.split(".") if part.isdigit())


def base(spec: str) -> str:
    """A design's name without parameters."""
    return spec.partition(":")[0]


def family(found: Mapping[str, Sequence[Real]], design: str) -> dict[str, Sequence[Real]]:
    """A design and its variants: everything that is called so but for parameters."""
    return {name: reals for name, reals in found.items() if base(name) == design}


def run_on(found: Mapping[str, Sequence[Real]], design: str) -> list[str]:
    """Series of the kernels that a design, or a variant of it, ran in, oldest first."""
    reals = sorted((real for own in family(found, design).values() for real in own), key=by_release)
    return list(dict.fromkeys(real.series for real in reals))


def happened(kills: int, gave_up: bool) -> str:
    """What a kill beside somebody came to, in words."""
    killed = f"{kills} further kill{'s' * (kills != 1)}" if kills else "nobody else killed"
    return f"reaper gave up, {killed}" if gave_up else killed


def kind_of(row: BesideHolder) -> str:
    """How an outcome is coloured."""
    return "wrong" if row["kills"] or row["gave_up"] else "agree"


def outcome(row: BesideHolder, real: Real) -> str:
    """An outcome as HTML, with the model's beside it."""
    said = f'<span class="{kind_of(row)}">{happened(row["kills"], row["gave_up"])}</span>'
    if ends_as_predicted(row):
        return f"{said} <small>as modelled</small>"
    if not real.tells_apart:
        return f"{said} <small>so does the kernel's own code; model: {format_count(row['model_kills'])}</small>"
    return f"{said} <small>model: {happened(row['model_kills'], row['model_gave_up'])}</small>"


def outcomes(rows: Sequence[BesideHolder], real: Real) -> list[str]:
    """What came of all kills beside one kind of bystander, the same outcomes together."""
    counted = Counter(outcome(row, real) for row in rows)
    return [f"{said} <small>({n} of {len(rows)})</small>" if n < len(rows) else said for said, n in counted.items()]


def share(pair: tuple[int, int]) -> str:
    """ "12 of 12", coloured; "-" of none."""
    right, n = pair
    return f'<span class="{"agree" if right == n else "wrong"}">{right} of {n}</span>' if n else "-"


def verdict_cell(real: Real) -> str:
    """What the kernel itself complained of, or the log showed."""
    kind = "agree" if real.verdict == NOTHING_SEEN else "wrong"
    return f'<span class="{kind}">{escape(real.verdict)}</span>'
