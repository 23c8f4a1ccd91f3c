"""How fast does the memory come back?"""

from __future__ import annotations

from benchmarks.common import PS_PER_SECOND, ModelSeries, Record, Records, teardown_ps


def freed_and_ps(records: list[Record]) -> tuple[int, int]:
    """(pages freed, picoseconds taken), summed over runs."""
    return sum(sum(r["freed_pages"].values()) for r in records), sum(map(teardown_ps, records))


class Throughput(ModelSeries):
    """The same ratio twice: asv can gate on costs only, people think in throughput."""

    def track_throughput(self, records: Records, strategy: str, size: str, locked: str) -> float:
        """Pages freed per second of simulated time, over the scenarios. Higher is better."""
        pages, ps = freed_and_ps(records[strategy, size, locked])
        return pages * PS_PER_SECOND / ps

    def track_seconds_per_million_pages(self, records: Records, strategy: str, size: str, locked: str) -> float:
        """Simulated seconds per million pages freed, over the scenarios. Lower is better."""
        pages, ps = freed_and_ps(records[strategy, size, locked])
        return ps * 10**6 / PS_PER_SECOND / pages

    track_throughput.unit = "pages/s"  # type: ignore[attr-defined]
    track_seconds_per_million_pages.unit = "s"  # type: ignore[attr-defined]
