"""Random numbers of a study: the words of mmbench.rng with the seed and stream mixed once, and a fast exponential.

A kill's numbers are pure functions of (seed, stream, kill), so any stretch of kills can be drawn alone. Integers only.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.model.bits import lowest_bit
from mmbench.rng import GOLDEN, LN2_Q32, mix, negative_log_q32

STREAM_GAP = 101  # time between two kills
STREAM_WHO = 102  # which component of the mixture a victim is of
STREAM_WHICH = 103  # which size, hold and replication within the component
STREAM_START = 104  # where a replication starts in a recorded list
STREAM_WHO_ELSE = 105  # as WHO and WHICH, of the ordinary victim in a heavy one's place
STREAM_WHICH_ELSE = 106
STREAM_DOMAIN = 107  # which domain a kill is in
STREAM_WHO_NEXT = 108  # as WHO and WHICH, of the collateral victim that a kill may cost
STREAM_WHICH_NEXT = 109

TABLE_BITS = 12
REST_BITS = 20
SURE_BIT = np.uint64(1 << 31)
LOW_32 = np.uint64(0xFFFF_FFFF)


@njit
def key_of(seed: int, stream: int) -> Any:
    """The part of a draw that all indexes share: draw_at(key_of(s, t), i) is rng.draw64(s, t, i)."""
    return mix(mix(np.uint64(seed) + GOLDEN) ^ (np.uint64(stream) * GOLDEN))


@njit_inline
def draw_at(key: Any, index: int) -> Any:
    """Uniform uint64 for a key and an index."""
    return mix(key ^ (np.uint64(index) * GOLDEN))


@njit
def fill_logs(logs: Any) -> None:
    """Fill with -ln of the len - 1 equal steps from 1/2 to 1, in units of 2**-32. Mutates: logs, int64."""
    n = len(logs) - 1
    for k in range(n):
        u = np.uint64((n + k) << 32) // np.uint64(2 * n)
        logs[k] = negative_log_q32((u - np.uint64(1)) << np.uint64(32))
    logs[n] = 0


@cache
def log_table() -> np.ndarray:
    """-ln from 1/2 to 1 in 4,096 steps, units of 2**-32: int64 (4097,). Linear between them is right to 4e-9."""
    logs = np.zeros((1 << TABLE_BITS) + 1, dtype=np.int64)
    fill_logs(logs)
    logs.setflags(write=False)
    return logs


@njit_inline
def exponential_q32(word: Any, logs: Any) -> int:
    """-ln(u) in units of 2**-32 for the uniform u that a word stands for.

    u = m / 2**g with m uniform in [1/2, 1) from the high half of the word and g the zeros at its low end.
    """
    at = np.int64(word >> np.uint64(64 - TABLE_BITS))
    rest = np.int64((word >> np.uint64(32)) & np.uint64((1 << REST_BITS) - 1))
    g = lowest_bit((word & LOW_32) | SURE_BIT)
    return g * LN2_Q32 + logs[at] + (((logs[at + 1] - logs[at]) * rest) >> REST_BITS)


@njit_inline
def times_q32(q32: int, whole: int) -> Any:
    """q32 / 2**32 of a whole number, rounded down; both up to 2**57 when the result fits an int64."""
    high, low = np.uint64(q32) >> np.uint64(32), np.uint64(q32) & LOW_32
    w = np.uint64(whole)
    w_high, w_low = w >> np.uint64(32), w & LOW_32
    return np.int64(high * w + low * w_high + ((low * w_low) >> np.uint64(32)))
