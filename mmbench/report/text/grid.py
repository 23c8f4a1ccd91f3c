"""A sweep over the locked share or the size, as a grid: a row per design, a column per victim, a run in every cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmbench.errors import InputError
from mmbench.report.outcome import flaws
from mmbench.report.reading import Record, blocked_ps, labels, moment, part, reading_list
from mmbench.report.units import format_pages_size


@dataclass(frozen=True)
class Grid:
    """A row per design, a column per victim.

    names: of the rows; what: differs between columns, "locked" or "size"; values: percent locked or pages, increasing;
    titles: the values in words; cells: rows of runs, None where there is none
    """

    names: list[str]
    what: str
    values: list[float]
    titles: list[str]
    cells: list[list[Record | None]]

    def column(self, k: int) -> list[Record]:
        """The runs of one victim, in the order of the rows."""
        return [row[k] for row in self.cells if row[k] is not None]  # type: ignore[misc]


def locked_percent(record: Record) -> float:
    """Return the share of the resident pages that is locked, in percent with one digit."""
    resident = record.get("resident_pages")
    if not resident or record.get("locked_pages") is None:
        raise InputError(f"the record of {record['strategy']!r} does not say how many pages are resident and locked.")
    return float(round(100 * record["locked_pages"] / resident, 1))


def grid(records: Sequence[Record]) -> Grid:
    """Arrange runs; rows in the order in which their designs first come. Raises InputError when two fall together."""
    records = reading_list(records)
    what, measure, words = _axis(records)
    rows: dict[str, dict[float, Record]] = {}
    firsts: list[Record] = []
    for record in records:
        key = f"{record['strategy']} {sorted(part(record, 'params').items())}"
        if key not in rows:
            firsts.append(record)
        row, value = rows.setdefault(key, {}), measure(record)
        if value in row:
            raise InputError(f"two runs of {record['strategy']!r} with {words(value)} {what}; a cell shows one.")
        row[value] = record
    values = sorted({value for row in rows.values() for value in row})
    plain = [{k: v for k, v in r.items() if k in ("strategy", "params", "file")} for r in firsts]
    cells = [[row.get(value) for value in values] for row in rows.values()]
    return Grid(labels(plain), what, values, [words(value) for value in values], cells)


def _axis(records: Sequence[Record]) -> tuple[str, Callable[[Record], float], Callable[[float], str]]:
    """What differs between the victims, its value and the value in words: their sizes if they have several."""
    if len({record.get("resident_pages") for record in records}) > 1:
        if len({locked_percent(record) for record in records}) > 1:
            raise InputError("the victims differ in size and in locked share; a grid has one of the two.")
        return "size", lambda record: float(record["resident_pages"]), lambda n: format_pages_size(round(n))
    return "locked", locked_percent, lambda percent: f"{percent:g} %"


def flaw_of(record: Record) -> str:
    """Return why a run's times do not speak for it, as report.outcome marks its worst flaw; "" when they do."""
    return next((flaw.mark for flaw in flaws(record)), "")


def all_freed_ps(record: Record) -> int | None:
    """Return when all was freed, None when it never was."""
    return moment(record, "all")


MEASURES: dict[str, Callable[[Record], int | None]] = {
    "time blocked, all tasks": blocked_ps,
    "time to all freed": all_freed_ps,
}


def worst(records: Sequence[Record], measure: Callable[[Record], int | None]) -> Record:
    """Return the run with the largest value, the first of equals; one that never came is worse than any."""
    records = reading_list(records)
    return max(records, key=lambda r: ((v := measure(r)) is None, v or 0))
