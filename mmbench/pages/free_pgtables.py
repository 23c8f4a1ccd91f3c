"""Freeing page tables: the part of teardown that no walker may overlap.

Source: free_pgtables and free_pgd_range, mm/memory.c (v6.0.19).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.world import TABLE_ALLOCATED, TABLE_FREED


@njit
def free_tables(mem: Any, first: int, end: int) -> int:
    """Free the allocated tables among the table-state cells [first, end). Returns how many. Mutates: mem."""
    n = np.int64(0)
    for at in range(first, end):
        if mem[at] & TABLE_ALLOCATED:
            mem[at] = (mem[at] & ~TABLE_ALLOCATED) | TABLE_FREED
            n += 1
    return n  # type: ignore[return-value]
