"""Rare tails of a study: against closed forms, against the study's own kills, and what cannot be said is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import exp, inf, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ive

from mmbench.cost.table import load_table
from mmbench.errors import InputError
from mmbench.scenarios import scenario
from mmbench.sizing.alone import alone, check_time, reading
from mmbench.sizing.behind import behind
from mmbench.sizing.laws.families import parse_family
from mmbench.sizing.laws.spoken import KillLaw, parse_holds
from mmbench.sizing.queue.mixture import mixture, node_tables, service_table
from mmbench.sizing.queue.reaper_list import ALL, NOT_LISTED, REAPER, SKIP
from mmbench.sizing.queue.service import Setting
from mmbench.sizing.sample import Sample
from mmbench.sizing.study import Study, run_chunk
from mmbench.sizing.textbook import exponential_points, textbook_study, two_kinds
from mmbench.strategies import load

MS, GIB, SURE = 10**9, 1 << 30, 0.999


def held(strategy: str, holds: str, rarity: str = "1", share: str = "1"):
    """One size of victim (and a small one that nobody holds a page of), its study, and the time after its hold."""
    parts = mixture(
        parse_family("64MiB", None, "--ordinary", GIB), parse_family("1GiB", "0.9", "--heavy", GIB), Fraction(rarity),
        parse_holds(holds), Fraction(share),
    )  # fmt: skip
    setting = Setting(load(strategy), scenario("quiet"), load_table())
    table = service_table(parts, node_tables(parts, setting, lambda: None), setting)
    study = Study(1, KillLaw("poisson", 10**12), table.thresholds, table.components, table.fields)
    return parts, table, study, setting


def after_hold_ps(parts, setting, over_ps: int) -> float:
    """All freed minus hold, which must be the same at all holds that matter here."""
    at = reading(parts[-1], setting, over_ps)
    after = at.rows[0, -4:, 0, ALL] - at.nodes_ps[-4:]
    assert np.ptp(after) < 1e-4 * over_ps
    return float(after[-1])


def ask(study_of, over_ps: int, confidence: float = SURE, n: int = 1 << 21):
    parts, table, study, setting = study_of
    return alone(parts, table, study, setting, over_ps, n, confidence)


@pytest.mark.parametrize("over_ms", [600, 1500, 3000])
def test_exponential_holds_have_the_closed_form(over_ms) -> None:
    """v5.17 frees all a little after the page lock is released: P = exp(-(T - a little) / mean), down to 1e-13."""
    study = held("v5.17", "exp:100ms")
    found = ask(study, over_ms * MS)["all"]
    truth = exp(-(over_ms * MS - after_hold_ps(study[0], study[3], over_ms * MS)) / (100 * MS))
    assert found["low"] <= truth <= found["high"]
    assert found["high"] - found["low"] < 0.25 * truth


def test_pareto_holds_have_the_closed_form() -> None:
    study = held("v5.17", "pareto:1ms,1.5")
    over_ps = 200_000 * MS
    found = ask(study, over_ps)["all"]
    truth = ((over_ps - after_hold_ps(study[0], study[3], over_ps)) / MS) ** -1.5
    assert found["low"] <= truth <= found["high"] < 1.1 * truth


def test_rarity_and_the_held_share_weigh() -> None:
    study = held("v5.17", "exp:100ms", rarity="1/50", share="1/4")
    found = ask(study, 1500 * MS)["all"]
    after = after_hold_ps(study[0], study[3], 1500 * MS)
    truth = exp(-(1500 * MS - after) / (100 * MS)) / 200
    assert found["low"] <= truth <= found["high"] < 1.2 * truth


def test_two_kinds_of_held_victims_weigh_by_their_shares() -> None:
    """One in twenty is large, and takes longer by itself."""
    parts = mixture(
        parse_family("64MiB", "1", "--ordinary", GIB), parse_family("8GiB", "1", "--heavy", 8 * GIB), Fraction("1/20"),
        parse_holds("exp:100ms"), Fraction(1),
    )  # fmt: skip
    setting = Setting(load("v5.17"), scenario("quiet"), load_table())
    table = service_table(parts, node_tables(parts, setting, lambda: None), setting)
    study = Study(1, KillLaw("poisson", 10**12), table.thresholds, table.components, table.fields)
    over_ps = 4000 * MS
    truth = sum(
        float(part.share) * exp(-(over_ps - after_hold_ps([part], setting, over_ps)) / (100 * MS)) for part in parts
    )
    found = ask((parts, table, study, setting), over_ps)["all"]
    assert found["low"] <= truth <= found["high"] < 1.4 * truth


@pytest.mark.parametrize(("strategy", "over_ms"), [("v5.17", 700), ("unlocking-flag", 700)])
def test_the_studys_own_kills_agree(strategy, over_ms) -> None:
    found = ask(held(strategy, "exp:100ms", rarity="1/2"), over_ms * MS)["all"]
    beside = found["brute_force"]
    assert beside["hits"] > 100 and found["runs"] == 40_000
    assert found["low"] <= beside["high"] and beside["low"] <= found["high"]
    assert found["high"] - found["low"] < beside["high"] - beside["low"]


def test_what_no_hold_prolongs_is_said_to_be_so() -> None:
    """v5.17's reaper, when in time, sets MMF_OOM_SKIP whoever holds a page; victims without holds are summed."""
    study = held("v5.17", "exp:100ms")
    assert ask(study, 600 * MS)["skip"]["method"] == "nothing in the table takes so long"
    plain = held("v5.17", "none", rarity="1/10")
    assert ask(plain, 20 * MS)["all"]["value"] == pytest.approx(0.1)


