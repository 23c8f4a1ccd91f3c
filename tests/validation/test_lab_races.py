"""Races in a guest whose CPUs share one clock: what both do, with a price that the other races show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench.cost.table import load_table
from mmbench.strategies import load
from mmbench.validation.lab_races import LEAST_RACES, Race, predict_races, price_ns, seen

RECORD = Path(__file__).parents[2] / "results" / "lab" / "6.18.json"


def races(price: float, missing: float = 0.0) -> list[Race]:
    return [Race({}, 1e6 + n * price - missing, 0.0, 1e6, n) for n in (0, 100, 2000, 5000)]


def test_the_price_is_found_and_never_negative():
    assert price_ns(races(400.0)) == pytest.approx(400.0)
    assert price_ns(races(0.0, missing=5e4)) == 0.0
    assert price_ns([Race({}, 2e6, 0.0, 1e6, 0)]) == 0.0


def test_a_race_is_predicted_without_itself():
    odd = [*races(400.0)[:-1], Race({}, 9e6, 0.0, 1e6, 5000)]
    *others, last = predict_races(odd)
    assert last["model_ns"] == pytest.approx(1e6 + 5000 * 400, rel=1e-6)
    assert last["error"] == pytest.approx(3e6 / 9e6 - 1)
    assert any(abs(row["error"]) > 0.01 for row in others)


def test_too_few_races_predict_nothing():
    assert predict_races(races(400.0)[: LEAST_RACES - 1]) == []


def test_lost_races_are_left_out_and_both_parties_work_counts():
    entries = [e for b in json.loads(RECORD.read_text())["boots"] for e in b["experiments"] if e["kind"] == "race"][:2]
    entries[0] = entries[0] | {"ns": [7, *entries[0]["ns"][1:]], "lost": [True, False, False, False, False]}
    entries[1] = entries[1] | {"lost": [True] * 5}
    (race,) = seen(entries, load("v6.18"), load_table("lab-6.18"))
    assert race.ns > 7 and 0 <= race.spread < 1 and race.n_priced > 0
    alone = [e for b in json.loads(RECORD.read_text())["boots"] for e in b["experiments"] if e["kind"] == "exit"]
    same = next(e for e in alone if e["victim"] == race.config)
    assert 0.9 * min(same["ns"]) < race.known_ns < race.ns
