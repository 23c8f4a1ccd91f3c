"""Counter-based random numbers: pure functions with the right distribution."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import rng

WORDS = st.integers(0, 2**64 - 1)


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_negative_log_agrees_with_the_library(word):
    u = ((word >> 32) + 1) / 2**32
    assert abs(int(rng.negative_log_q32(np.uint64(word))) / 2**32 + math.log(u)) < 1e-8


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 10), st.integers(0, 2**40), st.integers(0, 10**15))
def test_exponential_scales_with_its_mean(seed, stream, index, mean):
    value = int(rng.exponential(seed, stream, index, mean))
    log = int(rng.negative_log_q32(np.uint64(rng.draw64(seed, stream, index))))
    assert value == log * mean >> 32
    assert 0 <= value <= 23 * mean


def test_draws_look_uniform_and_exponential():
    n = 4000
    low = [int(rng.below(7, 1, k, 10)) for k in range(n)]
    counts = np.bincount(low, minlength=10)
    assert ((counts - n / 10) ** 2 / (n / 10)).sum() < 30  # chi-square, 9 degrees: p < 0.0005
    mean = np.mean([int(rng.exponential(7, 2, k, 10**9)) for k in range(n)])
    assert abs(mean / 10**9 - 1) < 4 / math.sqrt(n)


def test_streams_seeds_and_indexes_all_matter():
    draws = {int(rng.draw64(s, t, k)) for s in range(4) for t in range(4) for k in range(4)}
    assert len(draws) == 64
