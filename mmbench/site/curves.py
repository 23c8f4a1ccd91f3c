"""Freed memory over time as a picture inside the page: lines by class, so that both colour schemes draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from mmbench.report.outcome import Place
from mmbench.report.reading import part
from mmbench.report.text.ranked import BASELINE
from mmbench.report.units import format_time

Record = Mapping[str, Any]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 420, 46, 132, 12, 34
LABEL_GAP = 19
MOST_KNOTS = 60
SECOND_PS = 10**12
MOST_TICKS = 6
STEPS_S = [m * 10.0**e for e in range(-6, 8) for m in (1, 2, 5)]


class Line(NamedTuple):
    """One run: its name, class, the points of its line in pixels, and the words that tell it."""

    name: str
    kind: str
    points: list[tuple[float, float]]
    says: str


def curves_svg(records: Sequence[Record], places: Sequence[Place]) -> str:
    """The picture as HTML: a line per run, with its name at its end; what it shows is in the caption, too."""
    end_ps = max((part(r, "curve").get("time_ps") or [1])[-1] for r in records)
    lines = [line_of(records[p.row], p, end_ps) for p in reversed(places)]
    body = "\n".join([*axes(end_ps), *map(drawn, lines), *labels(lines)])
    return f"""<figure class="curves">
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(caption(records, places))}">
{body}
</svg>
<figcaption>Memory given back over time, from the kill on.
Dashed: gave up, killed another process, or unsafe.</figcaption>
</figure>"""


def caption(records: Sequence[Record], places: Sequence[Place]) -> str:
    """What the picture says, for whoever does not see it."""
    said = [f"{p.name} after {format_time(p.all_ps)}{words_of(p)}" for p in places]
    return f"When all of the victim's memory is free: {'; '.join(said)}."


def words_of(place: Place) -> str:
    """What went wrong, in brackets."""
    return f" ({place.flaws[0].words})" if place.flaws else ""


def line_of(record: Record, place: Place, end_ps: int) -> Line:
    """A run's line; a run that has ended goes on level."""
    curve = part(record, "curve")
    times, pages = list(curve.get("time_ps") or [0]), list(curve.get("freed_pages") or [0])
    step = max(1, len(times) // MOST_KNOTS)
    knots = sorted({0, *range(0, len(times), step), len(times) - 1})
    whole = record["resident_pages"]
    points = [at(0, 0.0, end_ps), *(at(times[k], pages[k] / whole, end_ps) for k in knots)]
    kind = "flawed" if place.flaws else "base" if record["strategy"] == BASELINE else "sound"
    says = f"{place.name}: all free after {format_time(place.all_ps)}"
    return Line(place.name, kind, points, says)


def at(time_ps: int, share: float, end_ps: int) -> tuple[float, float]:
    """Pixels of a moment and a share."""
    x = LEFT + (WIDTH - LEFT - RIGHT) * time_ps / end_ps
    return round(x, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)


def axes(end_ps: int) -> list[str]:
    """Ticks of both axes with their grid lines."""
    step = next(s for s in STEPS_S if end_ps <= MOST_TICKS * s * SECOND_PS)
    found = []
    for k in range(int(end_ps / (step * SECOND_PS)) + 1):
        x, y = at(round(k * step * SECOND_PS), 0.0, end_ps)
        found.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{y}"/>')
        found.append(f'<text class="tick" x="{x}" y="{y + 18}" text-anchor="middle">{k * step:g} s</text>')
    for percent in (0, 50, 100):
        x, y = at(0, percent / 100, end_ps)
        found.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        found.append(f'<text class="tick" x="{x - 6}" y="{y + 4}" text-anchor="end">{percent} %</text>')
    return found


def drawn(line: Line) -> str:
    """One line, which tells its name when it is pointed at."""
    points = " ".join(f"{x},{y}" for x, y in line.points)
    return f'<polyline class="{line.kind}" points="{points}"><title>{escape(line.says)}</title></polyline>'


def labels(lines: Sequence[Line]) -> list[str]:
    """Names in a column at the right, in the order in which lines end, each joined to the end of its line."""
    order = sorted(lines, key=lambda line: line.points[-1][0])
    found = []
    for k, line in enumerate(order):
        x, y = line.points[-1]
        at_y = TOP + 6 + k * min(LABEL_GAP, (HEIGHT - TOP - BOTTOM) / max(len(order), 1))
        found.append(
            f'<path class="lead" d="M{x},{y} L{WIDTH - RIGHT + 14},{at_y:.1f}"/>'
            f'<text class="name {line.kind}" x="{WIDTH - RIGHT + 18}" y="{at_y + 4:.1f}">{escape(line.name)}</text>'
        )
    return found
