"""The list of names between the panels: line sample, name and result of every run, in the rows of the bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmbench.report.reading import Record, is_unsafe, moment, shortened, total, why_out
from mmbench.report.units import NOTHING, format_share, format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008, without the yellow that white paper swallows.
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
LINE_WIDTH = 2.2
MAX_NAME = 32
TEXT_INCH = 0.52
TASK_INCH = 0.68


def line_style(i: int) -> tuple[str, str]:
    """Return colour and marker of the i-th run: 84 runs pass before a pair comes back."""
    return LINE_COLOURS[i % len(LINE_COLOURS)], MARKERS[i % len(MARKERS)]


def draw_marker(axes: Axes, x: float, y: float, i: int) -> None:
    """Draw the marker of the i-th run at a point, above all lines."""
    colour, marker = line_style(i)
    axes.plot([x], [y], color=colour, marker=marker, ms=9, mec="white", mew=0.8, zorder=5)


def names_inch(records: Sequence[Record], names: Sequence[str]) -> float:
    """Return the width in inches that the list of names needs, its swatches and the bars' task names included."""
    name, result = max(len(shortened(n, MAX_NAME)) for n in names), max(len(result_in_words(r)) for r in records)
    return TEXT_INCH + max(0.095 * name, 0.074 * result) + TASK_INCH


def draw_names(axes: Axes, records: Sequence[Record], names: Sequence[str], width_inch: float) -> None:
    """List the runs from top to bottom: line sample, name, and the result in words; rows match the bars' rows."""
    axes.set_axis_off()
    axes.set_xlim(0, width_inch)
    axes.set_ylim(len(records) - 0.5, -0.5)
    for i, (record, name) in enumerate(zip(records, names, strict=True)):
        axes.plot([0.08, 0.42], [i, i], lw=LINE_WIDTH, color=line_style(i)[0])
        draw_marker(axes, 0.25, i, i)
        axes.text(TEXT_INCH, i - 0.02, shortened(name, MAX_NAME), va="bottom", size=10.5, weight="bold")
        axes.text(TEXT_INCH, i + 0.02, result_in_words(record), va="top", size=8.5, color="#444444")


def result_in_words(record: Record) -> str:
    """Return a run's result in a few words: "all in 3.30 s", "hung, 90 % left", "unsafe I5", "1 extra kill"."""
    words = []
    done = moment(record, "all")
    if is_unsafe(record):
        words.append(why_out(record).upper())
    if done is not None:
        words.append(f"all in {format_time(done)}")
    else:
        left = format_share(total(record, "left_pages"), record.get("resident_pages"))
        words += [] if is_unsafe(record) else [why_out(record)]
        words += [] if left == NOTHING else [f"{left} left"]
    kills = record.get("collateral_kills")
    if kills:
        words.append(f"{kills} extra kill{'s' if kills > 1 else ''}")
    return ", ".join(words)
