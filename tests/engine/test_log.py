"""The event log: repeats are one entry, a full log says so, and neither is seen in anything else."""

from __future__ import annotations

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import run, setup
from mmbench.engine.timeline import locks_held
from mmbench.machine.protocol import GIVE_UP_PS
from mmbench.scenarios import scenario
from mmbench.strategies import IDS, load
from mmbench.victims import synthetic

SECOND = 10**12


def ran(strategy: str, name: str, size: int = 64 << 20, **fields: int) -> dict:
    vmas = synthetic(size, vmas=16).vmas
    return run(vmas, load(strategy), scenario(name, fields), load_table(), victim="test")


def of(record: dict, task: str, step: str, kind: str = "step") -> list[dict]:
    return [e for e in record["timeline"] if (e["task"], e["step"], e["kind"]) == (task, step, kind)]


def test_an_allocator_that_polls_for_a_minute_is_a_few_entries():
    record = ran("drop-oom-skip", "late-exit", exit_start_ps=60 * SECOND, reaper_start_ps=-1)
    (asleep,) = of(record, "allocator", "sleep")
    assert asleep["n"] > 14_000
    assert asleep["total_ps"] == asleep["n"] * 4 * 10**9
    assert record["timeline"][-1]["at_ps"] == record["end_ps"]["exit"] > 60 * SECOND
    assert len(record["timeline"]) < 200


def test_ten_attempts_are_one_entry_with_first_and_last():
    record = ran("drop-oom-skip", "stuck-holder")
    (attempt,) = of(record, "reaper", "mmap_read_trylock")
    (asleep,) = of(record, "reaper", "sleep HZ/10")
    assert (attempt["n"], attempt["at_ps"]) == (10, 10**10)
    assert 0.9 * GIVE_UP_PS < attempt["last_ps"] - attempt["at_ps"] < 0.91 * GIVE_UP_PS
    assert asleep["total_ps"] == GIVE_UP_PS == record["blocked_ps"]["reaper"]["mmap_lock_retry"]


def test_waits_of_different_vmas_are_different_entries():
    record = ran("v5.17", "contended", contended_ppm=50_000)
    waits = of(record, "exit", "unlock_range", "wait")
    assert len(waits) > 3 and sum(e["n"] for e in waits) > 100
    assert sum(e["total_ps"] for e in waits) == record["blocked_ps"]["exit"]["page_lock"]


def test_a_wait_that_never_ends_has_no_end():
    record = ran("unlocking-flag", "stuck-holder", holder_needs_pages=0, holder_hold_ps=10**16)
    (wait,) = (e for e in record["timeline"] if (e["task"], e["op"], e["kind"]) == ("exit", "unlock_range", "wait"))
    assert record["outcome"] == "hung" and wait["last_ps"] is None


def test_the_entries_of_each_task_are_in_the_order_of_time_from_its_start():
    for strategy in IDS:
        record = ran(strategy, "stuck-holder")
        times = [e["at_ps"] for e in record["timeline"]]
        assert times == sorted(times)
        first = next(e for e in record["timeline"] if e["task"] == "exit")
        assert (first["at_ps"], first["op"]) == (10**9, "exit_mm")


def test_a_walk_over_many_vmas_is_told_in_few_parts():
    many = synthetic(64 << 20, vmas=2000).vmas
    record = run(many, load("v6.18"), scenario("quiet"), load_table(), victim="test")
    walked = [e["vma"] for e in of(record, "exit", "unmap_vmas", "vma")]
    assert walked[0] == 0 and walked == sorted(walked) and 60 <= len(walked) <= 66


def test_a_full_log_is_counted_and_changes_nothing_else(monkeypatch):
    whole = ran("v5.17", "contended", contended_ppm=50_000)
    monkeypatch.setattr(setup, "LOG_EVENTS", 20)
    short = ran("v5.17", "contended", contended_ppm=50_000)
    kept = [e for e in short["timeline"] if e.get("last_ps", 0) is not None]  # waits that never end take no room
    assert len(kept) == 20 and short["timeline_dropped"] > 0 and whole["timeline_dropped"] == 0
    for record in (whole, short):
        del record["timeline"], record["timeline_dropped"]
    assert short == whole


@pytest.mark.parametrize("strategy", IDS)
def test_what_is_held_at_each_step_is_what_the_linter_finds(strategy):
    held = locks_held(load(strategy).roles["reaper"])
    assert held["reap pass"] == held["mmap_read_unlock"] == "read"
    assert "mmap_read_trylock" not in held and "set MMF_OOM_SKIP" not in held
