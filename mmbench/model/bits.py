"""Bit-plane arithmetic: count and mask pages, 64 to a word, on uint64."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import JIT_DISABLED, njit

FULL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
ZERO = np.uint64(0)
ONE = np.uint64(1)

if JIT_DISABLED:

    def popcount(word: Any) -> int:
        """Count the set bits of one uint64."""
        return int(word).bit_count()

else:
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def popcount(typing_context: Any, word: Any) -> Any:
        """Count the set bits of one uint64 (one machine instruction; numba does not know np.bitwise_count)."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.ctpop(args[0])

        return types.int64(types.uint64), code


@njit
def mask_between(first: int, end: int) -> Any:
    """Word with bits [first, end) set; 0 <= first < end <= 64."""
    return (FULL >> np.uint64(64 - (end - first))) << np.uint64(first)


@njit
def lowest_bit(word: Any) -> int:
    """Index of the lowest set bit of a non-zero word."""
    low = word & (~word + ONE) if word != ZERO else ZERO
    return popcount(low - ONE)
