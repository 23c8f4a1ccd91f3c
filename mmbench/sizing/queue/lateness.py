"""One victim with the reaper ever later: an engine run at every doubling, and at the waits between where lines bend.

Times are lines in the wait, except where the victim is done by itself or the reaper gives up. A doubling is left alone
when the line through its ends meets its neighbours, or a run in its middle, within TOLERANCE.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mmbench.sizing.queue.reaper_list import N_FIELDS, N_WAITS, STEP_BITS, WAITS_PS

TOLERANCE = 0.002
SMALL_PS = 10**8  # tolerance is relative to the time itself, or to 0.1 ms where that is longer


def line(rows: np.ndarray, low: int, high: int, k: int) -> np.ndarray:
    """The row at k on the line through the rows at low and high: float64 (N_FIELDS,)."""
    share = (int(WAITS_PS[k]) - int(WAITS_PS[low])) / (int(WAITS_PS[high]) - int(WAITS_PS[low]))
    found: np.ndarray = rows[low] + (rows[high] - rows[low]) * share
    return found


def straight(rows: np.ndarray, low: int, high: int, k: int) -> bool:
    """Does the row at k lie on the line through the rows at low and high?"""
    off = np.abs(line(rows, low, high, k) - rows[k])
    return bool((off <= TOLERANCE * np.maximum(np.abs(rows[k]), SMALL_PS)).all())


def over_waits(run: Callable[[int], list[int]]) -> np.ndarray:
    """FIELDS for every one of WAITS_PS: int64 (N_WAITS, N_FIELDS). run: FIELDS of the victim at a wait in ps."""
    rows = np.zeros((N_WAITS, N_FIELDS), dtype=np.int64)
    knots = [0, *range(1, N_WAITS, 1 << STEP_BITS)]
    for k in knots:
        rows[k] = run(int(WAITS_PS[k]))
    for i in range(1, len(knots) - 1):
        low, high = knots[i], knots[i + 1]
        after = i + 2 < len(knots)
        if straight(rows, knots[i - 1], high, low) and (not after or straight(rows, low, knots[i + 2], high)):
            fill(rows, low, high)
        else:
            refine(rows, low, high, run)
    return rows


def refine(rows: np.ndarray, low: int, high: int, run: Callable[[int], list[int]]) -> None:
    """Run the middle, and the halves where the line bends. Mutates: rows."""
    if high - low < 2:
        return
    middle = (low + high) // 2
    rows[middle] = run(int(WAITS_PS[middle]))
    if straight(rows, low, high, middle):
        fill(rows, low, middle)
        fill(rows, middle, high)
    else:
        refine(rows, low, middle, run)
        refine(rows, middle, high, run)


def fill(rows: np.ndarray, low: int, high: int) -> None:
    """Put the rows between two on their line. Mutates: rows."""
    for k in range(low + 1, high):
        rows[k] = line(rows, low, high, k).astype(np.int64)
