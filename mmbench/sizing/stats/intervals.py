"""Exact intervals: of a quantile from order statistics, of a probability from hits, of a difference from pairs.

None of them knows the law of what was sampled. `confidence` is a share such as 0.95; intervals are two-sided with equal
tails unless one_sided. Sources: Clopper and Pearson, Biometrika 26 (1934); David and Nagaraja, Order Statistics, 7.1.
"""

from __future__ import annotations

from functools import lru_cache
from math import cbrt, ceil, log, sqrt
from typing import NamedTuple

import numpy as np

FLAT = 1e-6  # a skewness that moves no end


class Interval(NamedTuple):
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float


def clopper_pearson(hits: float, n: float, confidence: float = 0.95, one_sided: bool = False) -> tuple[float, float]:
    """Both ends for a probability of which `hits` of n independent trials came true; one-sided: either end alone.

    Covers the truth at least as often as stated. n may be an effective number that is not whole (Korn and Graubard).
    """
    from scipy.special import betaincinv

    alpha = (1 - confidence) / (1 if one_sided else 2)
    low = float(betaincinv(hits, n - hits + 1, alpha)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - alpha)) if hits < n else 1.0
    return low, high


def none_of(n: float, confidence: float = 0.95) -> float:
    """What a probability is less than, when none of n independent trials came true: about 3/n at 95 %.

    Exactly 1 - (1 - confidence)**(1/n), the one-sided Clopper-Pearson limit.
    """
    return -float(np.expm1(log(1 - confidence) / n)) if n > 0 else 1.0


@lru_cache(maxsize=4096)
def quantile_ranks(n: int, p: float, confidence: float = 0.95) -> tuple[int, int] | None:
    """Ranks (1 .. n) of the two order statistics between which the p-quantile lies; None when n is too small.

    The number of values below the quantile is binomial, so this holds for every law; ties only widen it.
    """
    from scipy.stats import binom

    if n < 1:
        return None
    alpha = (1 - confidence) / 2
    low, high = int(binom.ppf(alpha, n, p)), int(binom.ppf(1 - alpha, n, p)) + 1
    return (low, high) if low >= 1 and high <= n else None


def needed_for(p: float, confidence: float = 0.95, one_sided: bool = False) -> int:
    """The least n for which quantile_ranks is not None: the extreme values then enclose the p-quantile.

    One-sided: the least n whose largest value is a bound from above; 2,995 for p99.9 at 95 %, two-sided 3,688.
    """
    share = (1 - confidence) / (1 if one_sided else 2)
    return ceil(log(share) / log(p if one_sided else max(p, 1 - p)))


@lru_cache(maxsize=256)
def student_t(confidence: float, freedom: int) -> float:
    """How many standard errors to either side Student's t interval reaches."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - confidence) / 2))


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Student's t interval of the mean of float64 (n,): n >= 2 independent values, about normal (means of batches)."""
    mean = float(values.mean())
    half = student_t(confidence, len(values) - 1) * float(values.std(ddof=1)) / sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def skewed_mean(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """The mean of float64 (n,), n >= 2, that a few large ones may decide: Student's t, and as far as Hall's reaches.

    Student's t alone ends below the truth too often where rare events make up the mean: it holds 92 % of the time at
    95 % with 320 of them in 20 batches. Hall's cubic takes the skewness out and is turned back (Journal of the Royal
    Statistical Society B 54, 1992).
    """
    found, n, spread = mean_interval(values, confidence), len(values), float(values.std())
    if not spread:
        return found
    skew = float((((values - found.value) / spread) ** 3).mean()) / sqrt(n)
    if abs(skew) < FLAT:
        return found
    error = float(values.std(ddof=1)) / sqrt(n)
    ends = [
        found.value - error * 3 / skew * (cbrt(1 + skew * (t - skew / 6)) - 1)
        for t in (student_t(confidence, n - 1), -student_t(confidence, n - 1))
    ]
    return Interval(found.value, min(found.low, *ends), max(found.high, *ends))


def paired(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Interval:
    """The mean of first - second, float64 (n,) both: of pairs that share their random numbers only the gap varies."""
    return skewed_mean(first - second, confidence)


def paired_share(n_only_first: int, n_only_second: int, n: int, confidence: float = 0.95) -> Interval:
    """P(first) - P(second) of events seen on the same n trials, from the trials on which they differ.

    A union of two Clopper-Pearson intervals at half the risk each: exact, a little wide, and good at zero differences.
    """
    low_1, high_1 = clopper_pearson(n_only_first, n, 1 - (1 - confidence) / 2)
    low_2, high_2 = clopper_pearson(n_only_second, n, 1 - (1 - confidence) / 2)
    return Interval((n_only_first - n_only_second) / n, low_1 - high_2, high_1 - low_2)
