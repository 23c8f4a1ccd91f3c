"""A log-linear histogram: 128 buckets to every doubling, so any count of values takes 57 KiB and is right to 0.8 %.

counts is int64 (N_BUCKETS,). Values below 256 have a bucket of their own; above, a bucket is 1/128 of its power of two
wide. All of int64 is covered, negative values count as 0. Histograms of parts add up to the histogram of the whole.
Layout: HdrHistogram (Tene, hdrhistogram.org), with the exponent taken from the bits of a float64.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline

SUB_BITS = 7
SUB_BUCKETS = 1 << SUB_BITS
N_BUCKETS = (63 - SUB_BITS + 1) * SUB_BUCKETS
LARGEST = (1 << 63) - 1
RELATIVE_WIDTH = 1 / SUB_BUCKETS

_FRACTION_BITS = 52 - SUB_BITS  # of a float64, below the bits that name the bucket
_FIRST = (1023 + SUB_BITS - 1) << SUB_BITS  # what those bits are for the value SUB_BUCKETS, less SUB_BUCKETS


@njit_inline
def bucket_of(value: int) -> int:
    """The bucket of an int64.

    Bits with another one 8 places above are cleared first: that leaves the bucket as it is, and a value above 2**53
    can no longer be rounded up into the next bucket on its way to a float64.
    """
    kept = value & ~(value >> (SUB_BITS + 1))
    large: Any = (np.float64(kept).view(np.int64) >> _FRACTION_BITS) - _FIRST
    return max(value, 0) if value < SUB_BUCKETS else large


@njit_inline
def bucket_of_real(value: float) -> Any:
    """The bucket of the whole part of a float64 that is not negative: its own bits name it."""
    large: Any = (np.float64(value).view(np.int64) >> _FRACTION_BITS) - _FIRST
    return np.int64(value) if value < SUB_BUCKETS else large


@njit
def record(counts: Any, values: Any) -> None:
    """Count values, int64 (n,). Mutates: counts."""
    for value in values:
        counts[bucket_of(value)] += 1


def empty() -> np.ndarray:
    """A histogram of nothing."""
    return np.zeros(N_BUCKETS, dtype=np.int64)


def bounds_of(bucket: int) -> tuple[int, int]:
    """The smallest and the largest value of a bucket, both inclusive. Raises IndexError for no bucket."""
    if not 0 <= bucket < N_BUCKETS:
        raise IndexError(f"bucket {bucket} of {N_BUCKETS}")
    shift = max(bucket // SUB_BUCKETS - 1, 0)
    low = (bucket - shift * SUB_BUCKETS) << shift
    return low, low + (1 << shift) - 1


def order_statistic(counts: np.ndarray, rank: int) -> tuple[int, int]:
    """Bounds of the rank-th smallest value, 1 <= rank <= n. Raises IndexError for no such rank."""
    up_to = np.cumsum(counts)
    if not 1 <= rank <= int(up_to[-1]):
        raise IndexError(f"value {rank} of {int(up_to[-1])}")
    return bounds_of(int(np.searchsorted(up_to, rank)))


def quantile(counts: np.ndarray, p: float) -> tuple[int, int]:
    """Bounds of the p-quantile of the values: the smallest one with at least a share p at or below it.

    Raises IndexError for an empty histogram.
    """
    n = int(counts.sum())
    exact_p = Fraction(p).limit_denominator(10**9)  # 0.28 * 25 is more than 7 in float64
    return order_statistic(counts, max(ceil(exact_p * n), 1))


def count_above(counts: np.ndarray, value: int) -> tuple[int, int]:
    """How many values are above `value`: at least and at most; the same number when `value` ends its bucket."""
    value = min(value, LARGEST)
    bucket = int(bucket_of(np.int64(value))) if value >= 0 else -1
    at_least = int(counts[bucket + 1 :].sum())
    exact = bucket < 0 or value == bounds_of(bucket)[1]
    return at_least, at_least if exact else at_least + int(counts[bucket])
