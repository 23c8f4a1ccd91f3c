"""What bystanders do to a design, against what booted kernels did (6.12 and 7.3, docs/lab.md) and plain arithmetic."""

from __future__ import annotations

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import run
from mmbench.records.run_record import validate_record
from mmbench.scenarios import MS, SECOND, scenario
from mmbench.strategies import load
from mmbench.victims import synthetic


def record_of(strategy, name, size=64 << 20, **fields):
    victim = synthetic(size, vmas=8)
    record = run(victim.vmas, load(strategy), scenario(name, fields), load_table(), victim="test")
    validate_record(record | {"token": "none"})
    return record


@pytest.mark.parametrize("strategy", ["v5.18", "v6.1", "v6.18", "exit-write"])
def test_a_reader_that_pins_mm_users_delays_every_design_alike_and_runs_exit_mmap(strategy):
    record = record_of(strategy, "proc-reader")
    assert record["freed_pages"] == {"exit": 0, "reaper": 0, "mrelease": 0, "reader": record["resident_pages"]}
    assert record["end_ps"]["exit"] < MS < 100 * MS < record["time_ps"]["first"]
    slow = record_of(strategy, "proc-reader", reader_slowness=4)
    assert slow["busy_ps"]["reader"] == 4 * record["busy_ps"]["reader"]


def test_a_reader_without_mm_users_delays_a_writer_first_and_makes_the_reaper_give_up():
    free = {name: record_of(name, "slow-reader") for name in ("v6.1", "v6.18", "exit-write")}
    assert max(free[name]["time_ps"]["half"] for name in ("v6.1", "v6.18")) < SECOND
    late = free["exit-write"]
    assert late["time_ps"]["first"] > 4 * SECOND
    assert (late["outcome"], late["collateral_kills"]) == ("gave-up", 1)


@pytest.mark.parametrize("strategy", ["v5.18", "v6.18", "exit-write"])
def test_process_mrelease_after_exit_mm_finds_no_process(strategy):
    record = record_of(strategy, "late-mrelease")
    assert record["freed_pages"]["mrelease"] == 0 and record["reap_passes"]["mrelease"] == 0
    assert record["freed_pages"]["exit"] == record["resident_pages"]


def test_a_caller_that_had_the_mm_early_waits_for_all_of_exit_write_and_frees_nothing():
    early = {"mrelease_grabs_ps": 0, "mrelease_start_ps": 4 * MS}
    beside = record_of("v6.18", "late-mrelease", **early)
    behind = record_of("exit-write", "late-mrelease", **early)
    assert beside["freed_pages"]["mrelease"] > 0 and beside["blocked_ps"]["mrelease"].get("mmap_lock_read", 0) == 0
    assert behind["freed_pages"]["mrelease"] == 0
    assert behind["end_ps"]["mrelease"] >= behind["time_ps"]["all"]


def test_a_frozen_victim_is_freed_by_the_reaper_alone():
    record = record_of("v6.18", "frozen")
    assert record["freed_pages"]["exit"] == 0 and record["freed_pages"]["reaper"] == record["resident_pages"]
    assert record["end_ps"]["exit"] is None and record["outcome"] == "completed"
    left = record_of("v5.17", "frozen")["left_pages"]
    assert set(left) == {"exit_blocked"}


def test_a_fault_before_exit_mm_ends_only_when_somebody_else_frees_memory():
    record = record_of("v6.18", "robust-list", fault_needs_pages=1024)
    assert record["blocked_ps"]["exit"]["memory"] > 2 * SECOND - 100 * MS
    assert record["end_ps"]["exit"] > 2 * SECOND
    with_mrelease = record_of("v6.18", "robust-list", fault_needs_pages=1024, mrelease_start_ps=0)
    assert with_mrelease["end_ps"]["exit"] < SECOND


@pytest.mark.parametrize("strategy", ["v6.1", "v6.18"])
def test_a_killer_that_loses_sight_of_an_exiting_victim_kills_again(strategy):
    need = {"need_pages": 65_536, "size": 1 << 30}
    assert [record_of(strategy, "quiet", killer_blind=k, **need)["collateral_kills"] for k in (0, 1, 2)] == [0, 0, 1]
    pinned = [record_of(strategy, "proc-reader", killer_blind=k, **need)["collateral_kills"] for k in (0, 1, 2)]
    assert pinned == [0, 1, 1]


@pytest.mark.parametrize(("strategy", "kills"), [("v5.18", [1, 0]), ("v6.18", [1, 1])])
def test_who_asks_page_by_page_kills_again_only_when_nothing_came_back(strategy, kills):
    # v5.18 reaps itself VMA by VMA and frees as it goes; v6.18 fills a gather first, and nothing has come back by then
    need = {"need_pages": 16_000, "killer_blind": 2, "exit_start_ps": 2 * MS}
    assert [record_of(strategy, "quiet", need_by_page=k, **need)["collateral_kills"] for k in (0, 1)] == kills


def test_further_victims_that_are_small_are_killed_one_after_the_other():
    record = record_of("v6.18", "quiet", killer_blind=2, need_pages=65_536, next_victim_pages=16_384, size=1 << 30)
    assert record["collateral_kills"] == 4
