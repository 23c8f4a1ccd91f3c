"""Twins of the reaper's list and of its tally: events in order of time, one kill at a time, plain Python."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from mmbench.sizing.queue.reaper_list import FIELDS, NOT_LISTED, REAPER, WAITS_PS


def fields_at(fields: np.ndarray, entry: int, wait: int) -> dict[str, float]:
    """FIELDS of an entry that the reaper takes so late: straight between two tabulated waits."""
    k = min(bisect_right(WAITS_PS.tolist(), wait) - 1, len(WAITS_PS) - 2)
    low, high = fields[entry, k], fields[entry, k + 1]
    share = (wait - int(WAITS_PS[k])) / int(WAITS_PS[k + 1] - WAITS_PS[k])
    return {name: max(low[f] + (high[f] - low[f]) * share, 0.0) for f, name in enumerate(FIELDS)}


def waits_of(
    gaps: np.ndarray, entries: np.ndarray, fields: np.ndarray, *, newest_first: bool, n_reapers: int = 1
) -> list[int]:  # fmt: skip
    """How long each kill was on the list: whenever a reaper is free, it takes the newest (or the oldest) there is."""
    at = [sum(gaps[: i + 1].tolist()) for i in range(len(gaps))]
    waits = [0] * len(gaps)
    waiting: list[int] = []
    coming = [i for i in range(len(gaps)) if fields[entries[i], 0, REAPER] != NOT_LISTED]
    free = [0] * n_reapers
    while coming or waiting:
        k = free.index(min(free))
        if not waiting:
            free[k] = max(free[k], at[coming[0]])
        while coming and (at[coming[0]] < free[k] or not waiting):
            waiting.append(coming.pop(0))
        kill = waiting.pop(-1 if newest_first else 0)
        free[k] = max(free[k], at[kill])
        waits[kill] = free[k] - at[kill]
        free[k] += int(fields_at(fields, int(entries[kill]), waits[kill])["reaper"])
    return waits
