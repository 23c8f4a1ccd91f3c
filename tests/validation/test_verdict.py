"""Pass, fail or inconclusive: by the goals, by how quiet it was, and by page counts that need no quiet."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from mmbench.live.workload import VictimConfig
from mmbench.validation.verdict import GOALS, disturbances, judge

MIB = 1 << 20
KINDS = ("exit", "mrelease", "exit_after", "race")
CONFIGS = [VictimConfig(mib * MIB) for mib in (64, 96, 128, 192)]


def sample(config: VictimConfig, what: str, ns: int, **more: object) -> dict:
    facts = asdict(config.facts())
    plain = {
        "config": config.to_dict(), "facts": facts, "what": what, "ns": ns, "cpu_ns": None, "error": "", "why": "",
        "freed_pages": 0 if what == "exit_after" else facts["n_pages"], "disturbed": False, "foreign_share": 0.0,
        "parts": {"mrelease_cpu_ns": 1, "exit_cpu_ns": 1},
    }  # fmt: skip
    return plain | more


def measured(scatter: float = 0.02, kinds: tuple[str, ...] = KINDS) -> list[dict]:
    """Five samples per configuration and kind around 1 us per page: IQR/median is `scatter`."""
    offsets = (-scatter, -scatter / 2, 0.0, scatter / 2, scatter)
    return [
        sample(config, what, round(1000 * config.facts().n_pages * (1 + offset)), rep=rep)
        for config in CONFIGS
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
        assert found["n"] == 4 and found["median_abs_error"] == pytest.approx(0.01, abs=1e-4)
    assert record["freed_pages"] == {"n": 4, "exact": 4}
    assert len(record["rows"]) == 16


@pytest.mark.parametrize("what", KINDS)
def test_each_kind_has_its_own_goal(what: str) -> None:
    goal = GOALS[what].median
    assert judge(predictions(**{what: goal - 0.001}), measured())["verdict"] == "pass"
    record = judge(predictions(**{what: -goal - 0.001}), measured())
    assert record["verdict"] == "fail"
    assert [k for k, kind in record["kinds"].items() if kind["verdict"] == "fail"] == [what]
    assert "median error" in record["kinds"][what]["why"]


def test_one_bad_configuration_fails_the_tail() -> None:
    said = predictions()
    said[0]["model_ns"] *= 2  # exit of the first configuration
    record = judge(said, measured())
    assert record["kinds"]["exit"]["verdict"] == "fail" and "p95" in record["kinds"]["exit"]["why"]
    assert record["held_out"]["exit"]["median_abs_error"] < 0.03


def test_scattered_measurements_never_pass_and_say_what_disturbed_them() -> None:
    busy = [
        s | {"disturbed": True, "why": "other processes took 97% of a CPU", "foreign_share": 0.97}
        for s in measured(0.3)
    ]
    record = judge(predictions(), busy)
    assert record["verdict"] == "inconclusive"
    assert "scatter by 30%" in record["kinds"]["race"]["why"]
    assert record["disturbed"]["reasons"] == [{"why": "other processes took ..% of a CPU", "n": 80}]
    assert record["disturbed"]["median_foreign_share"] == 0.97
    assert judge(predictions(0.5), busy)["verdict"] == "inconclusive"


def test_a_page_too_many_fails_however_noisy_it_is() -> None:
    noisy = measured(0.5)
    wrong = [s | {"freed_pages": s["freed_pages"] + (i == 7)} for i, s in enumerate(noisy)]
    assert noisy[7]["what"] == "mrelease"
    record = judge(predictions(), wrong)
    assert (record["verdict"], record["freed_pages"]) == ("fail", {"n": 4, "exact": 3})


def test_what_was_not_measured_is_inconclusive() -> None:
    record = judge(predictions(), measured(kinds=("exit", "mrelease", "exit_after")))
    assert record["held_out"]["race"] == {"n": 0, "median_abs_error": None, "p95_abs_error": None}
    assert (record["verdict"], record["kinds"]["race"]["why"]) == ("inconclusive", "it was not measured")
    assert judge(predictions(), [])["verdict"] == "inconclusive"


def test_the_interval_holds_the_median_error() -> None:
    said = predictions(0.01)
    for i, line in enumerate(said):
        line["model_ns"] = round(line["model_ns"] * (1 + 0.005 * i))
    record = judge(said, measured())
    for what, kind in record["kinds"].items():
        low, high = kind["median_interval"]
        assert low < record["held_out"][what]["median_abs_error"] < high


def test_nothing_disturbed_says_so() -> None:
    found = disturbances(measured())
    assert (found["n_samples"], found["n_disturbed"], found["reasons"]) == (80, 0, [])


def test_a_real_busy_session_is_inconclusive_with_exact_pages(held_out_samples: list[dict]) -> None:
    from mmbench.cost.table import load_table
    from mmbench.validation.predict import design_of, predict

    configs = {str(s["config"]): s["config"] for s in held_out_samples}
    said = [line for config in configs.values() for line in predict(config, design_of("6.18"), load_table())]
    record = judge(said, held_out_samples)
    assert record["freed_pages"] == {"n": len(configs), "exact": len(configs)}
    assert record["kinds"]["race"]["verdict"] == "inconclusive"
    assert record["disturbed"]["n_disturbed"] > 0