def test_a_time_beyond_engine_runs_is_refused() -> None:
    with pytest.raises(InputError, match="allowed are 1ps to 500s"):
        check_time(501 * 10**12, "501s")


def newest_first_mm1(rho: float, t: float) -> float:
    """P(wait > t) in M/M/1, newest first, service mean 1: somebody is served, and a busy period comes in between."""
    density = lambda x: ive(1, 2 * x * sqrt(rho)) * exp(-((1 - sqrt(rho)) ** 2) * x) / (x * sqrt(rho))  # noqa: E731
    return rho * float(quad(density, t, inf, limit=500)[0])


@pytest.mark.parametrize(("rho", "t"), [(0.3, 10), (0.3, 40), (0.6, 20)])
def test_waits_behind_others_have_the_closed_form_of_mm1(rho, t) -> None:
    study = textbook_study(exponential_points(100 * MS, 4096), rho)
    found = behind(study, Sample(run_chunk(study, 0, 20), SURE), t * 100 * MS)
    truth = newest_first_mm1(rho, t)
    assert found["low"] <= truth <= found["high"] < 1.4 * truth
    assert found["value"] == pytest.approx(truth, rel=0.3)
    assert found["kills_per_period"] == pytest.approx(1 / (1 - rho), rel=0.02)
    beside = found["brute_force"]
    assert found["low"] <= beside["high"] and beside["low"] <= found["high"]


def test_splitting_uses_the_studys_own_service_table() -> None:
    """drop-oom-skip: a reaper that comes late polls for a second, so its time depends on the wait."""
    _, _, study, _ = held("drop-oom-skip", "exp:100ms", rarity="1/10")
    study = replace(study, kills=KillLaw("poisson", 10**11))
    sample = Sample(run_chunk(study, 0, 60), SURE)
    found = behind(study, sample, 300 * MS)
    beside = found["brute_force"]
    assert beside["hits"] > 100
    assert found["low"] <= beside["high"] and beside["low"] <= found["high"]
    assert 0.5 < found["value"] / beside["value"] < 2


def test_stratified_starts_reach_a_rare_kind() -> None:
    """One kill in 200,000 keeps the reaper for an hour: kills behind it are those that come meanwhile."""
    rarity, hour_ps, gap_ps = 5e-6, 3_600_000 * MS // 10, 2_000 * MS
    study = two_kinds(np.array([1.0 * MS]), np.array([float(hour_ps)]), rarity, gap_ps)
    found = behind(study, Sample(run_chunk(study, 0, 20), SURE), hour_ps // 2)
    # of the kills that come while it is served, those of its first half wait that long, and a few behind these
    truth = rarity * (hour_ps / 2) / gap_ps
    assert found["kinds"] == 2 and found["low"] <= 1.03 * truth and 0.97 * truth <= found["high"] < 2 * truth


def test_what_splitting_cannot_do_is_refused(deterministic) -> None:
    study = textbook_study(deterministic, 0.5, kept_kills=400, edge_kills=60)
    sample = Sample(run_chunk(study, 0, 5))
    bursts = replace(study, kills=KillLaw("bursts", 10**12, 5, 10**9))
    assert "Poisson" in behind(bursts, sample, 10**12)["refused"]
    crowded = replace(study, kills=KillLaw("poisson", 10**7))
    assert "on the list" in behind(crowded, sample, 10**12)["refused"]
    calm = textbook_study(deterministic, 1e-6)
    assert "none of 160,000 runs" in behind(calm, sample, 10**12)["refused"]
    assert "one reaper" in behind(replace(study, n_reapers=2), sample, 10**12)["refused"]
    assert "domains" in behind(replace(study, n_domains=2), sample, 10**12)["refused"]
    never = replace(study, fields=study.fields.copy())
    never.fields[:, 0, REAPER] = NOT_LISTED
    assert behind(never, sample, 10**12)["value"] == 0.0


def test_skip_and_all_are_the_tables() -> None:
    """At the law's own slots a reading says what the service table says."""
    parts, table, _, setting = held("trylock", "exp:100ms")
    at = reading(parts[-1], setting, 1000 * MS)
    holds = np.array(parts[-1].hold.points_ps, dtype=np.float64)
    keys = np.arange(len(holds), dtype=np.uint64)
    read = at.latency(keys, holds)
    assert np.allclose(read[:, [SKIP, ALL]], table.fields[-len(holds) :, 0][:, [SKIP, ALL]], atol=2)
