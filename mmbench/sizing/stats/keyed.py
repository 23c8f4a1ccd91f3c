"""Random numbers for many runs at once: run i has a key of its own, and draw `index` of a run is rng's for that key."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.rng import draw64, exponential


@njit
def run_keys(seed: int, stream: int, first: int, n: int) -> Any:
    """Keys of the runs first .. first + n - 1: uint64 (n,)."""
    keys = np.empty(n, dtype=np.uint64)
    for i in range(n):
        keys[i] = draw64(seed, stream, first + i)
    return keys


@njit
def uniforms(keys: Any, stream: int, index: int) -> Any:
    """Draw `index` of every run, uniform in (0, 1): float64 (n,), multiples of 2**-52 less a half."""
    found = np.empty(len(keys), dtype=np.float64)
    for i in range(len(keys)):
        found[i] = (np.float64(draw64(keys[i], stream, index) >> np.uint64(12)) + 0.5) * 2.0**-52
    return found


@njit
def exponentials(keys: Any, stream: int, index: int, mean: int) -> Any:
    """Draw `index` of every run, exponential with an integer mean and rounded down: int64 (n,)."""
    found = np.empty(len(keys), dtype=np.int64)
    for i in range(len(keys)):
        found[i] = exponential(keys[i], stream, index, mean)
    return found
