"""From waits to answers: every kill's latencies counted into histograms, one replication at a time.

A replication is the unit of independence: kills of one share the reaper's list. For each bucket the sum over
replications of (kills at or above it)**2 is kept, so that intervals know how much kills of one replication agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.machine.protocol import GIVE_UP_PS
from mmbench.sizing.queue.reaper_list import (
    ALL,
    COLLATERAL,
    EARLY,
    EXPONENT_OF_1,
    FIRST,
    FLAW,
    FRACTION_BITS,
    N_FIELDS,
    NEED,
    PAGE_LOCK,
    REAPER,
    RETRY,
    SKIP,
    between,
    segment_of,
    share_of,
)
from mmbench.sizing.stats.histogram import N_BUCKETS, SUB_BUCKETS, bucket_of, bucket_of_real
from mmbench.words import PATIENCE_PS, SHARES

QUANTITIES = ("first", "skip", "all", "reaper", "behind")
N_QUANTITIES = len(QUANTITIES)
BEHIND = 4

PATIENCES_PS = tuple(sorted(set(PATIENCE_PS.values())))
N_PATIENCES = len(PATIENCES_PS)


def beyond(patience_ps: int) -> str:
    """The total of kills whose memory was not back after a patience."""
    return f"patience_{patience_ps // 10**12}s"


# Totals over the kills of a chunk; the time that they came in is time_s and time_ns together.
TOTALS = (
    "kills", "waited", "collateral", *map(beyond, PATIENCES_PS), "gave_up", "reaper_ns",
    "behind_ns", "skip_ns", "all_ns", "first_ns", "time_ns", "time_s", "flawed", "early", "early_skip_ns",
)  # fmt: skip
N_TOTALS = len(TOTALS)
T_KILLS, T_WAITED, T_COLLATERAL, T_PATIENCE = range(4)
(
    T_GAVE_UP, T_REAPER_NS, T_BEHIND_NS, T_SKIP_NS, T_ALL_NS, T_FIRST_NS, T_TIME_NS, T_TIME_S,
    T_FLAWED, T_EARLY, T_EARLY_SKIP_NS,
) = range(T_PATIENCE + N_PATIENCES, N_TOTALS)  # fmt: skip

# Where the time from kill to MMF_OOM_SKIP goes, by the power of two of that time.
N_SHARES = len(SHARES)
S_BEHIND, S_TIMER, S_PAGE_LOCK, S_RETRY, S_TEARDOWN = range(N_SHARES)
N_POWERS = 51

OVER = ("skip", "reaper")  # quantities whose kills above the asked-for time are counted exactly
N_OVER = len(OVER)
PS_PER_NS = 1000
LATE_AT_ONCE = 256  # kills that waited, read from the table together


@njit_inline
def power_of(ps: float) -> Any:
    """The power of two at or below a time; 0 for less than 2 ps, at most N_POWERS - 1."""
    return min(max((np.float64(ps).view(np.int64) >> FRACTION_BITS) - EXPONENT_OF_1, 0), N_POWERS - 1)


@njit_inline
def ns_of(ps: int) -> Any:
    """Whole ns of a time that is not negative: without a sign the division is one multiplication."""
    return np.int64(np.uint64(ps) // np.uint64(PS_PER_NS))


@njit_inline
def book(row: Any, wait: int, delay: int, n: int, totals: Any, causes: Any) -> Any:
    """Book n kills with the same FIELDS and wait. row: float64 (N_FIELDS,). Mutates: totals, causes.

    Returns the ns from kill to MMF_OOM_SKIP of one of them.
    """
    skip, retry = np.int64(row[SKIP]), np.int64(row[RETRY])
    skip_ns, wait_ns = ns_of(skip), ns_of(wait)
    totals[T_KILLS] += n
    totals[T_WAITED] += n * (wait > 0)
    totals[T_COLLATERAL] += n * np.int64(row[COLLATERAL])
    for k in range(N_PATIENCES):
        totals[T_PATIENCE + k] += n * (row[NEED] > PATIENCES_PS[k])
    totals[T_GAVE_UP] += n * (retry >= GIVE_UP_PS)
    totals[T_REAPER_NS] += n * ns_of(np.int64(max(row[REAPER], 0.0)))
    totals[T_BEHIND_NS] += n * wait_ns
    totals[T_SKIP_NS] += n * skip_ns
    totals[T_ALL_NS] += n * ns_of(np.int64(row[ALL]))
    totals[T_FIRST_NS] += n * ns_of(np.int64(row[FIRST]))
    early = np.int64(row[EARLY] >= 0.5)
    totals[T_FLAWED] += n * (row[FLAW] >= 0.5)
    totals[T_EARLY] += n * early
    totals[T_EARLY_SKIP_NS] += n * early * skip_ns
    at, own = power_of(row[SKIP]), skip - wait - delay
    causes[at, N_SHARES] += n
    if own >= 0:  # else exit_mmap was done before the reaper came: all of it is the victim's own teardown
        retry = min(retry, own)
        through = min(retry, np.int64(row[PAGE_LOCK]))
        causes[at, S_BEHIND] += n * wait_ns
        causes[at, S_TIMER] += n * ns_of(delay)
        causes[at, S_PAGE_LOCK] += n * ns_of(through)
        causes[at, S_RETRY] += n * ns_of(retry - through)
        causes[at, S_TEARDOWN] += n * ns_of(own - retry)
    else:
        causes[at, S_TEARDOWN] += n * skip_ns
    return skip_ns


@njit
def zero_waits(fields: Any, over_ps: int, buckets: Any, skip_ns: Any, over: Any) -> None:
    """What a kill that never waits adds, by entry. Mutates: buckets (n, 4), skip_ns (n,), over (n, N_OVER); int64."""
    for e in range(len(fields)):
        for q in range(BEHIND):
            buckets[e, q] = bucket_of(np.int64(max(fields[e, 0, q], 0.0)))
        skip_ns[e] = np.int64(fields[e, 0, SKIP]) // PS_PER_NS
        over[e, 0] = fields[e, 0, SKIP] > over_ps
        over[e, 1] = fields[e, 0, REAPER] > over_ps


@njit
def split_by_wait(entries: Any, waits: Any, prompt: Any, late: Any) -> int:
    """Count the kills of a replication that did not wait by entry, and list the others. Returns how many others.

    No branch on who waits: near half load a processor cannot guess it. Mutates: prompt, int64 (n entries,); late,
    int64 (n,).
    """
    n_late: Any = 0
    for i in range(len(entries)):
        one = np.int64(waits[i] == 0)
        late[n_late] = i
        n_late += 1 - one
        prompt[entries[i]] += one
    return n_late


@njit
def tally_prompt(entries: Any, prompt: Any, zero: Any, counts: Any, hits: Any, stats: Any) -> None:
    """Count the kills that did not wait, those of an entry together where it is met first.

    prompt: as split_by_wait has them; zero: the arrays of zero_waits; counts: int64 (N_QUANTITIES, N_BUCKETS); hits:
    int64 (n entries,), to be booked once per chunk; stats: int64 (2 + N_OVER,): kills, ns to MMF_OOM_SKIP, kills over
    the time. Mutates: counts, hits, stats, prompt, which is left empty.
    """
    buckets, skip_ns, over = zero
    for e in entries:
        n = prompt[e]
        if n == 0:
            continue
        prompt[e] = 0
        hits[e] += n
        for q in range(BEHIND):
            counts[q, buckets[e, q]] += n
        counts[BEHIND, 0] += n
        stats[0] += n
        stats[1] += n * skip_ns[e]
        for k in range(N_OVER):
            stats[2 + k] += n * over[e, k]


@njit
def read_late(entries: Any, waits: Any, late: Any, fields: Any, rows: Any) -> None:
    """FIELDS of some kills that waited. late: int64 (n,), which. Mutates: rows, float64 (n or more, N_FIELDS).

    A loop of its own: a processor then waits for the table, which is larger than its nearest cache, for several kills
    at once.
    """
    for j in range(len(late)):
        e, wait = entries[late[j]], waits[late[j]]
        k = segment_of(wait)
        share = share_of(k, wait)
        for f in range(N_FIELDS):
            rows[j, f] = between(fields[e, k, f], fields[e, k + 1, f], share)


@njit
def tally_late(
    entries: Any, waits: Any, late: Any, fields: Any, delay: int, over_ps: int, counts: Any, stats: Any, totals: Any,
    causes: Any,
) -> None:  # fmt: skip
    """Count the kills that waited behind others. late: int64, which. Mutates: counts, stats, totals, causes."""
    rows = np.empty((LATE_AT_ONCE, N_FIELDS), dtype=np.float64)
    for first in range(0, len(late), LATE_AT_ONCE):
        some = late[first : first + LATE_AT_ONCE]
        read_late(entries, waits, some, fields, rows)
        for j in range(len(some)):
            row, wait = rows[j], waits[some[j]]
            for q in range(BEHIND):
                counts[q, bucket_of_real(row[q])] += 1
            counts[BEHIND, bucket_of(wait)] += 1
            stats[0] += 1
            stats[1] += book(row, wait, delay, 1, totals, causes)
            stats[2] += row[SKIP] > over_ps
            stats[3] += row[REAPER] > over_ps


@njit
def book_hits(fields: Any, hits: Any, delay: int, totals: Any, causes: Any) -> None:
    """Book all kills of a chunk that did not wait. Mutates: totals, causes."""
    for e in range(len(hits)):
        if hits[e]:
            book(fields[e, 0], np.int64(0), delay, hits[e], totals, causes)


@njit
def time_ns(gaps: Any) -> Any:
    """Time in which kills came, each gap in whole ns. gaps: int64 (n,), ps."""
    total = np.int64(0)
    for gap in gaps:
        total += gap // PS_PER_NS
    return total


@njit
def close_replication(counts: Any, sums: Any, steps: Any, batch: Any) -> None:
    """Add a replication's histograms to the chunk's and clear them; most doublings are empty, and are passed over.

    sums: int64 (N_QUANTITIES, N_BUCKETS); steps: the same, by how much the square of the number at or above each bucket
    exceeds that of the next one, see square_up; batch: int64 (N_BUCKETS,), MMF_OOM_SKIP only. Mutates: all.
    """
    for q in range(N_QUANTITIES):
        above = np.int64(0)
        for first in range(N_BUCKETS - SUB_BUCKETS, -1, -SUB_BUCKETS):
            filled = np.int64(0)
            for b in range(first, first + SUB_BUCKETS):
                filled |= counts[q, b]
            if filled == 0:
                continue
            for b in range(first + SUB_BUCKETS - 1, first - 1, -1):
                n = counts[q, b]
                steps[q, b] += n * (2 * above + n)
                above += n
                sums[q, b] += n
                counts[q, b] = 0
                if q == SKIP:
                    batch[b] += n


def square_up(steps: np.ndarray) -> np.ndarray:
    """Sums over replications of (kills at or above each bucket)**2, from steps: int64 (N_QUANTITIES, N_BUCKETS)."""
    found: np.ndarray = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1].copy()
    return found
