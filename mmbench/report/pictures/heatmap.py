"""Design against locked share or size: how long tasks are blocked, and when all is freed, a run per cell.

Colours are logarithmic (cividis, which the colour-blind see alike), each cell says its value, and a cell whose run
stalled says so. The worst cell of each panel is framed; its replay token is in the file's metadata.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.reading import Record, reading_list, shortened
from mmbench.report.text.grid import MEASURES, Grid, flaw_of, grid, worst
from mmbench.report.units import format_pages_size, format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL_INCH = (0.92, 0.36)
RIGHT_INCH, TOP_INCH, GAP_INCH, FOOT_INCH = 1.2, 0.85, 0.85, 0.65
MAX_NAME = 28
XLABEL = {"locked": "share of the victim's memory that is mlocked", "size": "size of the victim"}


def heatmap(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Draw a sweep over locked share or size into a .png, .svg or .pdf file, the same bytes for the same records.

    Raises InputError for two runs of one design and victim, another suffix or a path that cannot be written.
    """
    records = reading_list(records)
    found = grid(records)
    tokens = {f"worst, {what}: mmbench run --replay {worst(records, m).get('token')}" for what, m in MEASURES.items()}
    write_figure(lambda: draw(records, found), path, "\n".join(sorted(tokens)))


def draw(records: Sequence[Record], found: Grid) -> Figure:
    """Return the heatmap as a matplotlib figure on an Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panel = (CELL_INCH[0] * max(4, len(found.titles)), CELL_INCH[1] * len(found.names))
    left = 0.3 + 0.088 * max(len(shortened(name, MAX_NAME)) for name in found.names)
    width = left + panel[0] + RIGHT_INCH
    height = TOP_INCH + 2 * panel[1] + GAP_INCH + FOOT_INCH
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    title = textwrap.fill(_title(records), int(width * 8.5))
    figure.text(0.1 / width, 1 - 0.12 / height, title, size=12, weight="bold", va="top")
    for k, (what, measure) in enumerate(MEASURES.items()):
        bottom = FOOT_INCH + (1 - k) * (panel[1] + GAP_INCH)
        axes = figure.add_axes((left / width, bottom / height, panel[0] / width, panel[1] / height))
        bar = figure.add_axes(((left + panel[0] + 0.15) / width, bottom / height, 0.16 / width, panel[1] / height))
        _panel(axes, bar, found, what, measure, worst(records, measure))
    axes.set_xlabel(XLABEL[found.what])
    note = "framed: the worst cell; gave up, hung, unsafe: how that run ended; 0 s has no colour"
    figure.text(0.1 / width, 0.1 / height, note, size=8.5, color="#444444")
    return figure


def _title(records: Sequence[Record]) -> str:
    """Say what all runs have in common; the victims differ in one thing alone, so the other is said."""
    words = [str(records[0].get("kind", "model"))]
    sizes = dict.fromkeys(r.get("resident_pages") for r in records)
    victims = dict.fromkeys(str(r.get("victim")) for r in records)
    for key in ("scenario", "costs", "seed"):
        values = dict.fromkeys(str(r[key]) for r in records if key in r)
        words += [f"{key} {', '.join(values)}"] if values else []
    size = format_pages_size(next(iter(sizes))) if len(sizes) == 1 else f"of {len(sizes)} sizes"
    return " | ".join([words[0], f"victim {' and '.join(victims) if len(victims) < 3 else size}", *words[1:]])


def _panel(
    axes: Axes, bar: Axes, found: Grid, what: str, measure: Callable[[Record], int | None], most: Record
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import NullLocator

    values = [v for row in found.cells for r in row if r is not None and (v := measure(r))]
    low, high = (min(values), max(values)) if values else (1, 10)
    norm = LogNorm(low, max(high, 1.01 * low))
    colours = ScalarMappable(norm, "cividis_r")
    for y, row in enumerate(found.cells):
        for x, record in enumerate(row):
            if record is not None:
                _cell(axes, x, y, record, measure(record), colours, framed=record is most)
    axes.set_xlim(-0.5, len(found.titles) - 0.5)
    axes.set_ylim(len(found.names) - 0.5, -0.5)
    axes.set_xticks(range(len(found.titles)), found.titles)
    axes.set_yticks(range(len(found.names)), [shortened(name, MAX_NAME) for name in found.names], size=9.5)
    axes.tick_params(length=0)
    axes.set_title(what, loc="left", size=11)
    for side in axes.spines.values():
        side.set_visible(False)
    scale = axes.figure.colorbar(colours, cax=bar)
    ticks = _ticks(low, high)
    scale.ax.yaxis.set_minor_locator(NullLocator())
    scale.ax.set_yticks(ticks, [format_time(ps) for ps in ticks])
    scale.ax.tick_params(labelsize=8.5)


def _ticks(low: int, high: int) -> list[int]:
    """The ends of a colour scale, and the powers of ten between them that keep clear of both."""
    power, inside = 1, []
    while power < high:
        if 2 * low < power < high / 2:
            inside.append(power)
        power *= 10
    return sorted({low, *inside, high})


def _cell(axes: Axes, x: int, y: int, record: Record, value: int | None, colours: object, *, framed: bool) -> None:
    from matplotlib.patches import Rectangle

    colour = colours.to_rgba(value) if value else ("#333333" if value is None else "#f3f3f3")  # type: ignore[attr-defined]
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", lw=1))
    if framed:
        axes.add_patch(Rectangle((x - 0.46, y - 0.45), 0.92, 0.9, fill=False, edgecolor="#D55E00", lw=2.2, zorder=4))
    is_dark = value is None or (bool(value) and 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 0.5)  # type: ignore[operator]
    ending = flaw_of(record)
    words = "never" if value is None else format_time(value)
    ink = "white" if is_dark else "#111111"
    axes.text(x, y - (0.14 if ending else 0), words, ha="center", va="center", size=8.5, color=ink)
    if ending:
        axes.text(x, y + 0.25, ending, ha="center", va="center", size=7, color=ink, style="italic")
