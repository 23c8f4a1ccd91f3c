"""Tables for a terminal: many runs side by side, each row a single line, so that a column can be read downwards.

Columns that do not fit go into a further table below the first, with the strategy repeated; nothing is dropped.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mmbench.report.reading import (
    Record,
    blocked_by_cause,
    cause_name,
    is_unsafe,
    labels,
    largest,
    moment,
    part,
    parties,
    reading_list,
    reason_name,
    shortened,
    total,
)
from mmbench.report.text.export import to_csv, to_json
from mmbench.report.units import NOTHING, format_count, format_pages_size, format_rate, format_share, format_time

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

__all__ = ["as_text", "detail_tables", "to_csv", "to_json"]

GAP = 2
MIN_NAME = 16
BAD = "bold red"
OUTCOME_STYLES = {"gave-up": "yellow", "hung": BAD}


class Column(NamedTuple):
    """One column: columns of one `group` stay in one table where the width allows it."""

    group: str
    header: str
    cell: Callable[[Record], str]
    left: bool = False
    style: Callable[[Record], str] | None = None


def _freed(task: str) -> Callable[[Record], str]:
    return lambda record: format_share(part(record, "freed_pages").get(task), record.get("resident_pages"))


def _blocked(task: str) -> Callable[[Record], str]:
    def cell(record: Record) -> str:
        causes = blocked_by_cause(record, task)
        if causes is None:
            return NOTHING
        most = largest(causes)
        return f"{format_time(sum(causes.values()))} {cause_name(most)}" if most else "0 s"

    return cell


def _passed_over(record: Record) -> str:
    pages = total(record, "reaper_left_pages")
    most = largest(part(record, "reaper_left_pages"))
    share = format_share(pages, record.get("resident_pages"))
    return f"{share} {reason_name(most)}" if most else share


def _outcome(record: Record) -> str:
    return str(record.get("outcome") or NOTHING)


def _outcome_style(record: Record) -> str:
    return BAD if is_unsafe(record) else OUTCOME_STYLES.get(_outcome(record), "")


def _kills_style(record: Record) -> str:
    return BAD if record.get("collateral_kills") else "dim"


def _time(name: str) -> Callable[[Record], str]:
    return lambda record: format_time(moment(record, name))


OUTCOMES = (
    Column("when", "\noutcome", _outcome, left=True, style=_outcome_style),
    Column("when", "time to\nfirst", _time("first")),
    Column("when", "time to\nhalf", _time("half")),
    Column("when", "time to\nall", _time("all")),
    Column("when", "MMF_\nOOM_SKIP", _time("oom_skip")),
    Column("when", "extra\nkills", lambda record: format_count(record.get("collateral_kills")), style=_kills_style),
)


def columns_of(records: Sequence[Record]) -> list[Column]:
    """Return all columns that these runs may fill: a freed and a blocked one for each who took part in any."""
    everybody = parties(*records)
    return [
        *OUTCOMES,
        *(Column("who", f"freed by\n{task}", _freed(task)) for task in everybody),
        Column("who", "\nthroughput", lambda record: format_rate(record.get("throughput_pages_per_s"))),
        Column("why", "left\nbehind", lambda record: format_pages_size(total(record, "left_pages"))),
        Column("why", "reaper\npassed over", _passed_over, left=True),
        *(Column("why", f"{task}\nblocked", _blocked(task), left=True) for task in everybody),
    ]


def detail_tables(records: Sequence[Record], width: int = 120) -> Group:
    """Return everything that the records say as tables of at most `width` columns, one row per run in each.

    Rows keep the order of the records. Freed shares are of the victim's resident pages. A column in which nobody has
    a value is left out. Raises InputError without records.
    """
    from rich.console import Group
    from rich.text import Text

    records = reading_list(records)
    names = [shortened(name, max(MIN_NAME, width // 3)) for name in labels(records)]
    parts: list[RenderableType] = []
    for columns in _blocks(records, names, width):
        parts += [Text(""), _table(records, names, columns)]
    return Group(*parts)


def as_text(view: RenderableType, width: int = 120) -> str:
    """Return a view as plain text of at most `width` columns, without colour and without trailing blanks."""
    from rich.console import Console

    stream = io.StringIO()
    Console(
        force_jupyter=False, file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False
    ).print(view)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _blocks(records: Sequence[Record], names: Sequence[str], width: int) -> list[list[Column]]:
    """Deal the columns out to tables: a group moves to the next table whole, and is split only if it must be."""
    room = width - max(len("strategy"), *map(len, names))
    shown = [c for c in columns_of(records) if any(c.cell(r) != NOTHING for r in records)]
    need = {c: GAP + max(*map(len, c.header.split("\n")), *(len(c.cell(r)) for r in records)) for c in shown}
    blocks: list[list[Column]] = [[]]
    for group in dict.fromkeys(c.group for c in shown):
        members = [c for c in shown if c.group == group]
        for piece in [members] if sum(need[c] for c in members) <= room else [[c] for c in members]:
            if blocks[-1] and sum(need[c] for c in blocks[-1] + piece) > room:
                blocks.append([])
            blocks[-1] += piece
    return [block for block in blocks if block]


def _table(records: Sequence[Record], names: Sequence[str], columns: Sequence[Column]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    table.add_column("\nstrategy", no_wrap=True)
    for column in columns:
        table.add_column(column.header, justify="left" if column.left else "right", no_wrap=True)
    for name, record in zip(names, records, strict=True):
        cells = [Text(column.cell(record), style=_style(column, record)) for column in columns]
        table.add_row(Text(name, style="bold"), *cells)
    return table


def _style(column: Column, record: Record) -> str:
    if column.style is not None:
        return column.style(record)
    return "dim" if column.cell(record) in (NOTHING, "0 s", "0 %", "0 B") else ""
