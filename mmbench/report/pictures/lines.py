"""The left panel: freed memory over time, one line per run, none of them hidden behind another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmbench.report.answer import why_out
from mmbench.report.pictures.curves import Curve, TimeAxis, coinciding, curve, layers, time_axis
from mmbench.report.pictures.names import LINE_WIDTH, MAX_NAME, draw_marker, line_styles
from mmbench.report.pictures.placing import Box, Label, place_labels
from mmbench.report.reading import Record, shortened
from mmbench.report.units import PAGE_BYTES, SIZE_UNITS, format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASH_POINTS = 7.0
WIDER = 1.6
NAME_POINTS = 8.5


def draw_lines(axes: Axes, records: Sequence[Record], names: Sequence[str]) -> None:
    """Draw each record's line and write its name beside it where there is room.

    Lines that coincide all the way share it in alternating dashes; where lines share a stretch, the lower is wider.
    Each line carries its marker once, at another height than lines that coincide with it.
    """
    found = [curve(record) for record in records]
    drawn = [i for i, c in enumerate(found) if c is not None]
    curves = [c for c in found if c is not None]
    axis = time_axis(curves)
    styles = line_styles([str(record["strategy"]) for record in records])
    full = max([1, *(record.get("resident_pages") or 0 for record in records), *(c.pages[-1] for c in curves)])
    scale, unit = next((s for s in SIZE_UNITS if full * PAGE_BYTES >= s[0]), SIZE_UNITS[-1])
    to_size = PAGE_BYTES / scale
    _dress(axes, axis, full * to_size, unit)
    groups = coinciding(curves, axis, full)
    depth = layers([curves[group[0]] for group in groups], axis, full)
    for group, layer in zip(groups, depth, strict=True):
        for slot, i in enumerate(group):
            xy = _knots(curves[i], axis, to_size)
            dash = DASH_POINTS / (LINE_WIDTH + WIDER * layer)
            pattern = (-slot * dash, (dash, dash * (len(group) - 1))) if len(group) > 1 else "-"
            axes.plot(*zip(*xy, strict=True), color=styles[drawn[i]][0], lw=LINE_WIDTH + WIDER * layer, ls=pattern,
                      dash_capstyle="butt", zorder=3 - layer / 100)  # fmt: skip
            time = _marker_time(curves[i], axis, (slot + 1) / (len(group) + 1))
            draw_marker(axes, time, curves[i].at(time) * to_size, styles[drawn[i]])
    titles = ["\n".join(_title(records[drawn[i]], names[drawn[i]]) for i in group) for group in groups]
    ways = [_knots(curves[group[0]], axis, to_size) for group in groups]
    _name_lines(axes, list(zip(titles, ways, strict=True)))


def _title(record: Record, name: str) -> str:
    name, why = shortened(name, MAX_NAME), why_out(record)
    return f"{name} ({why})" if why else name


def _marker_time(c: Curve, axis: TimeAxis, share: float) -> float:
    """Return where on its line a marker sits: at a share of its height, or of the level rest that never finished."""
    if c.finished:
        return max(axis.start_ps, c.when(share * c.pages[-1]))
    start, end = axis.place(c.times_ps[-1]), 1.0
    return axis.time(start + (end - start) * share)


def _knots(c: Curve, axis: TimeAxis, to_size: float) -> list[tuple[float, float]]:
    """Return (time, size) along the drawn line; what never finished stays level up to the right edge."""
    xy = [(max(axis.start_ps, float(t)), n * to_size) for t, n in zip(c.times_ps, c.pages, strict=True)]
    return xy if c.finished else [*xy, (axis.end_ps, xy[-1][1])]


def _name_lines(axes: Axes, titled: Sequence[tuple[str, list[tuple[float, float]]]]) -> None:
    """Write names beside lines, in pixels of the panel; widths are those of the widest common letters."""
    box = axes.get_window_extent()
    pixel = axes.figure.dpi / 72
    wanted = []
    for title, xy in titled:
        rows = title.split("\n")
        line = [(float(x), float(y)) for x, y in axes.transData.transform(xy)]
        width, height = 0.62 * max(map(len, rows)), 1.3 * len(rows)
        wanted.append(Label(width * NAME_POINTS * pixel, height * NAME_POINTS * pixel, line))
    panel = Box(box.x0, box.y0, box.x1, box.y1)
    for (title, _), spot in zip(titled, place_labels(wanted, panel), strict=True):
        if spot is not None:
            x, y = axes.transData.inverted().transform(((spot.left + spot.right) / 2, (spot.bottom + spot.top) / 2))
            axes.text(x, y, title, size=NAME_POINTS, ha="center", va="center", color="#222222", zorder=6)


def _dress(axes: Axes, axis: TimeAxis, full_size: float, unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log" if axis.is_log else "linear")
    axes.set_xlim(axis.start_ps, axis.end_ps)
    axes.set_ylim(-0.02 * full_size, full_size * 1.04)
    if axis.is_log:
        axes.xaxis.set_major_locator(LogLocator(base=10, numticks=12))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ps, _: _tick(ps)))
    axes.set_xlabel("time after the kill" + (" (logarithmic)" if axis.is_log else ""))
    axes.set_ylabel(f"freed memory ({unit})")
    axes.set_title("memory given back", loc="left", size=11)
    axes.grid(color="#dddddd", lw=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _tick(ps: float) -> str:
    """Return a tick's time without the zeros that three digits would give it: "10 ms"."""
    number, unit = format_time(round(ps)).split(" ")
    return f"{float(number.replace(',', '')):g} {unit}"
