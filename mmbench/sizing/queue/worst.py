"""The kill behind each maximum: which one of the study it was, how late it was taken, and what victim it had.

Counts merge by addition and forget who was largest, so the study's kills are gone through once more; they are pure
functions of the seed. The engine then runs that one victim, because a maximum is where a table may be wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.sizing.queue.reaper_list import between, field_at, segment_of, share_of
from mmbench.sizing.queue.tally import BEHIND


@njit
def read_kills(entries: Any, waits: Any, fields: Any, found: Any) -> None:
    """The latencies of kills as the table has them. Mutates: found, int64 (BEHIND, n)."""
    for i in range(len(entries)):
        for q in range(BEHIND):
            found[q, i] = field_at(fields, entries[i], waits[i], q)


@njit
def largest_of(entries: Any, waits: Any, fields: Any, base: int, largest: Any, kills: Any) -> None:
    """Keep the largest of each of QUANTITIES and the kill that has it, the first one of equals.

    entries, waits: int64 (n,), of the kills base .. base + n; fields: float64 (n entries, N_WAITS, N_FIELDS)
    Mutates: largest, kills; int64 (N_QUANTITIES,).
    """
    for i in range(len(entries)):
        e, wait = entries[i], waits[i]
        k, share = 0, 0.0
        if wait > 0:
            k = segment_of(wait)
            share = share_of(k, wait)
        for q in range(BEHIND):
            value = fields[e, k, q]
            if wait > 0:
                value = between(value, fields[e, k + 1, q], share)
            if np.int64(value) > largest[q]:
                largest[q], kills[q] = np.int64(value), base + i
        if wait > largest[BEHIND]:
            largest[BEHIND], kills[BEHIND] = wait, base + i
