"""A sweep over the locked share, as a grid: a row per design, a column per share, a run in every cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmbench.errors import InputError
from mmbench.report.outcome import flaws
from mmbench.report.reading import Record, blocked_ps, labels, moment, part, reading_list


@dataclass(frozen=True)
class Grid:
    """names: of the rows; shares: percent locked, increasing; cells: rows of runs, None where there is none."""

    names: list[str]
    shares: list[float]
    cells: list[list[Record | None]]


def locked_percent(record: Record) -> float:
    """Return the share of the resident pages that is locked, in percent with one digit."""
    resident = record.get("resident_pages")
    if not resident or record.get("locked_pages") is None:
        raise InputError(f"the record of {record['strategy']!r} does not say how many pages are resident and locked.")
    return float(round(100 * record["locked_pages"] / resident, 1))


def grid(records: Sequence[Record]) -> Grid:
    """Arrange runs; rows in the order in which their designs first come. Raises InputError when two fall together."""
    records = reading_list(records)
    rows: dict[str, dict[float, Record]] = {}
    firsts: list[Record] = []
    for record in records:
        key = f"{record['strategy']} {sorted(part(record, 'params').items())}"
        if key not in rows:
            firsts.append(record)
        row, share = rows.setdefault(key, {}), locked_percent(record)
        if share in row:
            raise InputError(f"two runs of {record['strategy']!r} with {share:g} % locked; a cell shows one.")
        row[share] = record
    shares = sorted({share for row in rows.values() for share in row})
    plain = [{k: v for k, v in r.items() if k in ("strategy", "params")} for r in firsts]
    return Grid(labels(plain), shares, [[row.get(share) for share in shares] for row in rows.values()])


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
