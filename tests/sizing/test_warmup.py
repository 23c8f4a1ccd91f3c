"""Near saturation: the list forgets its beginning before kills count, or the load is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from mmbench.errors import InputError
from mmbench.sizing.choosing import batch_means_ps
from mmbench.sizing.estimate import Effort, as_it_is, collect
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.sample import Estimate, Sample
from mmbench.sizing.stats.intervals import mean_interval
from mmbench.sizing.study import EDGE_KILLS, KEPT_KILLS, Study
from mmbench.sizing.textbook import mean_wait_ps, textbook_study
from mmbench.sizing.warmup import MOST_EDGE_KILLS, dispersion, edge_of, settled, with_edge

MS = 10**9


def study_at(busy_ps: np.ndarray, load: float, seed: int = 1) -> Study:
    return settled(replace(textbook_study(busy_ps, load, seed=seed), name="textbook"))


def sample_of(study: Study, kills: int) -> Sample:
    return as_it_is(collect(study, Effort(kills)), 0.999)


def newest_first_md1(load: float, n: int) -> np.ndarray:
    """P(W > k services) of M/D/1, newest first, k = 1 .. n - 1, exactly.

    A kill that finds the reaper busy waits for what is left of a service, R, and for all kills that come meanwhile with
    all that come after them: as many as k ancestors have descendants, and themselves (Borel and Tanner).
    """
    m = np.arange(1, n)
    law = np.zeros(n - 1)
    for k in range(1, 12):
        ancestors = quad(lambda r, k=k: np.exp(-load * r + k * np.log(load * r + 1e-300) - gammaln(k + 1)), 0, 1)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_p = np.log(k / m) - load * m + (m - k) * np.log(load * m) - gammaln(m - k + 1)
        law += ancestors * np.where(m >= k, np.exp(log_p), 0.0)
    return load * law[::-1].cumsum()[::-1]  # at least m more services, and a rest


def quantiles(sample: Sample, p: float) -> Estimate:
    found = sample.quantile("behind", p)
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9, 0.97, 0.99])
def test_md1_newest_first_has_its_mean_and_its_tail_at_every_load(load, deterministic) -> None:
    study = study_at(deterministic, load)
    sample = sample_of(study, 4_000_000)
    assert sample.n / study.kept_kills == sample.replications
    mean = mean_interval(batch_means_ps(sample), 0.999)  # of wait and service
    assert mean.low <= mean_wait_ps(study) + 100 * MS <= mean.high < 1.5 * mean.value
    tail = newest_first_md1(load, 1 << 19)
    for p in (0.99, 0.999) if load > 0.1 else (0.999,):  # below, one in ten waits at all
        services = int(np.searchsorted(-tail, -(1 - p))) + 1  # the first k with P(W > k) at most 1 - p
        found = quantiles(sample, p)
        assert found.low <= services * 100 * MS and (services - 1) * 100 * MS <= found.high
        assert found.high < 1.6 * found.value


def coverage(load: float, busy_ps: np.ndarray, n_studies: int) -> dict[str, tuple[int, int]]:
    """Of the mean and percentiles of the wait: studies whose 95 % interval holds the truth, and those that answer."""
    tail, found = newest_first_md1(load, 1 << 19), dict[str, tuple[int, int]]()
    edge = study_at(busy_ps, load).edge_kills
    for seed in range(1, n_studies + 1):
        study = with_edge(textbook_study(busy_ps, load, seed=seed), edge)
        sample = as_it_is(collect(study, Effort(20 * study.kept_kills)), 0.95)
        mean = mean_interval(batch_means_ps(sample), 0.95)
        held = {"mean": mean.low <= mean_wait_ps(study) + 100 * MS <= mean.high}
        for p in (0.99, 0.999, 0.9999):
            at = sample.quantile("behind", p)
            if isinstance(at, Estimate):
                services = int(np.searchsorted(-tail, -(1 - p))) + 1
                held[f"p{100 * p:g}"] = at.low <= services * 100 * MS and (services - 1) * 100 * MS <= at.high
        for name, holds in held.items():
            hits, n = found.get(name, (0, 0))
            found[name] = (hits + holds, n + 1)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99])
def test_intervals_cover_the_closed_form_at_every_load(load, deterministic) -> None:
    """M/D/1, newest first: Pollaczek and Khinchine have the mean, Borel and Tanner the law. 95 %, less 3 deviations."""
    n = 200 if load < 0.95 else 40
    found = coverage(load, deterministic, n)
    print(f"load {load}: " + ", ".join(f"{name} {hits / of:.1%} of {of}" for name, (hits, of) in found.items()))
    for name, (hits, of) in found.items():
        assert hits >= of * 0.95 - 3 * np.sqrt(of * 0.95 * 0.05), name


def test_the_edge_grows_with_the_load(exponential, deterministic) -> None:
    edges = [study_at(exponential, load).edge_kills for load in (0.1, 0.8, 0.95)]
    assert edges[0] == EDGE_KILLS and edges == sorted(edges) and edges[-1] > 8 * EDGE_KILLS
    near = study_at(exponential, 0.95)
    assert near.kept_kills == 2 * near.edge_kills > KEPT_KILLS
    assert study_at(deterministic, 0.95).edge_kills < near.edge_kills
    assert edge_of(1.0, 0.0, 1 / 0.99, 1.0)[1] == pytest.approx(8 * 2 * 0.99 / 1e-4 * 0.99**0, rel=0.03)


def test_a_load_too_near_one_is_refused_with_its_reason(exponential, monkeypatch) -> None:
    monkeypatch.setattr("mmbench.sizing.warmup.MOST_EDGE_KILLS", 1 << 14)
    with pytest.raises(
        InputError, match=r"textbook: the reaper is busy 9\d\.\d+% of the time.* to forget how that began"
    ):
        study_at(exponential, 0.97)
    assert MOST_EDGE_KILLS == 1 << 20


def test_bursts_and_records_are_forgotten_later(deterministic) -> None:
    assert dispersion(KillLaw("p", 10**12)) == 1.0
    assert dispersion(KillLaw("b", 10**12, size=50, inside_ps=10**9)) == 50.0
    gaps = np.array([1, 1, 1, 10_000], dtype=np.int64) * 10**9
    assert dispersion(KillLaw("r", recorded=gaps)) == pytest.approx(3.0, rel=0.01)
    assert dispersion(KillLaw("r", recorded=np.full(9, 10**9))) == 1.0
    mean_ps = round(float(deterministic.mean()) * 20 / 0.8)
    bursts = replace(textbook_study(deterministic, 0.8), kills=KillLaw("b", mean_ps=mean_ps, size=20, inside_ps=1))
    assert settled(bursts).edge_kills > study_at(deterministic, 0.8).edge_kills
