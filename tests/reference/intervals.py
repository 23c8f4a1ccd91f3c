"""Twins of the intervals: binomial sums term by term, in exact fractions, and bisection."""

from __future__ import annotations

from fractions import Fraction
from math import comb


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
