"""Ranked bars: when each design has given all memory back, as a multiple of the baseline; a panel for each victim.

Designs stand in the order of the last panel's answer, those that do not compete below a line, hatched, with the reason.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmbench.report.outcome import Place, is_tie, ranking
from mmbench.report.pictures.names import MAX_NAME
from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.reading import Record, heading, labels, moment, reading_list, shortened
from mmbench.report.text.grid import grid
from mmbench.report.text.ranked import BASELINE
from mmbench.report.units import format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_INCH, LINE_INCH, GAP_INCH, FOOT_INCH, RIGHT_INCH = 0.34, 0.24, 0.48, 0.8, 0.2
PANEL_INCH = {1: 8.0, 2: 5.0}  # of so many panels; more are 3 inches wide each
SOUND, BEST, BASE, FLAWED = "#56B4E9", "#009E73", "#222222", "#D9D9D9"
ROOM_FOR_WORDS = {1: 1.5, 2: 1.8}  # of the longest bar, for so many panels; more need twice the bar
CLIPPED = 1.2  # of the longest bar that competes: a longer one says its length


def ranked_bars(records: Sequence[Record], path: str | os.PathLike[str], baseline: str = BASELINE) -> None:
    """Draw runs of several designs on one victim or several into a .png, .svg or .pdf file.

    baseline: the design that is 1; without it, the soonest is. Raises InputError as `report.text.grid.grid` does, and
    for another suffix or a path that cannot be written.
    """
    found = reading_list(records)
    write_figure(lambda: draw(found, baseline), path)


def draw(records: Sequence[Record], baseline: str = BASELINE) -> Figure:
    """Return the bars as a matplotlib figure on an Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    victims = _panels(records)
    order = [place.name for place in ranking(victims[-1][1])]
    n, panel = len(victims), PANEL_INCH.get(len(victims), 3.0)
    left = 0.3 + 0.092 * max(len(shortened(name, MAX_NAME)) for name in order)
    width = left + n * panel + RIGHT_INCH
    title = textwrap.wrap(heading([{**records[0], "victim": _victims(records)}]), int(width * 8.4))
    height = GAP_INCH + LINE_INCH * len(title) + ROW_INCH * len(order) + FOOT_INCH
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.1 / width, 1 - 0.12 / height, "\n".join(title), size=12, weight="bold", va="top")
    for k, (what, runs) in enumerate(victims):
        box = ((left + k * panel) / width, FOOT_INCH / height, (panel - 0.15) / width, ROW_INCH * len(order) / height)
        axes = figure.add_axes(box)
        said = _panel(axes, runs, order, baseline, ROOM_FOR_WORDS.get(n, 2.0))
        axes.set_title(f"{what}, {said}" if what else said, loc="left", size=9.5)
        axes.set_yticks(range(len(order)), [shortened(name, MAX_NAME) for name in order] if k == 0 else [], size=9.5)
    middle = (left + n * panel / 2) / width
    figure.text(
        middle, 0.36 / height, "time until all memory is free, as a multiple of the line's", ha="center", size=10
    )
    note = "hatched: did not go well, so not ranked; green: the soonest of those that did"
    figure.text(0.1 / width, 0.12 / height, note, size=8.5, color="#444444")
    return figure


def _panels(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """The runs of each victim with what tells the victim from the others, "" for a single one."""
    if len({record.get("victim") for record in records}) < 2:
        return [("", list(records))]
    found = grid(records)
    sign = "" if found.what == "size" else f" {found.what}"
    return [(f"{title}{sign}", found.column(k)) for k, title in enumerate(found.titles)]


def _victims(records: Sequence[Record]) -> str:
    names = list(dict.fromkeys(str(record.get("victim")) for record in records))
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _panel(axes: Axes, runs: Sequence[Record], order: Sequence[str], baseline: str, room: float) -> str:
    """One victim's bars; returns what 1 is."""
    from matplotlib.ticker import MaxNLocator

    places = {place.name: place for place in ranking(runs)}
    done = [p.all_ps for p in places.values() if p.all_ps is not None and not p.flaws]
    names = {name: str(run["strategy"]) for name, run in zip(labels(runs), runs, strict=True)}
    base = next((moment(run, "all") for run in runs if run["strategy"] == baseline), None)
    best = min(done, default=None)
    unit = base or best or 1
    longest = max([unit, *done]) / unit
    for y, name in enumerate(order):
        if name in places:
            _bar(axes, y, places[name], unit, CLIPPED * longest, _colour(places[name], best, names[name] == baseline))
    axes.axvline(1, color=BASE, lw=1)
    below = next((y for y, name in enumerate(order) if name in places and places[name].flaws), None)
    if below:
        axes.axhline(below - 0.5, color="#999999", lw=0.8, ls=":")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], prune="upper"))
    axes.set(xlim=(0, room * CLIPPED * longest), ylim=(len(order) - 0.5, -0.5))
    axes.grid(axis="x", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return f"1 = {baseline if base else 'the soonest'}, {format_time(unit)}"


def _colour(place: Place, best: int | None, is_base: bool) -> str:
    if place.flaws:
        return FLAWED
    if best is not None and place.all_ps is not None and is_tie(place.all_ps, best):
        return BEST
    return BASE if is_base else SOUND


def _bar(axes: Axes, y: int, place: Place, unit: int, most: float, colour: str) -> None:
    reason = f"  {place.flaws[0].mark}" if place.flaws else ""
    ratio = most if place.all_ps is None else place.all_ps / unit
    axes.barh(y, min(ratio, most), 0.66, color=colour, hatch="///" if place.flaws else "", edgecolor="white", lw=0.5)
    words = "never" if place.all_ps is None else f"{ratio:.2f}x  {format_time(place.all_ps)}"
    axes.annotate(f"{words}{reason}", (min(ratio, most), y), (4, 0), textcoords="offset points", va="center", size=8,
                  color="#222222", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip
