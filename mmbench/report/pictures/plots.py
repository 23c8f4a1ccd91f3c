"""One figure answers the comparison: whose memory is back when, and who waited for what meanwhile.

Rows and lines share one list of names: soonest first, and those that do not compete below the others. Colours are
Okabe and Ito's, safe for the colour-blind, and never the only sign: lines differ in marker, tasks have their own bars,
causes have a legend and hatches.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmbench.report.answer import answer
from mmbench.report.outcome import ranking
from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.reading import Record, heading, reading_list

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["compare_figure", "draw"]

WIDTH_INCH, LEFT_INCH, RIGHT_INCH = 14.0, 0.8, 0.25


def compare_figure(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Draw the comparison of at least one run into a .png, .svg or .pdf file, the same bytes for the same records.

    Left: freed memory over time. Right: waiting time by cause, a bar per task. The file appears whole or not at all.
    Raises InputError for another suffix, a path that cannot be written, or records without a strategy, and
    CannotError when the disk is full.
    """
    found = reading_list(records)
    write_figure(lambda: draw(found), path)


def draw(records: Sequence[Record]) -> Figure:
    """Return the comparison as a matplotlib figure on an Agg canvas, without pyplot and its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from mmbench.report.pictures.bars import draw_bars
    from mmbench.report.pictures.lines import draw_lines
    from mmbench.report.pictures.names import draw_names, names_inch

    says = answer(records)
    places = ranking(records)
    records, names = [records[place.row] for place in places], [place.name for place in places]
    title = textwrap.fill(heading(records), 112)
    left, right = _wrapped(says[:2], 68), _wrapped(says[2:], 104)
    title_inch = 0.16 + 0.28 * len(title.split("\n"))
    top_inch, bottom_inch = title_inch + 0.42 + 0.2 * max(len(left), len(right)), 0.85
    height = top_inch + max(3.2, 0.46 * len(records)) + bottom_inch
    middle = names_inch(records, names)
    inside = WIDTH_INCH - LEFT_INCH - RIGHT_INCH
    figure = Figure(figsize=(WIDTH_INCH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        1, 3, width_ratios=((inside - middle) * 0.56, middle, (inside - middle) * 0.44), wspace=0,
        left=LEFT_INCH / WIDTH_INCH, right=1 - RIGHT_INCH / WIDTH_INCH, top=1 - top_inch / height,
        bottom=bottom_inch / height,
    )  # fmt: skip
    panels = [figure.add_subplot(grid[0, i]) for i in range(3)]
    figure.text(0.012, 1 - 0.16 / height, title, size=12.5, weight="bold", va="top")
    for x, words in ((0.012, left), (0.41, right)):
        figure.text(x, 1 - (title_inch + 0.02) / height, "\n".join(words), size=10, va="top", linespacing=1.35)
    draw_lines(panels[0], records, names)
    draw_names(panels[1], records, names, middle)
    draw_bars(panels[2], records)
    return figure


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    return [piece for line in lines for piece in textwrap.wrap(line, width, subsequent_indent="    ")]
