"""Intervals that are right: they cover the truth, know about dependence, and refuse what cannot be known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mmbench.sizing.counting import CARRIED, HIGH, merged, whole
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.sample import Estimate, Refused, Sample
from mmbench.sizing.stats.histogram import N_BUCKETS, bounds_of
from mmbench.sizing.study import run_chunk
from mmbench.sizing.textbook import textbook_study

MS = 10**9
EDGES = [bounds_of(b)[0] for b in range(N_BUCKETS)]
SMALL = {"kept_kills": 400, "edge_kills": 60}


def test_chunks_merge_to_the_same_counts_however_they_are_cut(exponential) -> None:
    study = textbook_study(exponential, 0.5, **SMALL)
    at_once = run_chunk(study, 0, 30)
    parts = merged([run_chunk(study, 17, 13), run_chunk(study, 0, 9), run_chunk(study, 9, 8)])
    assert at_once.keys() == parts.keys()
    assert all(array.dtype == np.int64 for array in at_once.values())
    for name in at_once.keys() - {carried + HIGH for carried in CARRIED}:
        one, other = (whole(c, name) if name in CARRIED else c[name] for c in (at_once, parts))
        assert np.array_equal(one, other), name


def test_sums_of_long_stalls_and_of_long_years_do_not_overflow(deterministic) -> None:
    """Ten minutes each a kill a day: 10,000 kills of a chunk, merged ten million times, are still right."""
    study = textbook_study(np.array([6e14]), 0.01, **SMALL)
    study = replace(study, kills=KillLaw("rare", mean_ps=10**17))
    chunk = run_chunk(study, 0, 25)
    sample = Sample({name: array * 10**7 for name, array in chunk.items()})
    assert sample.n == 10**11
    assert sample.mean("reaper_ns") == 6e14
    time_s = sample.total("time_s") + sample.total("time_ns") / 1e9
    assert time_s / sample.n == pytest.approx(1e5, rel=0.05)
    assert whole(sample.counts, "causes").sum() > 2**63


def test_another_seed_is_another_study(exponential) -> None:
    one, two = (run_chunk(textbook_study(exponential, 0.5, seed=s, **SMALL), 0, 2) for s in (1, 2))
    assert not np.array_equal(one["sums"], two["sums"])


def test_every_kill_is_counted_once_everywhere(exponential) -> None:
    found = run_chunk(textbook_study(exponential, 0.6, **SMALL), 0, 10)
    assert (found["sums"].sum(axis=1) == 4000).all()
    assert found["batches"].sum() == 4000 == found["causes"][:, -1].sum() == found["totals"][0]
    assert found["squares"][:, 0].tolist() == [10 * 400**2] * 5


def mm1_tail(load: float, mean_ps: float, t_ps: float) -> float:
    """P(W > t) of M/M/1 in order of arrival."""
    return load * math.exp(-t_ps * (1 - load) / mean_ps)


def test_intervals_cover_the_truth_in_95_per_cent_of_1000_studies(exponential) -> None:
    """p90 of the wait and P(wait > t) in M/M/1, in order of arrival; kills of one study depend on each other."""
    load, n, mean = 0.7, 1000, float(exponential.mean())
    truth = mean / (1 - load) * math.log(load / 0.1)
    t = 2 * mean
    hits_quantile = hits_tail = 0
    for seed in range(n):
        study = textbook_study(exponential, load, seed=seed, newest_first=False, **SMALL)
        sample = Sample(run_chunk(study, 0, 40))
        found = sample.quantile("behind", 0.9)
        assert isinstance(found, Estimate)
        hits_quantile += found.low <= truth <= found.high
        bucket = int(np.flatnonzero([edge >= t for edge in EDGES])[0])
        tail = sample.longer("behind", bucket)
        hits_tail += tail.low <= mm1_tail(load, mean, EDGES[bucket]) <= tail.high
    assert 0.935 <= hits_quantile / n <= 0.985
    assert 0.935 <= hits_tail / n <= 0.975


def test_dependence_widens_the_interval(exponential) -> None:
    """At high load the kills of a busy period agree; an interval that took them for independent would be too narrow."""
    busy, quiet = (Sample(run_chunk(textbook_study(exponential, load, **SMALL), 0, 100)) for load in (0.9, 0.02))
    at_work, at_rest = busy.quantile("behind", 0.9), quiet.quantile("reaper", 0.9)
    assert isinstance(at_work, Estimate) and isinstance(at_rest, Estimate)
    assert at_work.effective < 0.25 * busy.n
    assert at_rest.effective > 0.5 * quiet.n


def test_percentiles_that_so_few_kills_cannot_bound_are_refused(deterministic) -> None:
    sample = Sample(run_chunk(textbook_study(deterministic, 0.01, **SMALL), 0, 5))
    found = sample.quantile("reaper", 0.999)
    assert isinstance(found, Refused)
    assert found.needed > 2900 and sample.n == 2000
    assert isinstance(sample.quantile("reaper", 0.5), Estimate)


def test_a_percentile_is_worth_no_more_than_a_longer_tail(exponential) -> None:
    """Few kills that happen not to cluster: beside a tail ten times as long that does, they prove nothing."""
    found = run_chunk(textbook_study(exponential, 0.8, **SMALL), 0, 100)
    plain = Sample(found).quantile("behind", 0.99)
    above = found["sums"][4][::-1].cumsum()[::-1]
    spread = above <= 0.011 * above[0]
    found["squares"][4] = np.where(spread, above**2 // 100, found["squares"][4])  # every replication has its share
    calm = Sample(found).quantile("behind", 0.99)
    assert isinstance(plain, Estimate) and isinstance(calm, Estimate)
    assert calm.effective < 0.3 * 40_000 and calm.high - calm.low > 0.5 * (plain.high - plain.low)


def test_nothing_seen_is_less_than_three_in_n(deterministic) -> None:
    study = textbook_study(deterministic, 0.01, over_ps=10**15, **SMALL)
    found = Sample(run_chunk(study, 0, 100)).over("reaper")
    assert (found.value, found.low, found.hits) == (0.0, 0.0, 0)
    assert found.high == pytest.approx(3.0 / 40_000, rel=0.4)
    assert found.high >= 2.99 / 40_000


def test_over_is_exact_where_a_bucket_would_blur_it(deterministic) -> None:
    """The reaper is busy for 100 ms: above 99.9 ms always, above 100 ms never."""
    for over_ps, share in ((99_900_000_000, 1.0), (100 * MS, 0.0)):
        study = textbook_study(deterministic, 0.01, over_ps=over_ps, **SMALL)
        assert Sample(run_chunk(study, 0, 5)).over("reaper").value == share
