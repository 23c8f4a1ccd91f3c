"""What a study of many kills takes from a record: the gaps between kills and the sizes of the victims."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mmbench.records.kill_types import KillRecord


def gaps_us(record: KillRecord, longest_us: int = 1 << 62) -> np.ndarray:
    """Microseconds between one kill and the next, within stretches of comparable time; int64 (n,), in order.

    longest_us: what a longer gap counts as; a year in picoseconds is no int64.
    """
    timed = [(kill["stretch"], kill["time_us"]) for kill in record["kills"] if kill["time_us"] is not None]
    gaps = [min(after[1] - before[1], longest_us) for before, after in pairwise(timed) if before[0] == after[0]]
    return np.array(gaps, dtype=np.int64)


def sizes_pages(record: KillRecord) -> np.ndarray:
    """Resident pages of the victims whose size the log tells; int64 (n,), in time order, none of them 0."""
    sizes = [kill["rss_pages"] for kill in record["kills"] if kill["rss_pages"]]
    return np.array(sizes, dtype=np.int64)
