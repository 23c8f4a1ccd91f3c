"""Which victim each kill takes: part of the mixture, size, hold and replication, as its row in the service table."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.model.bits import lowest_bit
from mmbench.rng import mix
from mmbench.sizing.laws.draws import LOW_32, STREAM_WHICH, STREAM_WHO, SURE_BIT, draw_at, key_of

# A component of the mixture: where its rows begin, and how many strata and points of a stratum its axes have.
BASE, SIZE_STRATA, SIZE_POINTS, HOLD_STRATA, HOLD_POINTS, SEEDS = range(6)
N_COMPONENT = 6


@njit
def slot_of(word: Any, n_strata: int, n_points: int) -> int:
    """The slot that a word stands for: a stratum by its zeros at the low end, a point by its high half."""
    stratum = min(lowest_bit((word & LOW_32) | SURE_BIT), n_strata - 1)
    return stratum * n_points + np.int64(((word >> np.uint64(32)) * np.uint64(n_points)) >> np.uint64(32))


@njit
def draw_entries(seed: int, first: int, thresholds: Any, components: Any, entries: Any) -> None:
    """Rows of the service table for the kills first .. first + n.

    thresholds: uint64 (n components - 1,), cumulated probabilities in units of 2**-64; components: int64
    (n components, N_COMPONENT). A row is ((size slot * holds) + hold slot) * seeds + seed. Mutates: entries.
    """
    who, which = key_of(seed, STREAM_WHO), key_of(seed, STREAM_WHICH)
    for i in range(len(entries)):
        word = draw_at(who, first + i)
        c = 0
        for t in range(len(thresholds)):
            c += word >= thresholds[t]
        part = components[c]
        word = draw_at(which, first + i)
        at = slot_of(word, part[SIZE_STRATA], part[SIZE_POINTS])
        n_holds = part[HOLD_STRATA] * part[HOLD_POINTS]
        if n_holds > 1:
            word = mix(word)
            at = at * n_holds + slot_of(word, part[HOLD_STRATA], part[HOLD_POINTS])
        if part[SEEDS] > 1:
            word = mix(word)
            at = at * part[SEEDS] + slot_of(word, 1, part[SEEDS])
        entries[i] = part[BASE] + at
