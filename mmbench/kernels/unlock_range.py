"""The old munlock pass over one PTE table: clear PG_mlocked page by page, needing every page lock.

Source: munlock_vma_pages_range and __munlock_pagevec, mm/mlock.c (v5.10).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.bits import ZERO, lowest_bit, mask_between, popcount


@njit
def first_contended(bits: Any, mlocked: int, pg_locked: int, first: int, end: int) -> int:
    """First mlocked page of [first, end) of one table whose PG_locked is held, or `end`.

    The table's words begin at `mlocked` and `pg_locked` in bits (uint64, 1-d).
    """
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        held = bits[mlocked + word] & bits[pg_locked + word] & mask
        if held != ZERO:
            return (word << 6) + lowest_bit(held)
    return end


@njit
def munlock_part(bits: Any, present: int, mlocked: int, first: int, end: int) -> Any:
    """Clear PG_mlocked of pages [first, end) of one table: (munlocked, positions without a page).

    The old walk visits every position, so absent ones count. Mutates: bits.
    """
    n_munlocked = np.int64(0)
    n_absent = np.int64(end - first)
    if first == end:
        return n_munlocked, n_absent
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        touched = bits[mlocked + word] & mask
        n_munlocked += popcount(touched)
        n_absent -= popcount(bits[present + word] & mask)
        bits[mlocked + word] &= ~touched
    return n_munlocked, n_absent
