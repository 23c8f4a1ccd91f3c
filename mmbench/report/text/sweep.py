"""A sweep over locked share or size for a terminal: a table per measure; on request the tokens of the worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mmbench.report.outcome import FLAWS
from mmbench.report.reading import Record, heading, reading_list
from mmbench.report.text.extremes import replay_view
from mmbench.report.text.grid import MEASURES, flaw_of, grid, worst
from mmbench.report.units import format_time

if TYPE_CHECKING:
    from rich.console import Group

SIGNS = dict(zip((flaw.mark for flaw in FLAWS), "+!*~?", strict=True))


def sweep_view(records: Sequence[Record], width: int = 120, *, tokens: bool = False) -> Group:
    """Return the sweep as tables of at most `width` columns: a row per design, a column per victim."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    records = reading_list(records)
    found = grid(records)
    victims = dict.fromkeys(str(r.get("victim")) for r in records)
    parts: list[Any] = [Text(heading([{**records[0], "victim": " and ".join(victims)}]), style="bold")]
    for what, measure in MEASURES.items():
        cells = [[_cell(record, measure) for record in row] for row in found.cells]
        wide = max(len(cell) for row in cells for cell in row)
        room = max(1, (width - max(map(len, found.names))) // (wide + 1))
        for start in range(0, len(found.titles), room):
            table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
            table.add_column("" if start else found.what, no_wrap=True)
            for title in found.titles[start : start + room]:
                table.add_column(title, justify="right", no_wrap=True)
            for name, row in zip(found.names, cells, strict=True):
                styled = [
                    Text(cell, style="yellow" if cell[-1:] in SIGNS.values() else "")
                    for cell in row[start : start + room]
                ]
                table.add_row(Text(name, style="bold"), *styled)
            parts += [Text(""), *([] if start else [Text(what)]), table]
    marked = {why for row in found.cells for r in row if r is not None and (why := flaw_of(r))}
    if marked:
        parts.append(Text(", ".join(f"{SIGNS[why]} {why}" for why in sorted(marked)), style="dim"))
    if not tokens:
        return Group(*parts, Text("more: --tokens", style="dim"))
    extremes = [(f"worst {what}", worst(records, measure)) for what, measure in MEASURES.items()]
    return Group(*parts, *replay_view(extremes))


def _cell(record: Record | None, measure: Callable[[Record], int | None]) -> str:
    return "" if record is None else format_time(measure(record)) + SIGNS.get(flaw_of(record), "")
