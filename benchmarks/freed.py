"""How much memory is back soon, and how much stays behind?"""

from __future__ import annotations

from itertools import pairwise

from benchmarks.common import HORIZON_PS, PS_PER_SECOND, ModelSeries, Record, Records, freed_steps

PATIENCE_PS = PS_PER_SECOND  # after one second of failing the kernel's reaper gives up


def freed_by(record: Record, ps: int) -> int:
    """Pages that were free `ps` after the kill."""
    return max((pages for when, pages in freed_steps(record) if when <= ps), default=0)


def mean_pages_left(record: Record) -> int:
    """Pages not yet free, averaged over the time from the kill to the horizon, rounded down."""
    steps = [(0, 0), *freed_steps(record)]
    steps.append((HORIZON_PS, steps[-1][1]))
    page_ps = sum((end - start) * (record["resident_pages"] - pages) for (start, pages), (end, _) in pairwise(steps))
    return page_ps // HORIZON_PS


class Freed(ModelSeries):
    """Both sides of one curve: freed pages over time."""

    def track_freed_pages(self, records: Records, strategy: str, size: str, locked: str) -> int:
        """Pages free one second after the kill, summed over the scenarios. Higher is better."""
        return sum(freed_by(record, PATIENCE_PS) for record in records[strategy, size, locked])

    def track_pages_left(self, records: Records, strategy: str, size: str, locked: str) -> int:
        """Pages left, averaged over 15 s from the kill and summed over the scenarios. Lower is better.

        A page that nobody ever frees counts in full. An average, because a count at one moment is zero for most
        designs, and asv sums a grid up by a geometric mean, which a single zero makes zero.
        """
        return sum(map(mean_pages_left, records[strategy, size, locked]))

    track_freed_pages.unit = "pages"  # type: ignore[attr-defined]
    track_pages_left.unit = "pages"  # type: ignore[attr-defined]
