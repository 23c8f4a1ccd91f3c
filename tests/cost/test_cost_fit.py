"""The fit recovers planted costs, brackets them, and refuses what cannot be told apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.cost import fit as fitting
from mmbench.cost.summary import median_spread, summarize
from mmbench.errors import InputError
from mmbench.live.design import calibration_set
from mmbench.live.workload import VictimConfig

PLANTED_NS = {
    "base": 900_000.0,
    "page_unlocked": 201.0,
    "page_locked": 319.0,
    "table": 592.0,
    "vma": 747.0,
    "batch": 533.0,
    "cold": 44.0,
    "thp": 5000.0,
    "shmem": 660.0,
}
CONFIGS = calibration_set(3 << 30)


def _rows(
    what: str, planted_ns: dict[str, float], noise: float = 0.0, configs: list[VictimConfig] = CONFIGS
) -> list[dict]:
    draw = np.random.default_rng(3)
    rows = []
    for config in configs:
        facts = vars(config.facts())
        ns = sum(planted_ns[name] * fitting.FEATURES[name](facts, config.kind, what) for name in fitting.TERMS[what])
        rows.append(
            {
                "config": config.to_dict(),
                "facts": facts,
                "what": what,
                "median_ns": ns * (1 + noise * draw.standard_normal()),
            }
        )
    return rows


@pytest.mark.parametrize("what", list(fitting.TERMS))
def test_recovers_planted_costs_exactly_without_noise(what: str) -> None:
    found = fitting.fit(_rows(what, PLANTED_NS), what)
    assert found["not_seen"] == []
    for name, term in found["terms"].items():
        assert term["value_ps"] == pytest.approx(PLANTED_NS[name] * 1000, rel=1e-4)
    assert found["max_abs_error"] < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries({name: st.floats(0.0, 4.0) for name in PLANTED_NS}))
def test_recovers_any_planted_costs_zero_included(factors: dict[str, float]) -> None:
    planted = {name: PLANTED_NS[name] * max(factor, 0.3 if name == "base" else 0.0) for name, factor in factors.items()}
    found = fitting.fit(_rows("exit", planted), "exit")
    for row, residual in zip(_rows("exit", planted), found["residuals"], strict=True):
        assert residual["fitted_ps"] == pytest.approx(row["median_ns"] * 1000, rel=1e-4)
    for name, term in found["terms"].items():
        assert term["value_ps"] == pytest.approx(planted[name] * 1000, rel=1e-3, abs=PLANTED_NS[name])


def test_intervals_bracket_planted_costs_under_noise() -> None:
    found = fitting.fit(_rows("mrelease", PLANTED_NS, noise=0.03), "mrelease")
    inside = [term["low_ps"] <= PLANTED_NS[name] * 1000 <= term["high_ps"] for name, term in found["terms"].items()]
    assert sum(inside) >= len(inside) - 1  # 95 % each
    page = found["terms"]["page_locked"]
    assert 0 < page["high_ps"] - page["low_ps"] < 0.2 * page["value_ps"]
    assert 0.005 < found["median_abs_error"] < 0.05


def test_no_term_is_ever_negative() -> None:
    backwards = [dict(row, median_ns=5e8 / (1 + row["facts"]["n_vmas"])) for row in _rows("exit", PLANTED_NS)]
    found = fitting.fit(backwards, "exit")
    assert all(term["value_ps"] >= 0 and term["low_ps"] >= 0 for term in found["terms"].values())


def test_relative_errors_let_a_small_victim_count_like_a_large_one() -> None:
    rows = _rows("exit", PLANTED_NS)
    smallest = min(rows, key=lambda row: row["median_ns"])
    smallest["median_ns"] *= 2.0
    found = fitting.fit(rows, "exit")
    assert found["terms"]["base"]["value_ps"] > 1.01 * PLANTED_NS["base"] * 1000


def test_a_reaper_pays_nothing_for_shared_memory_but_exit_does() -> None:
    shared = VictimConfig(64 << 20, kind="shmem")
    facts = vars(shared.facts())
    mrelease = fitting.fit(_rows("mrelease", PLANTED_NS), "mrelease")
    exit_ = fitting.fit(_rows("exit", PLANTED_NS), "exit")
    assert fitting.evaluate_ps(mrelease, facts, "shmem") == pytest.approx(900_000_000, rel=1e-3)
    assert fitting.evaluate_ps(exit_, facts, "shmem") > 660_000 * facts["n_pages"]


def test_terms_that_nothing_shows_are_named_not_invented() -> None:
    small = calibration_set(256 << 20, has_thp=False, has_shmem=False)
    found = fitting.fit(_rows("exit", PLANTED_NS, configs=small), "exit")
    assert found["not_seen"] == ["cold", "thp", "shmem"]


def test_file_mappings_are_not_fitted() -> None:
    rows = _rows("exit", PLANTED_NS)
    rows.append(dict(rows[0], config=VictimConfig(64 << 20, kind="file").to_dict(), median_ns=1.0))
    assert fitting.fit(rows, "exit")["n_configs"] == len(rows) - 1


def test_configurations_too_few_or_too_alike_are_refused() -> None:
    alike = [VictimConfig(mib << 20) for mib in range(64, 94, 2)]
    with pytest.raises(InputError, match="cannot tell"):
        fitting.fit(_rows("exit", PLANTED_NS, configs=alike), "exit")
    with pytest.raises(InputError, match="cannot tell"):
        fitting.fit(_rows("exit", PLANTED_NS, configs=CONFIGS[:5]), "exit")
    with pytest.raises(InputError, match="allowed: exit"):
        fitting.fit([], "munlock")


REPS = itertools.count()


def _sample(
    ns: int, what: str = "exit", disturbed: bool = False, error: str = "", mib: int = 64, rep: int | None = None
) -> dict:
    parts = {"mrelease_ns": 1, "mrelease_cpu_ns": ns // 2, "exit_ns": ns, "exit_cpu_ns": ns} if what == "race" else {}
    config = VictimConfig(mib << 20)
    return {
        "config": config.to_dict(),
        "facts": vars(config.facts()),
        "what": what,
        "rep": next(REPS) if rep is None else rep,
        "ns": ns,
        "cpu_ns": None if what == "race" else ns,
        "freed_pages": 16384,
        "error": error,
        "parts": parts,
        "disturbed": disturbed,
        "why": "other processes took 90% of a CPU" if disturbed else "",
    }


def test_summary_uses_quiet_samples_and_says_what_disturbed_the_others() -> None:
    (row,) = summarize([_sample(ns) for ns in (100, 102, 104)] + [_sample(900, disturbed=True)])
    assert (row["median_ns"], row["n"], row["n_disturbed"], row["is_quiet"]) == (102.0, 3, 1, True)
    assert row["whys"] == ["other processes took 90% of a CPU"]
    assert row["spread"] == pytest.approx(2 / 102)
    assert row["freed_pages"] == [16384]


def test_summary_falls_back_to_all_samples_when_few_are_quiet() -> None:
    (row,) = summarize([_sample(100), _sample(100), _sample(400, disturbed=True)])
    assert (row["n"], row["is_quiet"], row["n_disturbed"]) == (3, False, 1)


def test_a_measurement_is_the_median_of_the_victims_of_one_repetition() -> None:
    times = {0: (100, 104, 300), 1: (90, 98, 99), 2: (101, 102, 103)}
    (row,) = summarize([_sample(ns, rep=rep) for rep, group in times.items() for ns in group])
    assert (row["n"], row["median_ns"], row["spread"]) == (3, 102.0, pytest.approx(3 / 102))
    (row,) = summarize([_sample(ns, rep=0) for ns in (1, 2, 3)])
    assert (row["n"], row["is_quiet"]) == (1, False)


def test_races_that_were_none_do_not_count() -> None:
    rows = summarize([_sample(100, "race"), _sample(5000, "race", disturbed=True, error="ESRCH")])
    assert [(row["what"], row["n"]) for row in rows] == [("race", 1)]


def test_race_ratios_compare_the_same_configuration() -> None:
    samples = [_sample(1000 * mib, "exit", mib=mib) for mib in (64, 128, 256)]
    samples += [_sample(700 * mib, "race", mib=mib) for mib in (64, 128, 256, 512)]
    found = fitting.race_ratios(summarize(samples))
    assert found["n_configs"] == 3
    assert found["total"]["value"] == pytest.approx(0.7)
    assert found["cpu"]["value"] == pytest.approx(1.05)
    with pytest.raises(InputError, match="both racing"):
        fitting.race_ratios(summarize(samples[:3]))


def test_median_spread_is_over_one_kind() -> None:
    rows = summarize([_sample(ns, what) for ns in (100, 110, 120) for what in ("exit", "race")])
    assert median_spread(rows, "exit") == pytest.approx(10 / 110)
    assert np.isnan(median_spread(rows, "mrelease"))
