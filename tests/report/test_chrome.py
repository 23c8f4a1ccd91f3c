"""The Chrome trace: its format's rules for every design and scenario, exact times, metadata."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.records.chrome import Trace, microseconds
from mmbench.report.story.chrome import chrome_trace
from mmbench.strategies import IDS

from .runs import SCENARIOS, ran
from .trace_rules import broken_rules


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("strategy", IDS)
def test_every_trace_keeps_the_rules(strategy, name):
    assert broken_rules(chrome_trace(ran(strategy, name))) == []


def test_the_rules_find_what_is_wrong():
    good = chrome_trace(ran("v6.18", "mrelease"))
    slices = [k for k, e in enumerate(good["traceEvents"]) if e["ph"] == "X" and e["dur"] > 1]
    for change in ({"dur": 10**9}, {"ts": 10**9}, {"tid": 99}, {"ph": "Q"}, {"dur": -1.0}):
        bad = copy.deepcopy(good)
        bad["traceEvents"][slices[2]].update(change)
        assert broken_rules(bad)


@given(st.integers(0, 10**15))
def test_a_viewer_that_cuts_to_nanoseconds_gets_them_back(ns):
    assert int(microseconds(ns) * 1000) == ns
    assert round(microseconds(ns) * 1000) == ns


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=12))
def test_children_never_outlast_their_parents_by_rounding(pairs):
    trace = Trace("x")
    trace.thread(0, "t")
    trace.slice(0, "parent", "c", 0, 10**7 + 999, {})
    for a, b in pairs:
        trace.slice(0, "child", "c", 10**7 - a, 10**7 + 999, {"b": b})
    assert broken_rules(trace.as_json({})) == []


def test_slices_carry_exact_picoseconds_and_the_log_of_the_holder_before_the_kill():
    record = ran("drop-oom-skip", "stuck-holder")
    trace = chrome_trace(record)
    slices = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    origin = round(trace["otherData"]["kill_at_us"] * 10**6)
    assert origin == 1_000_000  # the holder has its page 1 us before the kill
    for e in slices:
        assert abs(e["ts"] * 10**6 - (e["args"]["start_ps"] + origin)) < 1001
        assert abs((e["ts"] + e["dur"]) * 10**6 - (e["args"]["end_ps"] + origin)) < 2001


def test_the_names_are_those_of_tasks_locks_and_tracepoints():
    trace = chrome_trace(ran("v6.18", "late-exit"), {"commit": "abc"})
    events = trace["traceEvents"]
    threads = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert threads == {"exit", "reaper", "allocator"}
    slices = {e["name"] for e in events if e["ph"] == "X"}
    assert {"mmap_lock read", "mmap_lock write", "reap", "unmap", "free_pgtables"} <= slices
    instants = {e["name"] for e in events if e["ph"] == "i"}
    assert {
        "oom:mark_victim", "oom:wake_reaper", "oom:start_task_reaping", "oom:finish_task_reaping", "mmap:exit_mmap",
        "mmap_lock:mmap_lock_start_locking", "mmap_lock:mmap_lock_acquire_returned",
        "mmap_lock:mmap_lock_released", "MMF_OOM_SKIP set",
    } <= instants  # fmt: skip
    about = trace["otherData"]
    assert (about["kind"], about["strategy"], about["commit"]) == ("model", "v6.18", "abc")
    assert {"victim", "costs", "token", "scenario", "dropped_events"} <= set(about)


def test_the_counter_ends_with_all_freed_pages():
    record = ran("trylock", "contended")
    points = [e["args"]["pages"] for e in chrome_trace(record)["traceEvents"] if e["ph"] == "C"]
    assert points == sorted(points) and points[-1] == sum(record["freed_pages"].values())


def test_contention_is_said_to_be_spread():
    slices = [e for e in chrome_trace(ran("v6.18", "mrelease"))["traceEvents"] if e["ph"] == "X"]
    contended = [e for e in slices if e["name"].startswith("contended: ")]
    assert contended and all(e["args"]["total_ps"] < e["args"]["end_ps"] - e["args"]["start_ps"] for e in contended)


def test_locks_that_are_not_nested_are_cut_so_that_slices_are():
    order = [("lock_page", 0), ("mmap_read_lock", 10), ("unlock_page", 20), ("mmap_read_unlock", 30), ("end", 40)]
    log = [
        {"at_ps": 10**6 * at, "task": "exit", "kind": "step", "step": op, "op": op, "n": 1, "last_ps": 10**6 * at,
         "total_ps": 10**7} | ({"mmap_lock": "read"} if op in ("unlock_page", "mmap_read_unlock") else {})
        for op, at in order
    ]  # fmt: skip
    trace = chrome_trace({"strategy": "mine", "timeline": log})
    slices = [(e["name"], e["ts"], e["ts"] + e["dur"]) for e in trace["traceEvents"] if e["ph"] == "X"]
    assert broken_rules(trace) == []
    assert [s for s in slices if s[0] == "page lock"] == [("page lock", 0.0, 20.0)]
    held = [s for s in slices if s[0] == "mmap_lock read"]
    assert held == [("mmap_lock read", 10.0, 20.0), ("mmap_lock read", 20.0, 30.0)]
