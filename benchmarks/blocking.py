"""How long does a teardown keep its parties waiting?"""

from __future__ import annotations

from benchmarks.common import PARTIES, PS_PER_SECOND, ModelSeries, Record, Records


def blocked_ps(record: Record) -> int:
    """Picoseconds that exit, reaper and process_mrelease waited in one run, over all causes."""
    return sum(ps for party in PARTIES for ps in record["blocked_ps"].get(party, {}).values())


class Blocking(ModelSeries):
    """Waiting for mmap_lock, page locks, page-table locks, the LRU lock, the zone lock."""

    def track_blocking_seconds(self, records: Records, strategy: str, size: str, locked: str) -> float:
        """Blocked time of exit, reaper and process_mrelease, summed over the scenarios. Lower is better."""
        return sum(map(blocked_ps, records[strategy, size, locked])) / PS_PER_SECOND

    track_blocking_seconds.unit = "s"  # type: ignore[attr-defined]
