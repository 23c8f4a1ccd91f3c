"""Rare tails against closed forms, against brute force where that can reach, and their intervals against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.errors import InputError
from mmbench.rng import draw64, exponential
from mmbench.sizing.stats.intervals import clopper_pearson
from mmbench.sizing.stats.keyed import exponentials, run_keys, uniforms
from mmbench.sizing.stats.tails import (
    ExponentialHold,
    ParetoHold,
    importance,
    splitting,
    tail_of_holds,
    weighted,
)
from tests.reference.tails import Ruin, Waits, erlang_sum, md1_wait, mm1_wait, pareto_pair, ruin, tilted_wait

MS = 10**9
SEED = 7


def total(holds):
    """The victim meets one held page after another."""
    return holds.sum(axis=1)


def brute_force(law, n_holds, over, n=400_000):
    keys = run_keys(99, 1, 0, n)
    hits = int((sum(law.draw(keys, i) for i in range(n_holds)) > over).sum())
    return clopper_pearson(hits, n, 0.999)


def test_keyed_draws_are_those_of_rng():
    keys = run_keys(5, 2, 10, 4)
    assert keys.tolist() == [int(draw64(5, 2, 10 + i)) for i in range(4)]
    assert exponentials(keys, 3, 8, MS).tolist() == [int(exponential(key, 3, 8, MS)) for key in keys]
    assert uniforms(keys, 3, 8) == pytest.approx([int(draw64(key, 3, 8)) / 2.0**64 for key in keys], abs=1e-15)


def close(found, truth, relative):
    """The truth is in the 99.9 % interval, which is at most so wide."""
    assert found.low <= truth <= found.high
    assert found.high - found.low <= 2 * relative * truth


@pytest.mark.parametrize("n_holds", [1, 3, 20])
@pytest.mark.parametrize("factor", [3, 12])
def test_exponential_holds_agree_with_the_closed_form(n_holds, factor):
    over = factor * n_holds * 100 * MS
    truth = erlang_sum(n_holds, 100 * MS, over)
    close(tail_of_holds(total, ExponentialHold(100 * MS), n_holds, over, 40_000, SEED, 0.999), truth, 0.15)


@pytest.mark.parametrize("over", [10**4, 10**7])
def test_one_pareto_hold_agrees_with_the_closed_form(over):
    law = ParetoHold(MS, 1.5)
    truth = float(over) ** -1.5
    close(tail_of_holds(total, law, 1, over * MS, 40_000, SEED, 0.999), truth, 0.1)


@pytest.mark.parametrize("over", [100, 10**7])
def test_two_pareto_holds_agree_with_the_convolution(over):
    law = ParetoHold(MS, 1.5)
    close(tail_of_holds(total, law, 2, over * MS, 40_000, SEED, 0.999), pareto_pair(1.0, 1.5, over), 0.1)


@pytest.mark.parametrize(
    "law, n_holds, over",
    [(ExponentialHold(MS), 5, 15 * MS), (ParetoHold(MS, 1.5), 2, 100 * MS),
     (ParetoHold(MS, 1.5), 5, 200 * MS)],
)  # fmt: skip
def test_importance_sampling_agrees_with_brute_force(law, n_holds, over):
    low, high = brute_force(law, n_holds, over)
    found = tail_of_holds(total, law, n_holds, over, 40_000, SEED, 0.999)
    assert found.low <= high and low <= found.high
    assert found.high - found.low < high - low


@pytest.mark.parametrize("t", [20, 100])
def test_mm1_waits_by_importance_sampling(t):
    close(importance(tilted_wait(0.7, t, False), 20_000, SEED, 0.999), mm1_wait(0.7, t), 0.06)


@pytest.mark.parametrize("t", [8, 40])
def test_md1_waits_by_importance_sampling(t):
    close(importance(tilted_wait(0.7, t, True), 20_000, SEED, 0.999), md1_wait(0.7, t), 0.06)


@pytest.mark.parametrize("n", [10, 40])
def test_splitting_agrees_with_the_gamblers_ruin(n):
    walk = Ruin(0.5)
    found = splitting(walk.start, walk.advance, range(2, n + 1, 2), 1000, 20, SEED, 0.999)
    close(found, ruin(0.5, n), 0.6)


@pytest.mark.parametrize("deterministic, t", [(False, 8), (False, 40), (True, 5), (True, 20)])
def test_splitting_agrees_with_the_waits_of_mg1(deterministic, t):
    load, walk = 0.6, Waits(0.6, deterministic)
    levels = np.linspace(0, t * Waits.UNIT, t + 1).astype(np.int64)[1:].tolist()
    found = splitting(
        walk.start, walk.advance, levels, 500, 20, SEED, 0.999, reward=walk.kills_over(t * Waits.UNIT)
    )  # fmt: skip
    truth = (md1_wait if deterministic else mm1_wait)(load, t)
    kills = 1 / (1 - load)  # of a busy period, in M/G/1
    assert found.low / kills <= truth <= found.high / kills
    assert found.high < 2.5 * found.low


def test_splitting_agrees_with_brute_force():
    walk = Ruin(0.5)
    keys = run_keys(99, 1, 0, 200_000)
    hits = int(walk.advance(walk.start(keys), 10, keys).sum())
    low, high = clopper_pearson(hits, 200_000, 0.999)
    found = splitting(walk.start, walk.advance, [4, 7, 10], 2000, 20, SEED, 0.999)
    assert found.low <= high and low <= found.high


def test_intervals_of_importance_sampling_cover_the_truth_in_95_per_cent_of_1000_studies():
    n, studies = 300, 1000
    for law, n_holds, over, truth in (
        (ExponentialHold(MS), 3, 30 * MS, erlang_sum(3, 1, 30)),
        (ParetoHold(MS, 1.5), 2, 10**4 * MS, pareto_pair(1.0, 1.5, 10**4)),
    ):
        holds, weights = law.sample(run_keys(SEED, 1, 0, n * studies), n_holds, over)
        runs = np.where(total(holds) > over, weights, 0.0).reshape(studies, n)
        found = [weighted(row) for row in runs]
        assert np.mean([at.low <= truth <= at.high for at in found]) >= 0.94
        assert np.mean([at.value for at in found]) == pytest.approx(truth, rel=0.02)


def test_intervals_of_splitting_cover_the_truth_in_95_per_cent_of_300_studies():
    walk, truth = Ruin(0.5), ruin(0.5, 8)
    found = [splitting(walk.start, walk.advance, [3, 5, 8], 60, 12, seed) for seed in range(300)]
    assert 0.92 <= np.mean([at.low <= truth <= at.high for at in found]) <= 0.98
    assert np.mean([at.value for at in found]) == pytest.approx(truth, rel=0.03)


def test_equal_weights_are_plain_counts():
    weights = np.zeros(100_000)
    weights[:7] = 1.0
    low, high = clopper_pearson(7, 100_000)
    assert weighted(weights)[:4] == pytest.approx((7e-5, low, high, 7), rel=1e-3)


def test_no_hit_is_no_zero():
    assert weighted(np.zeros(1000)).high == pytest.approx(clopper_pearson(0, 1000)[1], rel=0.01)
    walk = Ruin(0.01)
    found = splitting(walk.start, walk.advance, [2, 20], 100, 5, SEED)
    assert found.value == 0 and ruin(0.01, 20) < found.high < 0.1
    assert splitting(walk.start, walk.advance, [20], 100, 5, SEED).high == pytest.approx(3 / 500, rel=0.01)
    assert splitting(walk.start, walk.advance, [20], 100, 5, SEED, reward=lambda s, k: s).high == float("inf")


def test_a_time_beyond_what_is_simulated_is_refused():
    with pytest.raises(InputError, match="allowed are 1 ps to 10 hours"):
        tail_of_holds(total, ParetoHold(MS, 1.5), 1, 1 << 56, 100, SEED)


def test_every_stage_of_splitting_draws_its_own_numbers():
    seen = []

    def note(keys, answer):
        seen.extend(keys.tolist())
        return answer

    splitting(
        lambda keys: note(keys, np.zeros(len(keys))),
        lambda states, level, keys: note(keys, np.ones(len(keys), dtype=bool)),
        [1, 2, 3], 50, 4, SEED, reward=lambda states, keys: note(keys, np.ones(len(keys))),
    )  # fmt: skip
    assert len(set(seen)) == len(seen) == 50 * 4 * 5


def test_the_same_seed_gives_the_same_tail():
    walk = Ruin(0.5)
    first, again, other = (splitting(walk.start, walk.advance, [3, 6], 100, 4, seed) for seed in (1, 1, 2))
    assert first == again != other
