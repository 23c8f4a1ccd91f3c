"""Twins of the intervals: binomial sums term by term, in exact fractions, and bisection."""

from __future__ import annotations

from fractions import Fraction
from math import comb, sqrt

import numpy as np


def at_most(k: int, n: int, p: Fraction) -> Fraction:
    """P(no more than k of n come true)."""
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


def probability_ends(hits: int, n: int, risk: Fraction) -> tuple[float, float]:
    """The smallest p for which `hits` or more, and the largest for which `hits` or fewer, has probability `risk`."""

    def solve(is_too_high, start: Fraction, end: Fraction) -> float:
        for _ in range(40):
            middle = Fraction(float((start + end) / 2))
            start, end = (start, middle) if is_too_high(middle) else (middle, end)
        return float(start)

    low = solve(lambda p: 1 - at_most(hits - 1, n, p) > risk, Fraction(0), Fraction(1)) if hits else 0.0
    high = solve(lambda p: at_most(hits, n, p) < risk, Fraction(0), Fraction(1)) if hits < n else 1.0
    return low, high


def ranks(n: int, p: Fraction, risk: Fraction) -> tuple[int, int] | None:
    """The narrowest pair of ranks that miss the p-quantile with at most `risk` on either side."""
    lows = [k for k in range(1, n + 1) if at_most(k - 1, n, p) <= risk]
    highs = [k for k in range(1, n + 1) if 1 - at_most(k - 1, n, p) <= risk]
    return (max(lows), min(highs)) if lows and highs else None


def halls_cubic(values: np.ndarray, mean: float) -> float | None:
    """How many standard errors the values are above a mean, without their skewness; None where they are equal."""
    spread = float(np.std(values))
    if spread < 1e-9 * max(abs(float(np.mean(values))), 1.0):
        return None
    root = sqrt(len(values))
    skew = float(np.mean(((values - np.mean(values)) / spread) ** 3))
    t = root * (float(np.mean(values)) - mean) / float(np.std(values, ddof=1))
    return t + skew * t**2 / (3 * root) + skew**2 * t**3 / (27 * root**2) + skew / (6 * root)
