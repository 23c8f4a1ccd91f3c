"""Looks: it measures until the intervals tell, and never longer than it may."""

from __future__ import annotations

import pytest

from mmbench.validation import looks
from mmbench.validation.looks import judge_in_looks, what_more_would_buy
from tests.validation.test_verdict import CONFIGS, measured, predictions


class Machine:
    """Measures at once, notes what it was asked, and lets time pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scatter: float = 0.02, seconds: float = 60.0) -> None:
        self.asked: list[tuple[int, float | None]] = []
        self.now, self.scatter, self.seconds = 0.0, scatter, seconds
        monkeypatch.setattr(looks, "monotonic", lambda: self.now)

    def __call__(self, configs, left_s):
        self.asked.append((len(configs), left_s))
        self.now += self.seconds
        wanted = [config.to_dict() for config in configs]
        return [s for s in measured(self.scatter) if s["config"] in wanted]


def test_a_true_model_is_measured_until_its_p95_can_pass(monkeypatch):
    machine = Machine(monkeypatch)
    record, samples = judge_in_looks(CONFIGS, predictions(0.01), machine, 25, None)
    assert [n for n, _ in machine.asked] == [25] * 4
    assert (record["verdict"], record["looks"], record["stopped"]) == ("pass", [25, 50, 100], "decided")
    assert len(samples) == len(measured())


def test_a_wrong_model_fails_at_the_first_look(monkeypatch):
    machine = Machine(monkeypatch)
    record, _ = judge_in_looks(CONFIGS, predictions(0.5), machine, 25, None)
    assert [n for n, _ in machine.asked] == [25] and record["verdict"] == "fail"


def test_time_is_up_is_said_with_what_more_would_buy(monkeypatch):
    machine = Machine(monkeypatch)
    record, _ = judge_in_looks(CONFIGS, predictions(0.01), machine, 12, 150.0)
    assert machine.asked == [(12, 150.0), (12, 90.0), (12, 30.0)] and record["stopped"] == "time"
    assert what_more_would_buy(record, 120.0) == (
        "undecided: about 99 victims would tell, 6 more minutes at this pace (--held-out 99, --budget)."
    )


def test_victims_that_time_breaks_off_are_kept_and_not_judged(monkeypatch):
    """Measured once where the others were seven times, they scattered half as much again and decided a session."""
    record, samples = judge_in_looks(CONFIGS, predictions(0.01), Machine(monkeypatch), 12, 150.0)
    judged = {str(row["config"]) for row in record["rows"]}
    assert (record["looks"], len(judged)) == ([12, 24], 24)
    assert len({str(sample["config"]) for sample in samples}) == 36


def test_the_first_victims_are_judged_however_short_the_time(monkeypatch):
    record, _ = judge_in_looks(CONFIGS, predictions(0.01), Machine(monkeypatch), 12, 30.0)
    assert (record["looks"], record["stopped"]) == ([12], "time") and record["rows"]


def test_scatter_is_not_cured_by_more_victims(monkeypatch):
    record, _ = judge_in_looks(CONFIGS, predictions(), Machine(monkeypatch, scatter=0.3), 50, None)
    assert record["verdict"] == "undecided" and "quieter machine" in what_more_would_buy(record, 1.0)
