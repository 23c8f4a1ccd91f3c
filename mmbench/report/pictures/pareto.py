"""Time freed against time blocked: who is soonest and who makes others wait least, and which designs no other beats.

Further left and further down is better. A line joins the designs that no other beats in both; those that gave up,
killed another process or are unsafe are hollow, grey and never on it.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mmbench.report.outcome import Place, ranking
from mmbench.report.pictures.names import MAX_NAME, line_styles
from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.pictures.placing import Box, Label, place_labels
from mmbench.report.reading import Record, blocked_ps, heading, reading_list, shortened
from mmbench.report.units import format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCH, HEIGHT_INCH = 11.0, 6.4
NAME_POINTS = 8.5
SAME_PIXELS = 7.0  # points nearer than this are one point with several names
GREY = "#8a8a8a"


class Spot(NamedTuple):
    """One run: its place, times to all freed and blocked by all who took part, its colour and marker."""

    place: Place
    all_ps: int
    blocked_ps: int
    style: tuple[str, str]


def pareto(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Draw runs of several designs on one victim into a .png, .svg or .pdf file.

    Raises InputError for records without a strategy, another suffix or a path that cannot be written.
    """
    found = reading_list(records)
    write_figure(lambda: draw(found), path)


def spots(records: Sequence[Record]) -> tuple[list[Spot], list[Place]]:
    """Return the runs that have both times, and the places of those that never came to an end."""
    places = ranking(records)
    styles = line_styles([str(records[place.row]["strategy"]) for place in places])
    found, never = [], []
    for place, style in zip(places, styles, strict=True):
        blocked = blocked_ps(records[place.row])
        if place.all_ps is None or blocked is None:
            never.append(place)
        else:
            found.append(Spot(place, place.all_ps, blocked, style))
    return found, never


def unbeaten(found: Sequence[Spot]) -> list[Spot]:
    """Return those of the competing runs that none beats in one time without losing in the other, soonest first."""
    sound = sorted((s for s in found if not s.place.flaws), key=lambda s: (s.all_ps, s.blocked_ps))
    front: list[Spot] = []
    for spot in sound:
        if not front or spot.blocked_ps < front[-1].blocked_ps or spot[1:3] == front[-1][1:3]:
            front.append(spot)
    return front


def draw(records: Sequence[Record]) -> Figure:
    """Return the picture as a matplotlib figure on an Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found, never = spots(records)
    figure = Figure(figsize=(WIDTH_INCH, HEIGHT_INCH), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.01, 0.985, textwrap.fill(heading(records), 105), size=12, weight="bold", va="top")
    axes = figure.add_axes((0.085, 0.115, 0.895, 0.78))
    for spot in found:
        fill = "white" if spot.place.flaws else spot.style[0]
        edge = GREY if spot.place.flaws else spot.style[0]
        axes.plot([spot.all_ps], [spot.blocked_ps], marker=spot.style[1], ms=9, mfc=fill, mec=edge, ls="",
                  zorder=3 if spot.place.flaws else 4)  # fmt: skip
    front = unbeaten(found)
    axes.plot([s.all_ps for s in front], [s.blocked_ps for s in front], color="#009E73", lw=1.4, zorder=2)
    _dress(axes, found)
    unnamed = _names(axes, found, [s.place.name for s in front])
    said = ["line: no other design beats these in both; hollow: did not go well, so never on it"]
    said += [f"no room for: {', '.join(unnamed)}"] if unnamed else []
    said += [f"without an end: {', '.join(place.name for place in never)}"] if never else []
    figure.text(0.01, 0.012, "; ".join(said), size=8.5, color="#444444")
    return figure


def _dress(axes: Axes, found: Sequence[Spot]) -> None:
    from matplotlib.ticker import FuncFormatter

    late, waits = [s.all_ps for s in found] or [1], [s.blocked_ps for s in found] or [1]
    low, high = min(late), max(late)
    axes.set_xlim(low - 0.12 * (high - low or low), high + 0.22 * (high - low or high))
    axes.set_ylim(-0.06 * max([1, *waits]), 1.12 * max([1, *waits]))
    for axis, what in ((axes.xaxis, "time until all memory is free"), (axes.yaxis, "time blocked, all who took part")):
        axis.set_major_formatter(FuncFormatter(lambda ps, _: _tick(ps)))
        axis.set_label_text(f"{what} (lower is better)")
    axes.grid(color="#e2e2e2", lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _tick(ps: float) -> str:
    number, unit = format_time(max(0, round(ps))).split(" ")
    return f"{float(number.replace(',', '')):g} {unit}"


def _names(axes: Axes, found: Sequence[Spot], front: Sequence[str]) -> list[str]:
    """Write each name once beside its point, in a list where points lie on one another; returns those without room."""
    box, pixel = axes.get_window_extent(), axes.figure.dpi / 72
    at = [(float(x), float(y)) for x, y in axes.transData.transform([(s.all_ps, s.blocked_ps) for s in found])]
    groups: list[list[int]] = []
    for k, (x, y) in enumerate(at):
        home = next((g for g in groups if abs(at[g[0]][0] - x) + abs(at[g[0]][1] - y) < SAME_PIXELS), None)
        if home is None:
            groups.append([k])
        else:
            home.append(k)
    line = 1.3 * NAME_POINTS * pixel
    wide = [0.62 * NAME_POINTS * pixel * max(len(_title(found[k])) for k in group) for group in groups]
    wanted = [Label(w, line * len(group), [at[group[0]]]) for w, group in zip(wide, groups, strict=True)]
    places = place_labels(wanted, Box(box.x0, box.y0, box.x1, box.y1))
    unnamed: list[str] = []
    for group, spot in zip(groups, places, strict=True):
        if spot is None:
            unnamed += [_title(found[k]) for k in group]
            continue
        for row, k in enumerate(group):
            at_pixel = ((spot.left + spot.right) / 2, spot.top - (row + 0.5) * line)
            x, y = axes.transData.inverted().transform(at_pixel)
            axes.text(x, y, _title(found[k]), size=NAME_POINTS, ha="center", va="center", zorder=6,
                      weight="bold" if found[k].place.name in front else "normal",
                      color=GREY if found[k].place.flaws else "#222222",
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.4})  # fmt: skip
    return unnamed


def _title(spot: Spot) -> str:
    why = f" ({spot.place.flaws[0].mark})" if spot.place.flaws else ""
    return shortened(spot.place.name, MAX_NAME) + why
