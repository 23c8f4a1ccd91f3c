"""How does a teardown grow from a gigabyte to a terabyte?"""

from __future__ import annotations

import os

from benchmarks.common import PS_PER_SECOND, STRATEGIES, SWEEP, Records, run_victim, teardown_ps

SIZES: tuple[str, ...] = ("1GiB", "32GiB", "1TiB")
if os.environ.get(SWEEP):
    SIZES = ("1GiB", "4GiB", "16GiB", "64GiB", "256GiB", "1TiB")
LOCKED = "90%"
RACE = ("mrelease",)  # process_mrelease beside exit


class Scale:
    """Ten strategies, 90 % mlocked, exit_mmap racing process_mrelease."""

    version = "1"
    timeout = 300
    params = (STRATEGIES, SIZES)
    param_names = ("strategy", "size")

    def setup_cache(self) -> Records:
        """All records, once per commit."""
        records: Records = {}
        for size in SIZES:
            records |= run_victim(size, LOCKED, scenarios=RACE)
        return records

    def track_race_seconds(self, records: Records, strategy: str, size: str) -> float:
        """Simulated time from the kill until all is free. Lower is better."""
        return teardown_ps(records[strategy, size, LOCKED][0]) / PS_PER_SECOND

    track_race_seconds.unit = "s"  # type: ignore[attr-defined]
