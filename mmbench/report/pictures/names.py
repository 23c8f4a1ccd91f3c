"""The list of names between the panels: line sample, name and result of every run, in the rows of the bars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from mmbench.report.outcome import flaws
from mmbench.report.reading import Record, moment, shortened, total
from mmbench.report.units import NOTHING, format_share, format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A design looks the same in every picture. Okabe and Ito 2008 without the yellow that white paper swallows, and those
# of Tol's muted scheme that stay apart from them for the colour-blind; no two designs share a marker either.
STYLES = {
    "v4.14": ("#7F7F7F", "o"),
    "v4.17": ("#882255", "s"),
    "drop-oom-skip": ("#D55E00", "^"),
    "write-downgrade": ("#0072B2", "D"),
    "unlocking-flag": ("#999933", "v"),
    "trylock": ("#009E73", "P"),
    "v5.17": ("#000000", "X"),
    "v5.18": ("#E69F00", "<"),
    "v6.1": ("#56B4E9", ">"),
    "v6.18": ("#CC79A7", "p"),
    "no-munlock": ("#332288", "h"),
    "exit-write": ("#CC6677", "*"),
    "exit-mm-stash": ("#44AA99", "d"),
    "reap-kill": ("#8C564B", "8"),
    "handover-1g": ("#AA4499", "H"),
}
LINE_COLOURS = tuple(colour for colour, _ in STYLES.values())
MARKERS = tuple(marker for _, marker in STYLES.values())
LINE_WIDTH = 2.2
MAX_NAME = 32
TEXT_INCH = 0.52
TASK_INCH = 0.68


def line_styles(strategies: Sequence[str]) -> list[tuple[str, str]]:
    """Return colour and marker per run, all different up to 60 runs.

    The first run of a known design has the design's own; variants and designs of one's own get pairs nobody has.
    """
    found: list[tuple[str, str] | None] = []
    for strategy in strategies:
        own = STYLES.get(strategy.partition(":")[0])
        found.append(own if own not in found else None)
    n = len(LINE_COLOURS)
    free = ((LINE_COLOURS[k % n], MARKERS[(k + k // n) % len(MARKERS)]) for k in count())
    rest = (pair for pair in free if pair not in found[: len(strategies)])
    return [style if style is not None else next(rest) for style in found]


def draw_marker(axes: Axes, x: float, y: float, style: tuple[str, str]) -> None:
    """Draw a run's marker at a point, above all lines. style: see line_styles."""
    colour, marker = style
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
    styles = line_styles([str(record["strategy"]) for record in records])
    for i, (record, name, style) in enumerate(zip(records, names, styles, strict=True)):
        axes.plot([0.08, 0.42], [i, i], lw=LINE_WIDTH, color=style[0])
        draw_marker(axes, 0.25, i, style)
        axes.text(TEXT_INCH, i - 0.02, shortened(name, MAX_NAME), va="bottom", size=10.5, weight="bold")
        axes.text(TEXT_INCH, i + 0.02, result_in_words(record), va="top", size=8.5, color="#444444")


def result_in_words(record: Record) -> str:
    """Return a run's result in a few words: "all in 3.30 s", "hung, 90 % left", "GAVE UP, all in 14 s"."""
    words = [flaw.mark.upper() for flaw in flaws(record)]
    done = moment(record, "all")
    if done is not None:
        words.append(f"all in {format_time(done)}")
    else:
        left = format_share(total(record, "left_pages"), record.get("resident_pages"))
        words += [f"{left} left"] if left != NOTHING else [] if words else ["no time to all"]
    return ", ".join(words)
