"""The histogram against its twin, and its bounds against all values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.stats.histogram import (
    N_BUCKETS,
    RELATIVE_WIDTH,
    SUB_BUCKETS,
    bounds_of,
    bucket_of,
    bucket_of_real,
    count_above,
    empty,
    order_statistic,
    quantile,
    record,
)
from tests.reference import histogram as twin

LARGEST = 2**63 - 1
value_lists = st.lists(st.integers(0, 3000) | st.integers(0, LARGEST), min_size=1, max_size=60)


def histogram_of(values):
    counts = empty()
    record(counts, np.array(values, dtype=np.int64))
    return counts


@settings(deadline=None)  # the first one compiles
@given(st.integers(-(2**63), LARGEST))
def test_bucket_is_the_twins(value):
    assert bucket_of(np.int64(value)) == twin.bucket(value)


@settings(deadline=None)  # the first one compiles
@given(st.floats(0, 2.0**62))
def test_a_real_is_in_the_bucket_of_its_whole_part(value):
    assert bucket_of_real(value) == twin.bucket(int(value))


def test_every_edge_of_every_bucket_is_its_own():
    lows, highs = np.array([bounds_of(b) for b in range(N_BUCKETS)], dtype=np.int64).T
    assert [int(bucket_of(low)) for low in lows] == list(range(N_BUCKETS))
    assert [int(bucket_of(high)) for high in highs] == list(range(N_BUCKETS))
    assert np.array_equal(lows[1:], highs[:-1] + 1)
    assert lows[0] == 0 and highs[-1] == LARGEST


def test_a_bucket_is_at_most_0_8_per_cent_wide():
    for bucket in range(SUB_BUCKETS, N_BUCKETS):
        low, high = bounds_of(bucket)
        assert high - low <= low * RELATIVE_WIDTH <= low * 0.008


def test_no_such_bucket():
    for bucket in (-1, N_BUCKETS):
        with pytest.raises(IndexError):
            bounds_of(bucket)


@settings(deadline=None)  # the first one compiles
@given(value_lists, st.integers(1, 999))
def test_quantile_bounds_hold_the_exact_quantile(values, per_mille):
    low, high = quantile(histogram_of(values), per_mille / 1000)
    exact = twin.quantile(values, per_mille, 1000)
    assert low <= exact <= high


@settings(deadline=None)  # the first one compiles
@given(value_lists, st.integers(0, 59), st.integers(-3, 300))
def test_count_above_bounds_hold_the_exact_count(values, which, below):
    limit = values[which % len(values)] - below
    at_least, at_most = count_above(histogram_of(values), limit)
    assert at_least <= twin.above(values, limit) <= at_most
    if limit < 256:
        assert at_least == at_most


def test_a_limit_inside_a_bucket_leaves_its_values_open():
    counts = histogram_of([1, 1030, 1031, 5000])  # 1024 .. 1031 share a bucket
    assert [count_above(counts, limit) for limit in (1023, 1029, 1030, 1031)] == [(3, 3), (1, 3), (1, 3), (1, 1)]


def test_the_rank_of_a_quantile_does_not_suffer_from_rounding():
    assert quantile(histogram_of(range(25)), 0.28) == (6, 6)  # 0.28 * 25 is more than 7 in float64


@settings(deadline=None)  # the first one compiles
@given(value_lists, value_lists)
def test_the_sum_is_the_histogram_of_all(first, second):
    assert np.array_equal(histogram_of(first) + histogram_of(second), histogram_of(first + second))


def test_order_statistics_from_first_to_last():
    counts = histogram_of([5, 1, 3])
    assert [order_statistic(counts, rank) for rank in (1, 2, 3)] == [(1, 1), (3, 3), (5, 5)]
    for rank in (0, 4):
        with pytest.raises(IndexError):
            order_statistic(counts, rank)


def test_an_empty_histogram_has_no_quantile():
    with pytest.raises(IndexError):
        quantile(empty(), 0.5)
