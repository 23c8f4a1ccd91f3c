"""Reaping with trylocked page locks: unmap what is not contended, leave the rest.

Source: Michal Hocko's plan, linux-mm, 3 Jan 2022 (pages), and his WIP diff of 2016 (VMAs). Never merged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.bits import ZERO, mask_between, popcount
from mmbench.model.layout import WORDS_PER_TABLE


@njit
def is_contended(bits: Any, present: int, mlocked: int, pg_locked: int) -> bool:
    """True when some mlocked page of the table has its page lock held; a huge page is one page."""
    for word in range(WORDS_PER_TABLE):
        if bits[present + word] & bits[mlocked + word] & bits[pg_locked + word] != ZERO:
            return True
    return False


@njit
def unmap_uncontended(bits: Any, present: int, mlocked: int, pg_locked: int, first: int, end: int) -> Any:
    """Munlock and unmap pages [first, end) of one table, except mlocked pages whose PG_locked is held.

    The table's words begin at `present`, `mlocked` and `pg_locked` in bits (uint64, 1-d).
    Returns (unmapped, of those PG_mlocked, left because contended). Mutates: bits.
    """
    n_present = np.int64(0)
    n_mlocked = np.int64(0)
    n_left = np.int64(0)
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        mapped = bits[present + word] & mask
        contended = bits[mlocked + word] & bits[pg_locked + word]
        gone = mapped & ~contended
        n_left += popcount(mapped & contended)
        n_present += popcount(gone)
        n_mlocked += popcount(bits[mlocked + word] & gone)
        bits[present + word] &= ~gone
        bits[mlocked + word] &= ~gone
    return n_present, n_mlocked, n_left
