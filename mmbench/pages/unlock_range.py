"""The old munlock pass over one PTE table: clear PG_mlocked batch by batch, then take every page lock.

Source: munlock_vma_pages_range and __munlock_pagevec, mm/mlock.c (v5.10).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.bits import FULL, ONE, ZERO, lowest_bit, mask_between, popcount
from mmbench.model.layout import PAGEVEC_SIZE


@njit
def first_contended(bits: Any, present: int, mlocked: int, pg_locked: int, first: int, end: int) -> int:
    """First present mlocked page of [first, end) of one table whose PG_locked is held, or `end`.

    The table's words begin at `present`, `mlocked` and `pg_locked` in bits (uint64, 1-d).
    """
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        held = bits[present + word] & bits[mlocked + word] & bits[pg_locked + word] & mask
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
        found = bits[present + word] & mask
        touched = bits[mlocked + word] & found
        n_munlocked += popcount(touched)
        n_absent -= popcount(found)
        bits[mlocked + word] &= ~touched
    return n_munlocked, n_absent


@njit
def next_bit(bits: Any, plane: int, first: int, end: int, flip: Any) -> int:
    """First position of [first, end) of one table that is set in its plane, xor `flip` (ZERO, or FULL for clear ones).

    Returns `end` when there is none.
    """
    position = first
    while position < end:
        word = position >> 6
        found = (bits[plane + word] ^ flip) & mask_between(position - (word << 6), min(end - (word << 6), 64))
        if found != ZERO:
            return (word << 6) + lowest_bit(found)
        position = (word + 1) << 6
    return end


@njit
def pagevec_of(bits: Any, present: int, first: int, position: int, end: int) -> Any:
    """The batch (begin, stop) that holds the present `position`, when the old pass takes [first, end) in batches."""
    begin = next_bit(bits, present, first, end, ZERO)
    stop = min(next_bit(bits, present, begin, end, FULL), begin + PAGEVEC_SIZE)
    while stop <= position:
        begin = next_bit(bits, present, stop, end, ZERO)
        stop = min(next_bit(bits, present, begin, end, FULL), begin + PAGEVEC_SIZE)
    return begin, stop


@njit
def isolated(bits: Any, mlocked: int, begin: int, stop: int) -> int:
    """Mask of the mlocked pages of a batch, bit k for page begin + k, under a closing bit for its length."""
    mask = np.int64(1) << (stop - begin)
    for position in range(begin, stop):
        if bits[mlocked + (position >> 6)] >> np.uint64(position & 63) & ONE != ZERO:
            mask |= np.int64(1) << (position - begin)
    return mask  # type: ignore[return-value]


@njit
def count_pagevecs(bits: Any, present: int, first: int, end: int) -> int:
    """Batches in which the old pass munlocks pages [first, end) of one table: neighbours, at most PAGEVEC_SIZE.

    A batch ends at a position without a page (__munlock_pagevec_fill, v5.10), so a lone page is a batch of its own.
    """
    n_pagevecs = 0
    begin = next_bit(bits, present, first, end, ZERO)
    while begin < end:
        stop = next_bit(bits, present, begin, end, FULL)
        n_pagevecs += (stop - begin + PAGEVEC_SIZE - 1) // PAGEVEC_SIZE
        begin = next_bit(bits, present, stop, end, ZERO)
    return n_pagevecs
