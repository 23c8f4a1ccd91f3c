"""PG_locked: one bit per page. A huge page is locked through its head.

Source: lock_page, trylock_page, include/linux/pagemap.h. Who holds it is the holder's own register.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.bits import ONE, ZERO
from mmbench.model.world import PG_LOCKED, plane_at


@njit
def trylock_page(w: Any, page: int) -> bool:
    """Set PG_locked of `page`, or return False if it was set. Mutates: bits."""
    at = plane_at(w, PG_LOCKED, page >> 9) + ((page >> 6) & 7)
    bit = ONE << np.uint64(page & 63)
    if w.bits[at] & bit != ZERO:
        return False
    w.bits[at] |= bit
    return True


@njit
def is_locked(w: Any, page: int) -> bool:
    """True while somebody holds PG_locked of `page`."""
    return w.bits[plane_at(w, PG_LOCKED, page >> 9) + ((page >> 6) & 7)] >> np.uint64(page & 63) & ONE != ZERO


@njit
def unlock_page(w: Any, page: int) -> None:
    """Clear PG_locked of `page`. Mutates: bits."""
    w.bits[plane_at(w, PG_LOCKED, page >> 9) + ((page >> 6) & 7)] &= ~(ONE << np.uint64(page & 63))
