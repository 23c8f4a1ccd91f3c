"""Which victim each kill takes: part of the mixture, size, hold and replication, as its row in the service table."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.model.bits import lowest_bit
from mmbench.rng import mix
from mmbench.sizing.laws.draws import (
    LOW_32,
    STREAM_WHICH,
    STREAM_WHICH_ELSE,
    STREAM_WHICH_NEXT,
    STREAM_WHO,
    STREAM_WHO_ELSE,
    STREAM_WHO_NEXT,
    SURE_BIT,
    draw_at,
    key_of,
)

# A component of the mixture: where its rows begin, and how many strata and points of a stratum its axes have.
BASE, SIZE_STRATA, SIZE_POINTS, HOLD_STRATA, HOLD_POINTS, SEEDS = range(6)
N_COMPONENT = 6


@njit
def slot_of(word: Any, n_strata: int, n_points: int) -> int:
    """The slot that a word stands for: a stratum by its zeros at the low end, a point by its high half."""
    stratum = min(lowest_bit((word & LOW_32) | SURE_BIT), n_strata - 1)
    return stratum * n_points + np.int64(((word >> np.uint64(32)) * np.uint64(n_points)) >> np.uint64(32))


@njit_inline
def entry_of(who: Any, which: Any, thresholds: Any, components: Any) -> Any:
    """The row of the service table that two words stand for: ((size slot * holds) + hold slot) * seeds + seed.

    thresholds: uint64 (n - 1,), cumulated probabilities of the first n components in units of 2**-64; components:
    int64 (n or more, N_COMPONENT), of which those beyond the first n are never drawn.
    """
    c = 0
    for t in range(len(thresholds)):
        c += who >= thresholds[t]
    part = components[c]
    at = slot_of(which, part[SIZE_STRATA], part[SIZE_POINTS])
    n_holds = part[HOLD_STRATA] * part[HOLD_POINTS]
    if n_holds > 1:
        which = mix(which)
        at = at * n_holds + slot_of(which, part[HOLD_STRATA], part[HOLD_POINTS])
    if part[SEEDS] > 1:
        which = mix(which)
        at = at * part[SEEDS] + slot_of(which, 1, part[SEEDS])
    return part[BASE] + at


@njit
def draw_by(who: Any, which: Any, first: int, thresholds: Any, components: Any, entries: Any) -> None:
    """Rows of the service table for the kills first .. first + n by the words of two keys. Mutates: entries."""
    for i in range(len(entries)):
        entries[i] = entry_of(draw_at(who, first + i), draw_at(which, first + i), thresholds, components)


@njit
def draw_entries(seed: int, first: int, thresholds: Any, components: Any, entries: Any) -> None:
    """Rows of the service table for the kills first .. first + n, see entry_of. Mutates: entries."""
    draw_by(key_of(seed, STREAM_WHO), key_of(seed, STREAM_WHICH), first, thresholds, components, entries)


@njit
def draw_next(seed: int, first: int, thresholds: Any, components: Any, entries: Any) -> None:
    """As draw_entries, of the victim that each kill would cost beside its own. Mutates: entries."""
    draw_by(key_of(seed, STREAM_WHO_NEXT), key_of(seed, STREAM_WHICH_NEXT), first, thresholds, components, entries)


@njit
def replace_heavy(
    seed: int, first: int, thresholds: Any, components: Any, heavy: int, entries: Any, other: Any
) -> None:
    """The same kills with another victim for each one whose entry is `heavy` or above; all others stay who they are.

    The other one is drawn by words of its own, so what is left is the law of ordinary victims. Mutates: other.
    """
    who, which = key_of(seed, STREAM_WHO_ELSE), key_of(seed, STREAM_WHICH_ELSE)
    for i in range(len(entries)):
        other[i] = entries[i]
        if entries[i] >= heavy:
            other[i] = entry_of(draw_at(who, first + i), draw_at(which, first + i), thresholds, components)
