"""Counter-based random numbers: a value is a pure function of (seed, stream, index).

No generator is shared, so a draw does not depend on who asks first, on how many workers there are, or on
what else was drawn. Integer arithmetic only: every machine gets the same bits.
Source of the mixing function: SplitMix64 finaliser (Steele, Lea, Flood, OOPSLA 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit

STREAM_CONTENDED = 1  # which pages are found locked
STREAM_HOLD = 2  # how long a found page lock is held
STREAM_PLACE = 3  # which page a holder chooses

GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
MIX1 = np.uint64(0xBF58_476D_1CE4_E5B9)
MIX2 = np.uint64(0x94D0_49BB_1331_11EB)
LN2_Q32 = np.int64(2_977_044_472)  # ln 2 in units of 2**-32


@njit
def mix(word: Any) -> Any:
    """Scramble one uint64 (a bijection)."""
    word = (word ^ (word >> np.uint64(30))) * MIX1
    word = (word ^ (word >> np.uint64(27))) * MIX2
    return word ^ (word >> np.uint64(31))


@njit
def draw64(seed: int, stream: int, index: int) -> Any:
    """Uniform uint64 for (seed, stream, index)."""
    word = mix(np.uint64(seed) + GOLDEN)
    word = mix(word ^ (np.uint64(stream) * GOLDEN))
    return mix(word ^ (np.uint64(index) * GOLDEN))


@njit
def below(seed: int, stream: int, index: int, n: int) -> Any:
    """Uniform integer in [0, n), n < 2**31 times the bias of 2**-32 that nobody here can see."""
    return np.int64(((draw64(seed, stream, index) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@njit
def negative_log_q32(word: Any) -> Any:
    """-ln(u) in units of 2**-32 for u = (top 32 bits + 1) / 2**32, by squaring; integers only."""
    u = (word >> np.uint64(32)) + np.uint64(1)
    exponent = np.int64(0)
    while u < np.uint64(1 << 32):
        u = u << np.uint64(1)
        exponent += 1
    mantissa = u >> np.uint64(1)  # 31 fraction bits, in [1, 2)
    fraction = np.int64(0)
    for _ in range(32):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        fraction <<= 1
        if mantissa >= np.uint64(1 << 32):
            mantissa >>= np.uint64(1)
            fraction |= 1
    log2_q32 = (exponent << 32) - fraction
    high, low = log2_q32 >> 32, log2_q32 & np.int64(0xFFFF_FFFF)
    return high * LN2_Q32 + np.int64((np.uint64(low) * np.uint64(LN2_Q32)) >> np.uint64(32))


@njit
def exponential(seed: int, stream: int, index: int, mean: int) -> Any:
    """Exponential variate with the given integer mean (same units), rounded down; never negative."""
    x = np.uint64(negative_log_q32(draw64(seed, stream, index)))
    m = np.uint64(mean)
    whole = (x >> np.uint64(32)) * m
    high = m >> np.uint64(32)
    low = m & np.uint64(0xFFFF_FFFF)
    part = x & np.uint64(0xFFFF_FFFF)
    return np.int64(whole + part * high + ((part * low) >> np.uint64(32)))
