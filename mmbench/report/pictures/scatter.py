"""One figure shows whether the model tells the truth: its time against the measured one, a point per victim.

Both axes are logarithmic and alike, the diagonal is a perfect answer, and the band is the goal of each kind. Bars are
the quartiles of the measurements. Colours are Okabe and Ito's; kinds differ in marker, too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mmbench.errors import InputError
from mmbench.records.measured_types import Judged
from mmbench.report.pictures.picture import DPI, picture_suffix, write_figure
from mmbench.report.text.measured import KIND_NAMES, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = {
    "exit": ("#0072B2", "o"),
    "mrelease": ("#D55E00", "s"),
    "exit_after": ("#009E73", "^"),
    "race": ("#CC79A7", "D"),
}
BAND = 0.10
SIZE_INCH = (7.2, 6.6)


def scatter_figure(record: Judged, path: str | os.PathLike[str]) -> None:
    """Draw a validation into a .png, .svg or .pdf file, the same bytes for the same record.

    The file appears whole or not at all. Raises InputError for another suffix, a path that cannot be written or a
    record without rows, and CannotError when the disk is full.
    """
    picture_suffix(path)
    if not record["rows"]:
        raise InputError("nothing was measured, so there is nothing to draw.")
    write_figure(lambda: draw(record), path)


def draw(record: Judged) -> Figure:
    """Return the scatter plot as a matplotlib figure on an Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=SIZE_INCH, dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    times = [
        ns for row in record["rows"] for ns in (row["low_ns"], row["high_ns"], row["measured_ns"], row["model_ns"])
    ]
    low, high = 0.8 * min(times) / 1e6, 1.25 * max(times) / 1e6
    axes.fill_between([low, high], [low * (1 - BAND), high * (1 - BAND)], [low * (1 + BAND), high * (1 + BAND)],
                      color="#eeeeee", lw=0, label=f"within {percent(BAND)}")  # fmt: skip
    axes.plot([low, high], [low, high], color="#888888", lw=1)
    for what, (colour, marker) in STYLES.items():
        _draw_kind(axes, record, what, colour, marker)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("measured (ms)")
    axes.set_ylabel("model (ms)")
    axes.set_title(f"model against the running kernel: {record['verdict']}", loc="left", size=11)
    axes.grid(color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    if "machine" in record:
        axes.text(0.99, 0.01, record["machine"], transform=axes.transAxes, size=7, ha="right", color="#555555")
    return figure


def _draw_kind(axes: Axes, record: Judged, what: str, colour: str, marker: str) -> None:
    rows = [row for row in record["rows"] if row["what"] == what]
    if not rows:
        return
    x = [row["measured_ns"] / 1e6 for row in rows]
    bars = [
        [(row["measured_ns"] - row["low_ns"]) / 1e6 for row in rows],
        [(row["high_ns"] - row["measured_ns"]) / 1e6 for row in rows],
    ]
    found = record["held_out"][what]
    label = f"{KIND_NAMES[what]} (n = {found['n']}, median error {percent(found['median_abs_error'])})"
    axes.errorbar(x, [row["model_ns"] / 1e6 for row in rows], xerr=bars, fmt=marker, color=colour, ms=5,
                  mec="white", mew=0.5, elinewidth=0.8, label=label)  # fmt: skip
