"""The same questions of designs that came after the suite: a list of their own, so that no older series changes.

A design that equals one of them in these scenarios is left out: exit-mm-stash and reap-kill tell what v6.18 tells.
"""

from __future__ import annotations

from benchmarks import blocking, freed, throughput
from benchmarks.common import LOCKED, SIZES, USUAL, ModelSeries, Records, run_victim

LATER = ("no-munlock", "exit-write", "handover-1g")


class LaterSeries(ModelSeries):
    """Base of the series: the later designs on the same victims, in the same scenarios."""

    params = (LATER, SIZES, LOCKED)

    def setup_cache(self) -> Records:
        """All records, once per commit."""
        records: Records = {}
        for size, locked in USUAL:
            records |= run_victim(size, locked, LATER)
        return records


class Blocking(LaterSeries):
    """Waiting; see blocking.Blocking."""

    track_blocking_seconds = blocking.Blocking.track_blocking_seconds


class Freed(LaterSeries):
    """Both sides of one curve; see freed.Freed."""

    track_freed_pages = freed.Freed.track_freed_pages
    track_pages_left = freed.Freed.track_pages_left


class Throughput(LaterSeries):
    """How fast the memory comes back; see throughput.Throughput."""

    track_throughput = throughput.Throughput.track_throughput
    track_seconds_per_million_pages = throughput.Throughput.track_seconds_per_million_pages
