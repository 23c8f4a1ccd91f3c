"""Unmapping: clear present pages of one PTE table, counting what went.

Source: zap_pte_range and zap_huge_pmd, mm/memory.c and mm/huge_memory.c (v6.0.19, v6.18). From v5.18 on
(cea86fe246b6) rmap removal clears PG_mlocked; before, page_remove_rmap did so at a page's last unmap alone
(clear_page_mlock, mm/mlock.c, v5.10).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.model.bits import ZERO, mask_between, popcount
from mmbench.model.layout import PAGES_PER_TABLE, WORDS_PER_TABLE


@njit_inline
def unmap_whole_table(bits: Any, present: int, mlocked: int) -> Any:
    """Unmap all 512 pages of one table whose words begin at `present` and `mlocked` in bits (uint64, 1-d).

    Returns (pages unmapped, of those PG_mlocked). Mutates: bits.
    """
    n_present = np.int64(0)
    n_mlocked = np.int64(0)
    for word in range(WORDS_PER_TABLE):
        n_present += popcount(bits[present + word])
        n_mlocked += popcount(bits[mlocked + word])
        bits[present + word] = ZERO
        bits[mlocked + word] = ZERO
    return n_present, n_mlocked


@njit_inline
def unmap_part(bits: Any, present: int, mlocked: int, first: int, end: int) -> Any:
    """As unmap_whole_table for pages [first, end) of the table, 0 <= first < end <= 512. Mutates: bits."""
    if first == 0 and end == PAGES_PER_TABLE:
        return unmap_whole_table(bits, present, mlocked)
    n_present = np.int64(0)
    n_mlocked = np.int64(0)
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        gone = bits[present + word] & mask
        n_present += popcount(gone)
        n_mlocked += popcount(bits[mlocked + word] & gone)
        bits[present + word] &= ~gone
        bits[mlocked + word] &= ~gone
    return n_present, n_mlocked


@njit
def unmap_last_mappings(
    bits: Any, present: int, mlocked: int, elsewhere: Any, at: int, first: int, end: int, keeps_all: bool
) -> Any:
    """As unmap_part before v5.18: a page that another mm maps too goes from here and keeps PG_mlocked.

    elsewhere: uint64, the table's words begin at `at`; keeps_all: a huge page, of which some part is mapped elsewhere.
    Returns (pages unmapped, of those no longer PG_mlocked). Mutates: bits.
    """
    n_present = np.int64(0)
    n_mlocked = np.int64(0)
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        gone = bits[present + word] & mask
        last = ZERO if keeps_all else gone & ~elsewhere[at + word]
        n_present += popcount(gone)
        n_mlocked += popcount(bits[mlocked + word] & last)
        bits[present + word] &= ~gone
        bits[mlocked + word] &= ~last
    return n_present, n_mlocked


@njit
def count_elsewhere(bits: Any, plane: int, elsewhere: Any, table: int, first: int, end: int) -> int:
    """Pages of [first, end) set in a plane of the table that another mm maps too.

    plane: index in bits of the table's words; elsewhere: uint64 (n_tables * 8,).
    """
    n = np.int64(0)
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        n += popcount(bits[plane + word] & elsewhere[table * WORDS_PER_TABLE + word] & mask)
    return n  # type: ignore[return-value]


@njit
def mark_elsewhere(bits: Any, mlocked: int, elsewhere: Any, at: int, first: int, end: int, huge: bool) -> int:
    """Set PG_mlocked of pages [first, end) of one table that another mm maps too; of a huge page all, or none.

    elsewhere: uint64, the table's words begin at `at`. Returns how many were not set before. Mutates: bits.
    """
    n_marked = np.int64(0)
    whole = False
    for word in range(WORDS_PER_TABLE):
        whole |= huge and elsewhere[at + word] != ZERO
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        again = mask & ~bits[mlocked + word]
        if not whole:
            again &= elsewhere[at + word]
        n_marked += popcount(again)
        bits[mlocked + word] |= again
    return n_marked  # type: ignore[return-value]


@njit
def unmap_range(bits: Any, present: int, mlocked: int, first: int, end: int) -> Any:
    """Unmap pages [first, end) across tables whose planes begin at `present` and `mlocked` in bits.

    Returns (pages unmapped, of those PG_mlocked). Mutates: bits.
    """
    n_present = np.int64(0)
    n_mlocked = np.int64(0)
    page = first
    while page < end:
        table = page >> 9
        base = table << 9
        stop = min(end, base + PAGES_PER_TABLE)
        at = table * WORDS_PER_TABLE
        n, m = unmap_part(bits, present + at, mlocked + at, page - base, stop - base)
        n_present += n
        n_mlocked += m
        page = stop
    return n_present, n_mlocked
