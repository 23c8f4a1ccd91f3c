"""Freed memory over time, ready to draw: the knots of each line, the common axis, and which lines lie on which."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from mmbench.report.reading import Record, moment, part

ENDED = ("completed", "gave-up")
LOG_SPAN = 15
SAME_END = 0.01  # of the width
SAME = 0.004  # of the height of the panel: about a line's width
N_PROBES = 400  # one of them to the side is about half a line's width
MIN_OVERLAP = 0.1  # of the width: lines that share less merely cross, or start together


@dataclass(frozen=True)
class TimeAxis:
    """The common time axis, in picoseconds."""

    start_ps: float
    end_ps: float
    is_log: bool

    def place(self, time_ps: float) -> float:
        """Return where a time lies, 0 at the left edge and 1 at the right, clipped to the axis."""
        time_ps = min(max(time_ps, self.start_ps), self.end_ps)
        if self.is_log:
            return math.log(time_ps / self.start_ps) / math.log(self.end_ps / self.start_ps)
        return (time_ps - self.start_ps) / (self.end_ps - self.start_ps)

    def time(self, place: float) -> float:
        """Return the time at a place between 0 and 1."""
        if self.is_log:
            return float(self.start_ps * (self.end_ps / self.start_ps) ** place)
        return self.start_ps + (self.end_ps - self.start_ps) * place


@dataclass(frozen=True)
class Curve:
    """One run's line: `pages` freed by `times_ps`, from the first page on, straight between its knots.

    `finished`: nothing more was to come, so the line ends; otherwise it goes on level for ever.
    """

    times_ps: list[int]
    pages: list[int]
    finished: bool

    def at(self, time_ps: float) -> float:
        """Return the pages freed by a time; after the last knot, all that ever were."""
        i = bisect_right(self.times_ps, time_ps)
        if i == 0:
            return 0
        if i == len(self.times_ps):
            return self.pages[-1]
        before, after = self.times_ps[i - 1], self.times_ps[i]
        return self.pages[i - 1] + (self.pages[i] - self.pages[i - 1]) * (time_ps - before) / (after - before)

    def when(self, pages: float) -> float:
        """Return the time by which so many pages had been freed; the line must reach them."""
        i = next(i for i, n in enumerate(self.pages) if n >= pages)
        if i == 0 or self.pages[i] == self.pages[i - 1]:
            return self.times_ps[i]
        before, after = self.times_ps[i - 1], self.times_ps[i]
        return before + (after - before) * (pages - self.pages[i - 1]) / (self.pages[i] - self.pages[i - 1])


def curve(record: Record) -> Curve | None:
    """Return the line of a record, None when it has no curve; a run that freed nothing stays level at zero.

    The line begins at the last moment with nothing freed (`time_ps.first` where known), not at the kill: a straight
    line from the kill to a first page one second later would show freeing where there was none.
    """
    data = part(record, "curve")
    points = list(zip(data.get("time_ps") or [], data.get("freed_pages") or [], strict=False))
    if not points:
        return None
    rising = next((i for i, (_, n) in enumerate(points) if n > 0), None)
    if rising is None:
        return Curve([points[0][0]], [0], finished=False)
    zero = points[rising - 1][0] if rising else points[0][0]
    first = moment(record, "first")
    start = zero if first is None else min(max(first, zero), points[rising][0])
    done = moment(record, "all")
    kept = [(start, 0), *(p for p in points[rising:] if done is None or p[0] <= done or p[1] < points[-1][1])]
    if done is not None and done >= kept[-1][0] and kept[-1][1] < points[-1][1]:
        kept.append((done, points[-1][1]))
    finished = done is not None or record.get("outcome") in ENDED
    return Curve([t for t, _ in kept], [n for _, n in kept], finished)


def time_axis(curves: Sequence[Curve]) -> TimeAxis:
    """Return an axis for all lines: logarithmic when the slowest ends 15 times later than the fastest is half done.

    First pages do not count for that: the question is when the memory is back, and a linear axis answers it best.
    """
    if not curves:
        return TimeAxis(0, 10**12, is_log=False)
    last = max(1, *(c.times_ps[-1] for c in curves))
    half = max(c.pages[-1] for c in curves) / 2
    fastest = max(1.0, min(c.when(half) for c in curves if c.pages[-1] >= half))
    if last > LOG_SPAN * fastest:
        return TimeAxis(max(1.0, fastest / LOG_SPAN), last * 1.6, is_log=True)
    return TimeAxis(0, last * 1.06, is_log=False)


def coinciding(curves: Sequence[Curve], axis: TimeAxis, full_pages: float) -> list[list[int]]:
    """Return groups of indices of lines that an eye could not tell apart; most groups have one member.

    Two rising lines coincide when they end together and each stays within SAME of the other, sideways or upwards.
    """
    heights = [_heights(c, axis, full_pages) for c in curves]
    ends = [_end(c, axis) for c in curves]
    groups: list[list[int]] = []
    for i, mine in enumerate(heights):
        twins = (g for g in groups if abs(ends[i] - ends[g[0]]) <= SAME_END)
        home = next((g for g in twins if _n_close(mine, heights[g[0]]) == N_PROBES + 1), None)
        if home is None:
            groups.append([i])
        else:
            home.append(i)
    return groups


def layers(curves: Sequence[Curve], axis: TimeAxis, full_pages: float) -> list[int]:
    """Return a layer per line, 0 on top, such that lines that share a stretch of their way have different layers."""
    heights = [_heights(c, axis, full_pages) for c in curves]
    found: list[int] = []
    for i, c in enumerate(curves):
        taken = {found[j] for j in range(i) if _overlap(c, heights[i], curves[j], heights[j], axis)}
        found.append(next(layer for layer in range(len(curves)) if layer not in taken))
    return found


def _heights(c: Curve, axis: TimeAxis, full_pages: float) -> list[float]:
    """Return the height at N_PROBES + 1 places from the left edge to the right."""
    return [c.at(axis.time(i / N_PROBES)) / full_pages for i in range(N_PROBES + 1)]


def _end(c: Curve, axis: TimeAxis) -> float:
    return axis.place(c.times_ps[-1]) if c.finished else 1.0


def _overlap(a: Curve, heights_a: list[float], b: Curve, heights_b: list[float], axis: TimeAxis) -> bool:
    start = max(axis.place(c.times_ps[0]) for c in (a, b))
    end = min(_end(a, axis), _end(b, axis))
    probes = slice(math.floor(start * N_PROBES), math.ceil(end * N_PROBES) + 1)
    return _n_close(heights_a[probes], heights_b[probes]) >= MIN_OVERLAP * N_PROBES


def _n_close(a: Sequence[float], b: Sequence[float]) -> int:
    """Return at how many probes two lines are within SAME of each other, a probe to the side included."""
    last = len(a) - 1
    return sum(
        b[max(0, i - 1)] - SAME <= a[i] <= b[min(last, i + 1)] + SAME
        and a[max(0, i - 1)] - SAME <= b[i] <= a[min(last, i + 1)] + SAME
        for i in range(len(a))
    )
