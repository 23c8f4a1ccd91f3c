"""One timeline of a real OOM kill and of the model's: canned kill, live model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench.cost.table import load_table
from mmbench.live.workload import VictimConfig
from mmbench.report.text.measured import timeline_table
from mmbench.report.text.tables import as_text
from mmbench.validation.oom import join, predict_oom
from mmbench.validation.predict import design_of

COSTS, DESIGN = load_table("reference"), design_of("6.18")
KILL = json.loads((Path(__file__).parent / "canned" / "oom_held.json").read_text())


def test_a_held_victim_is_reaped_two_seconds_after_the_kill() -> None:
    found = predict_oom(KILL["config"], True, DESIGN, COSTS)
    assert found["reaper_start_ns"] == 2_000_000_000
    assert found["freed_by_reaper_pages"] == KILL["freed_by_reaper_pages"] == 8192
    assert 1e6 < found["reaper_ns"] < 1e7 and 0 < found["exit_ns"] < 1e6


def test_a_victim_that_is_not_held_outruns_the_reaper() -> None:
    found = predict_oom(KILL["config"], False, DESIGN, COSTS)
    assert found["reaper_start_ns"] is None and found["freed_by_reaper_pages"] == 0


def test_shared_memory_costs_somebody_else_the_life() -> None:
    found = predict_oom(VictimConfig(64 << 20, 1.0, kind="shmem").to_dict(), True, DESIGN, COSTS)
    assert (found["freed_by_reaper_pages"], found["n_collateral_kills"]) == (0, 1)


def test_both_timelines_are_one_in_order() -> None:
    record = join(KILL, predict_oom(KILL["config"], True, DESIGN, COSTS))
    times = [entry["t_ns"] for entry in record["timeline"]]
    assert times == sorted(times) and {e["origin"] for e in record["timeline"]} == {"kernel", "model"}
    begins = next(e["t_ns"] for e in record["timeline"] if e["origin"] == "model" and e["who"] == "exit")
    assert begins == pytest.approx(KILL["victim_gone_ns"] - KILL["exit_after_ns"], abs=1000)
    assert len([e for e in record["timeline"] if e["who"] == "allocator"]) <= 2
    assert record["verdict"] == "pass"
    text = as_text(timeline_table(record))
    assert "start_task_reaping" in text and "reap pass" in text and "8,192 pages" in text


def test_other_page_counts_fail() -> None:
    record = join(KILL | {"freed_by_reaper_pages": 8191}, predict_oom(KILL["config"], True, DESIGN, COSTS))
    assert record["verdict"] == "fail"
