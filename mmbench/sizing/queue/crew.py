"""Several reapers that share one list: what the kernel does not have, to be compared with the one thread that it has.

Source of the wish: cgroup.kill feeding the reaper's list (linux-mm, Sep 2025). A reaper that becomes free takes the
newest victim there is, or the oldest; nobody is interrupted, and two reapers never share a victim.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.sizing.queue.reaper_list import NOT_LISTED, occupation


@njit_inline
def first_free(free: Any) -> int:
    """The reaper that is free first, the lowest number of equals."""
    first = 0
    for k in range(1, len(free)):
        if free[k] < free[first]:
            first = k
    return first


@njit
def crew_newest(gaps: Any, entries: Any, busy: Any, free: Any, waits: Any, kills: Any, since: Any) -> None:
    """As reaper_list.lifo with len(free) reapers. free: int64, when each is. Mutates: free, waits, kills, since."""
    now, n_list, n = np.int64(0), 0, len(gaps)
    free[:] = 0
    for i in range(n + 1):
        now += gaps[i] if i < n else np.int64(0)
        k = first_free(free)
        while n_list > 0 and (i == n or free[k] <= now):
            n_list -= 1
            wait = free[k] - since[n_list]
            waits[kills[n_list]] = wait
            free[k] += occupation(busy, entries[kills[n_list]], wait)
            k = first_free(free)
        if i == n:
            return
        waits[i] = 0
        if n_list == 0 and free.max() <= now:
            now = np.int64(0)  # all idle: the clock starts again, so that it never overflows
            free[:] = 0
        if busy[entries[i], 0] == NOT_LISTED:
            continue
        if free[k] <= now:
            free[k] = now + np.int64(busy[entries[i], 0])
        else:
            kills[n_list], since[n_list] = i, now
            n_list += 1


@njit
def crew_oldest(gaps: Any, entries: Any, busy: Any, free: Any, waits: Any) -> None:
    """As reaper_list.fifo with len(free) reapers: in order of arrival everybody is assigned at once.

    free: int64, when each is free, in time since the last kill. Mutates: free, waits.
    """
    free[:] = 0
    for i in range(len(gaps)):
        for k in range(len(free)):
            free[k] = max(free[k] - gaps[i], 0)
        waits[i] = 0
        if busy[entries[i], 0] != NOT_LISTED:
            k = first_free(free)
            waits[i] = free[k]
            free[k] += occupation(busy, entries[i], free[k])
