"""Twin of the log-linear histogram: all values in a sorted list, buckets by division."""

from __future__ import annotations


def bucket(value: int) -> int:
    """Halve until fewer than 256 are left; each halving skips 128 buckets."""
    value, halvings = max(value, 0), 0
    while value >= 256:
        value //= 2
        halvings += 1
    return value + 128 * halvings


def quantile(values: list[int], p_numerator: int, p_denominator: int) -> int:
    """The smallest value with at least a share p at or below it."""
    for value in sorted(values):
        if p_denominator * sum(other <= value for other in values) >= p_numerator * len(values):
            return value
    raise AssertionError("no values")


def above(values: list[int], limit: int) -> int:
    """How many values are above the limit."""
    return sum(value > limit for value in values)
