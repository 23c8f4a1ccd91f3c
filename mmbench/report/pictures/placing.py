"""Where a line's name goes: beside the line, at the first spot that covers nothing and is nearest to it.

Positions are pixels inside a panel of a given size, origin at the lower left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot
from typing import NamedTuple

Point = tuple[float, float]

PARTS = (0.62, 0.5, 0.74, 0.38, 0.86, 0.26, 0.94, 0.14, 0.06)
OFFSETS = (12.0, 22.0, 36.0, 54.0)
CLEARANCE = 4.0
NEARER = 5.0  # by so much a name is nearer to its own line than to any other


class Box(NamedTuple):
    """A rectangle: left, bottom, right, top."""

    left: float
    bottom: float
    right: float
    top: float

    def distance(self, point: Point) -> float:
        """Return how far a point is from the rectangle, 0 inside it."""
        x, y = point
        return hypot(max(self.left - x, 0, x - self.right), max(self.bottom - y, 0, y - self.top))

    def meets(self, other: Box) -> bool:
        """Say whether two rectangles share a point of their insides."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


class Label(NamedTuple):
    """A name to place: its size, and the points of its own line, in drawing order."""

    width: float
    height: float
    line: Sequence[Point]


def place_labels(labels: Sequence[Label], panel: Box) -> list[Box | None]:
    """Return a box per label, None where every spot would cover something (the list of names has it anyway)."""
    dense = [list(_dense(label.line)) for label in labels]
    placed: list[Box | None] = []
    for i, label in enumerate(labels):
        others = [p for j, points in enumerate(dense) if j != i for p in points]
        taken = [box for box in placed if box is not None]
        spots = (box for box in _spots(label, dense[i]) if _is_free(box, panel, dense[i], others, taken))
        placed.append(next(spots, None))
    return placed


def _spots(label: Label, dense: Sequence[Point]) -> Iterator[Box]:
    """Yield spots beside the line, the nearest first, to the right before the left."""
    w, h = label.width, label.height
    for offset in OFFSETS:
        for part in PARTS:
            x, y = dense[round(part * (len(dense) - 1))]
            lower_left = ((x + offset, y - h / 2), (x - offset - w, y - h / 2), (x - w / 2, y + offset / 2),
                          (x - w / 2, y - offset / 2 - h))  # fmt: skip
            for left, bottom in lower_left:
                yield Box(left, bottom, left + w, bottom + h)


def _is_free(box: Box, panel: Box, own: Sequence[Point], others: Sequence[Point], taken: Sequence[Box]) -> bool:
    across = panel.left <= box.left and box.right <= panel.right
    upwards = panel.bottom <= box.bottom and box.top <= panel.top
    if not (across and upwards):
        return False
    roomy = Box(box.left - CLEARANCE, box.bottom - CLEARANCE, box.right + CLEARANCE, box.top + CLEARANCE)
    distance = min(map(box.distance, own))
    if distance < CLEARANCE or any(roomy.meets(other) for other in taken):
        return False
    return all(box.distance(p) >= distance + NEARER for p in others)


def _dense(line: Sequence[Point]) -> Iterator[Point]:
    """Yield points of a line at most 4 pixels apart, so that no box slips between two of them."""
    yield line[0]
    for (x0, y0), (x1, y1) in pairwise(line):
        n = max(1, int(max(abs(x1 - x0), abs(y1 - y0)) / 4))
        for i in range(1, n + 1):
            yield x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n
