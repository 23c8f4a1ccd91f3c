"""A study's random numbers: the words of mmbench.rng, and an exponential that is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.rng import draw64
from mmbench.sizing.laws.arrivals import burst_gaps, poisson_gaps, recorded_gaps
from mmbench.sizing.laws.draws import draw_at, exponential_q32, key_of, log_table, times_q32
from mmbench.sizing.laws.entries import draw_entries, slot_of
from mmbench.sizing.laws.strata import slot_chances, tail_points

WORDS = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 1000), st.integers(0, 2**62))
def test_a_draw_is_the_word_of_the_shared_generator(seed: int, stream: int, index: int) -> None:
    assert int(draw_at(np.uint64(key_of(seed, stream)), index)) == int(draw64(seed, stream, index))


@settings(deadline=None)
@given(WORDS)
def test_exponential_is_minus_the_logarithm_of_a_uniform(word: int) -> None:
    mantissa = 0.5 + ((word >> 32) + 0.5) / 2**33
    zeros = ((word & 0xFFFF_FFFF) | 1 << 31) & -((word & 0xFFFF_FFFF) | 1 << 31)
    truth = -math.log(mantissa / zeros)
    assert abs(int(exponential_q32(np.uint64(word), log_table())) / 2**32 - truth) < 2e-8


@settings(deadline=None)
@given(st.integers(0, 40 << 32), st.integers(0, 10**17))
def test_times_q32_is_the_exact_product_rounded_down(q32: int, whole: int) -> None:
    assert int(times_q32(q32, whole)) == q32 * whole >> 32


def test_poisson_gaps_have_the_mean_and_the_variance_of_an_exponential() -> None:
    gaps = np.zeros(400_000, dtype=np.int64)
    poisson_gaps(3, 0, 10**9, log_table(), gaps)
    assert gaps.mean() == pytest.approx(10**9, rel=0.01)
    assert gaps.std() == pytest.approx(10**9, rel=0.02)
    assert (gaps > 5 * 10**9).mean() == pytest.approx(math.exp(-5), rel=0.1)


def test_a_stretch_can_be_drawn_alone() -> None:
    whole, part = np.zeros(1000, dtype=np.int64), np.zeros(300, dtype=np.int64)
    poisson_gaps(9, 0, 10**9, log_table(), whole)
    poisson_gaps(9, 500, 10**9, log_table(), part)
    assert whole[500:800].tolist() == part.tolist()


def test_bursts_have_their_size_and_their_gap() -> None:
    gaps = np.zeros(40, dtype=np.int64)
    burst_gaps(1, 0, 10**15, 4, 7, log_table(), gaps)
    assert (gaps.reshape(-1, 4)[:, 1:] == 7).all()
    assert (gaps.reshape(-1, 4)[:, 0] > 1000).all()


def test_recorded_gaps_are_replayed_in_their_order() -> None:
    recorded, gaps = np.array([5, 6, 7, 8], dtype=np.int64), np.zeros(9, dtype=np.int64)
    recorded_gaps(1, 0, recorded, gaps)
    start = int(np.flatnonzero(recorded == gaps[0])[0])
    assert gaps.tolist() == [int(recorded[(start + k) % 4]) for k in range(9)]


def test_rare_components_are_as_rare_as_asked() -> None:
    n = 1_000_000
    entries = np.zeros(n, dtype=np.int64)
    thresholds = np.array([round(0.999 * 2**64)], dtype=np.uint64)
    components = np.array([[0, 1, 10, 1, 1, 1], [10, 1, 1, 1, 1, 1]], dtype=np.int64)
    draw_entries(1, 0, thresholds, components, entries)
    assert abs((entries == 10).sum() - 1000) < 4 * math.sqrt(1000)
    assert entries.min() == 0 and entries.max() == 10


def test_slots_come_as_often_as_their_chances_say() -> None:
    """Sizes in 3 strata of 2, holds in 2 strata of 4, 3 seeds: all axes independent."""
    n = 600_000
    entries = np.zeros(n, dtype=np.int64)
    components = np.array([[0, 3, 2, 2, 4, 3]], dtype=np.int64)
    draw_entries(5, 0, np.zeros(0, np.uint64), components, entries)
    chances = np.outer(np.outer(slot_chances(6, 3), slot_chances(8, 2)), np.full(3, 1 / 3)).ravel()
    found = np.bincount(entries, minlength=144) / n
    assert len(found) == 144
    assert np.abs(found - chances).max() < 5 * math.sqrt(chances.max() / n)


@settings(deadline=None)
@given(WORDS, st.integers(1, 24), st.integers(1, 64))
def test_every_slot_is_in_its_table(word: int, n_strata: int, n_points: int) -> None:
    assert 0 <= int(slot_of(np.uint64(word), n_strata, n_points)) < n_strata * n_points


def test_tail_points_integrate_a_law() -> None:
    chances, tails = slot_chances(96, 24), tail_points(24, 4)
    assert sum(chances) == pytest.approx(1.0)
    assert sum(c * -math.log(t) for c, t in zip(chances, tails, strict=True)) == pytest.approx(1.0, rel=0.01)
    assert tails == sorted(tails, reverse=True)
