"""Intervals against exact fractions, and against the truth in 1,000 repeated studies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.stats.intervals import (
    clopper_pearson,
    mean_interval,
    needed_for,
    none_of,
    paired,
    paired_share,
    quantile_ranks,
    skewed_mean,
    student_t,
)
from tests.reference import intervals as twin

N_STUDIES = 1000
SEED = 20260101
RISK = Fraction(1, 40)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.data())
def test_clopper_pearson_is_the_twins(n, data):
    hits = data.draw(st.integers(0, n))
    assert clopper_pearson(hits, n, 0.95) == pytest.approx(twin.probability_ends(hits, n, RISK), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 19))
def test_quantile_ranks_are_the_twins(n, twentieths):
    p = Fraction(twentieths, 20)
    assert quantile_ranks(n, float(p), 0.95) == twin.ranks(n, p, RISK)


@pytest.mark.parametrize("p", [0.5, 0.05, 0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_appears_exactly_at_needed_for(p, confidence):
    n = needed_for(p, confidence)
    assert quantile_ranks(n, p, confidence) is not None
    assert quantile_ranks(n - 1, p, confidence) is None


def test_p99_9_is_refused_below_about_3000():
    assert needed_for(0.999, one_sided=True) == 2995
    assert needed_for(0.999) == 3688
    assert 1 - 0.999**2994 < 0.95 <= 1 - 0.999**2995


def test_no_hits_is_less_than_3_in_n():
    for n in (10, 1000, 10**6, 10**9):
        assert none_of(n) == pytest.approx(clopper_pearson(0, n, 0.95, one_sided=True)[1], rel=1e-9)
        assert none_of(n) < 3 / n
    assert none_of(10**9) == pytest.approx(2.9957e-9, rel=1e-4)
    assert none_of(0) == 1.0


def test_no_and_all_hits_have_one_end():
    assert clopper_pearson(0, 50)[0] == 0.0
    assert clopper_pearson(50, 50)[1] == 1.0
    assert quantile_ranks(0, 0.5) is None


def test_quantile_intervals_cover_the_truth_in_95_per_cent_of_1000_studies():
    draws = np.sort(np.random.default_rng(SEED).exponential(size=(N_STUDIES, 5000)), axis=1)
    for p in (0.5, 0.99, 0.999):
        low, high = quantile_ranks(5000, p)
        truth = -np.log1p(-p)
        covered = np.mean((draws[:, low - 1] <= truth) & (truth <= draws[:, high - 1]))
        exact = float(twin_coverage(5000, p, low, high))
        assert 0.95 <= exact < 0.98
        assert covered == pytest.approx(exact, abs=4 * (exact * (1 - exact) / N_STUDIES) ** 0.5)


def twin_coverage(n, p, low, high):
    """P(low <= values below the quantile < high), from the exact binomial."""
    from scipy.stats import binom

    return binom.cdf(high - 1, n, p) - binom.cdf(low - 1, n, p)


@pytest.mark.parametrize("p", [0.3, 0.01, 0.0005])
def test_probability_intervals_cover_the_truth_in_95_per_cent_of_1000_studies(p):
    hits = np.random.default_rng(SEED).binomial(20_000, p, size=N_STUDIES)
    ends = np.array([clopper_pearson(int(h), 20_000) for h in hits])
    covered = np.mean((ends[:, 0] <= p) & (p <= ends[:, 1]))
    assert 0.945 <= covered <= 0.985


def test_zero_hit_limits_fail_at_most_once_in_twenty():
    p = none_of(2000)
    zeros = np.random.default_rng(SEED).binomial(2000, p, size=N_STUDIES) == 0
    assert np.mean(zeros) == pytest.approx(0.05, abs=0.02)  # how often "less than p" would be said of p itself


def test_paired_differences_cover_the_truth_and_are_narrow():
    rng = np.random.default_rng(SEED)
    common = rng.exponential(100.0, size=(N_STUDIES, 20))
    first, second = common + rng.normal(3, 1, common.shape), common + rng.normal(1, 1, common.shape)
    ends = np.array([paired(a, b) for a, b in zip(first, second, strict=True)])
    assert np.mean((ends[:, 1] <= 2) & (ends[:, 2] >= 2)) == pytest.approx(0.95, abs=0.02)
    unpaired = mean_interval(first[0]).high - mean_interval(first[0]).low
    assert ends[0, 2] - ends[0, 1] < unpaired / 20


def test_means_of_rare_events_cover_the_truth_where_student_ends_below_it_too_often():
    """Three of a thousand take far longer than the others, in 20 batches of 800."""
    rng = np.random.default_rng(SEED)
    sums = rng.exponential(1.0, size=(N_STUDIES, 20, 1)) + rng.gamma(rng.poisson(2.4, (N_STUDIES, 20, 1)) * 0.5, 40.0)
    batches, truth = sums[:, :, 0], 1 + 2.4 * 0.5 * 40
    skewed, student = ([of(batch) for batch in batches] for of in (skewed_mean, mean_interval))
    held = [np.mean([at.low <= truth <= at.high for at in found]) for found in (skewed, student)]
    assert held[1] < 0.94 <= held[0] <= 0.97
    assert all(a.low <= b.low and a.high >= b.high for a, b in zip(skewed, student, strict=True))


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30), st.sampled_from([0.5, 0.95, 0.999]))
def test_the_ends_of_a_skewed_mean_are_where_halls_cubic_says(values, confidence):
    values = np.array(values)
    found, student = skewed_mean(values, confidence), mean_interval(values, confidence)
    t = student_t(confidence, len(values) - 1)
    for end, of_student, sign in ((found.low, student.low, 1), (found.high, student.high, -1)):
        reached = twin.halls_cubic(values, end)
        assert end == of_student or reached is None or reached == pytest.approx(sign * t, rel=1e-3, abs=1e-3)


def test_student_t_is_the_tables():
    assert student_t(0.95, 19) == pytest.approx(2.093, abs=5e-4)
    assert student_t(0.99, 4) == pytest.approx(4.604, abs=5e-4)


def test_paired_shares_cover_the_truth_and_zero_differences_do_not_prove_equality():
    rng = np.random.default_rng(SEED)
    counts = rng.multinomial(2000, [0.004, 0.001, 0.995], size=N_STUDIES)
    ends = np.array([paired_share(int(a), int(b), 2000) for a, b, _ in counts])
    assert np.mean((ends[:, 1] <= 0.003) & (ends[:, 2] >= 0.003)) >= 0.945
    nothing = paired_share(0, 0, 2000)
    assert nothing.value == 0 and nothing.low == -nothing.high and nothing.high > none_of(2000)
