"""The reaper's list: one thread, the newest victim first, and how long each kill waits behind others.

A victim's place in the service table is its entry. What the reaper finds depends on how late it comes, because
exit_mmap works meanwhile: an entry holds FIELDS for a wait of 0 and, from 2**FIRST_WAIT_BIT ps on, for four waits to
each doubling.
Source: mm/oom_kill.c oom_reaper, wake_oom_reaper (one kthread, LIFO list; the timer from v5.18 on).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline

FIELDS = ("first", "skip", "all", "reaper", "need", "retry", "page_lock", "collateral", "flaw", "early")
N_FIELDS = len(FIELDS)
FIRST, SKIP, ALL, REAPER, NEED, RETRY, PAGE_LOCK, COLLATERAL, FLAW, EARLY = range(N_FIELDS)

FIRST_WAIT_BIT = 26  # 67 us, before the victim usually reaches exit_mm
STEP_BITS = 2  # four waits to a doubling
N_WAITS = (21 << STEP_BITS) + 2  # 0, and up to 2**47 ps, 141 s
FRACTION_BITS, EXPONENT_OF_1 = 52, 1023  # of a float64
NOT_LISTED = -1  # occupation of a victim that the timer finds done: it never enters the list
WAITS_PS = np.array(
    [0] + [((1 << STEP_BITS) + (k & 3)) << (FIRST_WAIT_BIT - STEP_BITS + (k >> STEP_BITS)) for k in range(N_WAITS - 1)],
    dtype=np.int64,
)
PER_SPAN = 1 / np.diff(WAITS_PS)  # powers of two, so that multiplying by them is exact


@njit_inline
def segment_of(wait_ps: int) -> Any:
    """Index of the last tabulated wait that is not above wait_ps, at most N_WAITS - 2; wait_ps > 0."""
    steps = np.float64(wait_ps).view(np.int64) >> (FRACTION_BITS - STEP_BITS)
    return min(max(steps - ((EXPONENT_OF_1 + FIRST_WAIT_BIT) << STEP_BITS) + 1, 0), N_WAITS - 2)


@njit_inline
def share_of(segment: int, wait_ps: int) -> float:
    """How far into its segment a wait is; above 1 beyond the last tabulated wait."""
    return np.float64(wait_ps - WAITS_PS[segment]) * PER_SPAN[segment]


@njit_inline
def between(low: float, high: float, share: float) -> float:
    """Linear interpolation, and extrapolation beyond the table; never negative."""
    return max(low + (high - low) * share, 0.0)


@njit_inline
def occupation(busy: Any, entry: int, wait_ps: int) -> Any:
    """How long the reaper is busy with a victim that it takes wait_ps late, ps. busy: float64 (n, N_WAITS)."""
    if wait_ps == 0:
        return np.int64(busy[entry, 0])
    k = segment_of(wait_ps)
    return np.int64(between(busy[entry, k], busy[entry, k + 1], share_of(k, wait_ps)))


@njit_inline
def field_at(fields: Any, entry: int, wait_ps: int, f: int) -> Any:
    """One of FIELDS of a victim that the reaper takes wait_ps late, whole; fields: float64 (n, N_WAITS, N_FIELDS)."""
    if wait_ps == 0:
        return np.int64(max(fields[entry, 0, f], 0.0))
    k = segment_of(wait_ps)
    return np.int64(between(fields[entry, k, f], fields[entry, k + 1, f], share_of(k, wait_ps)))


@njit
def lifo(gaps: Any, entries: Any, busy: Any, waits: Any, kills: Any, since: Any) -> int:
    """Serve the newest first: waits[i] = how long kill i was on the list behind others, ps. Returns the longest list.

    gaps, entries, waits: int64 (n,); busy: float64 (n entries, N_WAITS), the REAPER column of the service table, whole
    numbers below 2**53; kills, since: int64 (n,), room for the list. The list is empty before the first
    kill and served to its end after the last. Mutates: waits, kills, since.
    """
    now, free, n_list, longest = np.int64(0), np.int64(0), 0, 0
    for i in range(len(gaps)):
        now += gaps[i]
        waits[i] = 0
        if free <= now:
            while n_list > 0 and free <= now:
                n_list -= 1
                wait = free - since[n_list]
                waits[kills[n_list]] = wait
                free += occupation(busy, entries[kills[n_list]], wait)
            if free <= now:  # idle: the clock starts again, so that it never overflows
                now, free = np.int64(0), max(np.int64(busy[entries[i], 0]), np.int64(0))
                continue
        kills[n_list], since[n_list] = i, now
        n_list += busy[entries[i], 0] != NOT_LISTED
        longest = max(longest, n_list)
    while n_list > 0:
        n_list -= 1
        wait = free - since[n_list]
        waits[kills[n_list]] = wait
        free += occupation(busy, entries[kills[n_list]], wait)
    return longest


@njit
def fifo(gaps: Any, entries: Any, busy: Any, waits: Any) -> int:
    """Serve the oldest first (Lindley's recursion), to compare with. Returns 0. Mutates: waits."""
    left: Any = np.int64(0)  # work in front of the next kill
    for i in range(len(gaps)):
        left = max(left - gaps[i], 0)
        waits[i] = 0
        if busy[entries[i], 0] != NOT_LISTED:
            waits[i] = left
            left += occupation(busy, entries[i], left)
    return 0


@njit
def services(busy: Any, entries: Any, waits: Any, found: Any) -> None:
    """How long the reaper is busy with each kill, ps, 0 for one that never enters the list. Mutates: found."""
    for i in range(len(entries)):
        found[i] = 0.0 if busy[entries[i], 0] == NOT_LISTED else occupation(busy, entries[i], waits[i])
