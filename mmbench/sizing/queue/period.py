"""One busy period of the reaper at a time, from any moment of it: what fixed-effort splitting needs of the queue.

The state is the list itself: how many wait, the clock, when the reaper is free, and for each who waits since when and
its row of the service table. Kills are Poisson, so what comes next depends on nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.rng import exponential
from mmbench.sizing.laws.entries import draw_entries
from mmbench.sizing.queue.reaper_list import NOT_LISTED, occupation

N_LIST, NOW, FREE, LIST = range(4)  # of a state: int64 (LIST + 2 * room,), then since and entry of each
STREAM_NEXT = 221
PEAK, OVER, KILLS, OVERFLOW = range(4)  # of what a run tells: int64 (4,)
NO_LEVEL = np.int64(1) << 62


@njit
def begin(keys: Any, thresholds: Any, components: Any, busy: Any, states: Any) -> None:
    """States just after the kill that begins a period: it finds the reaper idle. Mutates: states, int64 (n, ...)."""
    one = np.empty(1, dtype=np.int64)
    for i in range(len(keys)):
        draw_entries(keys[i], 0, thresholds, components, one)
        states[i, N_LIST] = states[i, NOW] = 0
        states[i, FREE] = max(np.int64(busy[one[0], 0]), 0)


@njit
def run_on(
    states: Any, keys: Any, level_ps: int, over_ps: int, mean_ps: int, thresholds: Any, components: Any, busy: Any,
    told: Any,
) -> None:  # fmt: skip
    """Carry every state on until its oldest waiting kill is sure to wait longer than level_ps, or the period ends.

    At the end FREE is -1. busy: float64 (n entries, N_WAITS); told: int64 (n, 4): PEAK, the longest that the oldest on
    the list was sure to wait; OVER, kills that waited longer than over_ps; KILLS, kills that came (with the first, if
    this began there); OVERFLOW, 1 if the list had no more room. Mutates: states, told.
    """
    room = (states.shape[1] - LIST) // 2
    one = np.empty(1, dtype=np.int64)
    for i in range(len(states)):
        s, step, drawn = states[i], 0, 0
        told[i, PEAK] = told[i, OVER] = told[i, OVERFLOW] = 0
        told[i, KILLS] = s[NOW] == 0
        while s[FREE] >= 0:
            if s[N_LIST] > 0:
                sure = s[FREE] - s[LIST]
                told[i, PEAK] = max(told[i, PEAK], sure)
                if sure > level_ps:
                    break
            gap = exponential(keys[i], STREAM_NEXT, step, mean_ps)
            step += 1
            if s[NOW] + gap < s[FREE]:
                s[NOW] += gap
                told[i, KILLS] += 1
                drawn += 1
                draw_entries(keys[i], drawn, thresholds, components, one)
                if busy[one[0], 0] == NOT_LISTED:
                    continue
                if s[N_LIST] == room:
                    told[i, OVERFLOW] = 1
                    break
                s[LIST + 2 * s[N_LIST]], s[LIST + 2 * s[N_LIST] + 1] = s[NOW], one[0]
                s[N_LIST] += 1
            elif s[N_LIST] == 0:
                s[FREE] = -1
            else:
                s[NOW] = s[FREE]
                s[N_LIST] -= 1
                wait = s[NOW] - s[LIST + 2 * s[N_LIST]]
                told[i, OVER] += wait > over_ps
                s[FREE] += occupation(busy, s[LIST + 2 * s[N_LIST] + 1], wait)
