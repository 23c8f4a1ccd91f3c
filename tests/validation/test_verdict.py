"""Pass, fail or undecided: by intervals against the goals, by how quiet it was, and by page counts."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from mmbench.live.workload import VictimConfig
from mmbench.validation.verdict import GOALS, bounds_of, disturbances, judge

MIB = 1 << 20
KINDS = ("exit", "mrelease", "exit_after", "race")
CONFIGS = [VictimConfig(mib * MIB) for mib in range(64, 164)]  # so many that a p95 has an upper bound


def sample(config: VictimConfig, what: str, ns: int, **more: object) -> dict:
    facts = asdict(config.facts())
    plain = {
        "config": config.to_dict(), "facts": facts, "what": what, "ns": ns, "cpu_ns": None, "error": "", "why": "",
        "freed_pages": 0 if what == "exit_after" else facts["n_pages"], "disturbed": False, "foreign_share": 0.0,
        "parts": {"mrelease_cpu_ns": 1, "exit_cpu_ns": 1},
    }  # fmt: skip
    return plain | more


def measured(scatter: float = 0.02, kinds: tuple[str, ...] = KINDS, n: int = len(CONFIGS)) -> list[dict]:
    """Five samples of n configurations and each kind around 1 us per page: IQR/median is `scatter`."""
    offsets = (-scatter, -scatter / 2, 0.0, scatter / 2, scatter)
    return [
        sample(config, what, round(1000 * config.facts().n_pages * (1 + offset)), rep=rep)
        for config in CONFIGS[:n]
        for what in kinds
        for rep, offset in enumerate(offsets)
    ]


def predictions(error: float = 0.0, **per_kind: float) -> list[dict]:
    return [
        {
            "config": config.to_dict(),
            "what": what,
            "model_ns": round(1000 * config.facts().n_pages * (1 + per_kind.get(what, error))),
            "freed_pages": 0 if what == "exit_after" else config.facts().n_pages,
        }
        for config in CONFIGS
        for what in KINDS
    ]


def test_a_true_model_passes_on_a_quiet_machine() -> None:
    record = judge(predictions(0.01), measured())
    assert record["verdict"] == "pass"
    assert set(record["held_out"]) == set(KINDS)
    for found in record["held_out"].values():
        assert set(found) == {"n", "median_abs_error", "p95_abs_error"}
        assert found["n"] == 100 and found["median_abs_error"] == pytest.approx(0.01, abs=1e-4)
    assert record["freed_pages"] == {"n": 100, "exact": 100}
    assert len(record["rows"]) == 400


@pytest.mark.parametrize("what", KINDS)
def test_each_kind_has_its_own_goal(what: str) -> None:
    goal = GOALS[what].median
    assert judge(predictions(**{what: goal - 0.001}), measured())["verdict"] == "pass"
    record = judge(predictions(**{what: -goal - 0.001}), measured())
    assert record["verdict"] == "fail"
    assert [k for k, kind in record["kinds"].items() if kind["verdict"] == "fail"] == [what]
    assert "median error" in record["kinds"][what]["why"]


def with_bad_exits(n_bad: int) -> list[dict]:
    said = predictions()
    for line in said[: 4 * n_bad : 4]:
        line["model_ns"] *= 2
    return said


def test_the_tail_is_judged_by_its_interval() -> None:
    verdicts = {n_bad: judge(with_bad_exits(n_bad), measured())["kinds"]["exit"] for n_bad in (0, 1, 5, 15)}
    assert {n: kind["verdict"] for n, kind in verdicts.items()} == {
        0: "pass",
        1: "undecided",
        5: "undecided",
        15: "fail",
    }
    assert "p95 error" in verdicts[15]["why"] and "median" not in verdicts[15]["why"]


def test_twelve_victims_cannot_tell_a_p95_and_it_says_how_many_can() -> None:
    kind = judge(predictions(0.01), measured(n=12))["kinds"]["exit"]
    assert kind["verdict"] == "undecided" and kind["p95_interval"][1] is None
    assert kind["n_needed"] == 99 and kind["why"] == "p95 error 1.0% [1.0, ?], goal 10%"


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says(p: float) -> None:
    draw = np.random.default_rng(7)
    found = [bounds_of("x", list(draw.random(120)), p, 1.0) for _ in range(400)]
    held = [b for b in found if (b.low or 0.0) <= p <= (1.0 if b.high is None else b.high)]
    assert len(held) >= 0.98 * 400


def test_an_interval_that_holds_the_goal_decides_nothing() -> None:
    said = predictions()
    for k, line in enumerate(said):
        line["model_ns"] = round(line["model_ns"] * (1.025 if k // 4 % 2 else 1.035))
    kind = judge(said, measured())["kinds"]["exit"]
    assert kind["verdict"] == "undecided" and "median error" in kind["why"]


def test_scattered_measurements_never_pass_and_say_what_disturbed_them() -> None:
    busy = [
        s | {"disturbed": True, "why": "other processes took 97% of a CPU", "foreign_share": 0.97}
        for s in measured(0.3)
    ]
    record = judge(predictions(), busy)
    assert record["verdict"] == "undecided"
    assert "scatter by 30%" in record["kinds"]["race"]["why"]
    assert record["disturbed"]["reasons"] == [{"why": "other processes took ..% of a CPU", "n": 2000}]
    assert record["disturbed"]["median_foreign_share"] == 0.97
    assert judge(predictions(0.5), busy)["verdict"] == "undecided"


def test_a_page_too_many_fails_however_noisy_it_is() -> None:
    noisy = measured(0.5)
    wrong = [s | {"freed_pages": s["freed_pages"] + (i == 7)} for i, s in enumerate(noisy)]
    assert noisy[7]["what"] == "mrelease"
    record = judge(predictions(), wrong)
    assert (record["verdict"], record["freed_pages"]) == ("fail", {"n": 100, "exact": 99})


def test_what_was_not_measured_is_undecided() -> None:
    record = judge(predictions(), measured(kinds=("exit", "mrelease", "exit_after")))
    assert record["held_out"]["race"] == {"n": 0, "median_abs_error": None, "p95_abs_error": None}
    assert (record["verdict"], record["kinds"]["race"]["why"]) == ("undecided", "it was not measured")
    assert judge(predictions(), [])["verdict"] == "undecided"


def test_nothing_disturbed_says_so() -> None:
    found = disturbances(measured())
    assert (found["n_samples"], found["n_disturbed"], found["reasons"]) == (2000, 0, [])


def test_a_real_busy_session_is_undecided_with_exact_pages(held_out_samples: list[dict]) -> None:
    from mmbench.cost.table import load_table
    from mmbench.validation.predict import design_of, predict

    configs = {str(s["config"]): s["config"] for s in held_out_samples}
    said = [line for config in configs.values() for line in predict(config, design_of("6.18"), load_table())]
    record = judge(said, held_out_samples)
    assert record["freed_pages"] == {"n": len(configs), "exact": len(configs)}
    assert record["kinds"]["race"]["verdict"] == "undecided"
    assert record["disturbed"]["n_disturbed"] > 0
