"""The event log read as spans: complete from start to end, sums that agree with the record, the kernel's events."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mmbench.errors import InputError
from mmbench.machine.protocol.primitives import GIVE_UP_PS
from mmbench.records.run_record import validate_record
from mmbench.report.story.spans import HOLD, STEP, WAIT, WORK, story
from mmbench.strategies import IDS

from .runs import SCENARIOS, ran

CAUSES = (
    "mmap_lock_read",
    "mmap_lock_write",
    "mmap_lock_retry",
    "page_lock",
    "ptl",
    "lru_lock",
    "zone_lock",
    "mm_users",
)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("strategy", IDS)
def test_the_log_is_whole_and_short(strategy, name):
    record = ran(strategy, name)
    validate_record(record)
    assert record["timeline_dropped"] == 0
    assert len(record["timeline"]) < 1000
    ends = {task: ps for task, ps in record["end_ps"].items() if ps is not None}
    for task, end in ends.items():
        last = [e for e in record["timeline"] if e["task"] == task and e["kind"] == "step"][-1]
        assert (last["op"], last["at_ps"]) == ("end", end)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("strategy", IDS)
def test_waits_add_up_to_the_blocking_of_the_record(strategy, name):
    record = ran(strategy, name)
    spans = story(record).spans
    for task in ("exit", "reaper", "mrelease"):
        if task in record["blocked_ps"]:
            waited = {
                cause: sum(x.total_ps for x in spans if (x.task, x.kind, x.name) == (task, WAIT, cause))
                for cause in CAUSES
            }
            assert {k: v for k, v in waited.items() if v} == record["blocked_ps"][task]


@pytest.mark.parametrize("strategy", IDS)
def test_nobody_holds_mmap_lock_beside_a_writer(strategy):
    for name in SCENARIOS:
        holds = [x for x in story(ran(strategy, name)).spans if x.kind == HOLD and x.name.startswith("mmap_lock")]
        for a in holds:
            for b in holds:
                if a is not b and "mmap_lock_write" in (a.name, b.name):
                    assert a.end_ps <= b.start_ps or b.end_ps <= a.start_ps


@pytest.mark.parametrize("strategy", IDS)
def test_work_of_a_task_follows_itself_without_overlap(strategy):
    for name in SCENARIOS:
        s = story(ran(strategy, name))
        for task in s.tasks:
            work = [x for x in s.spans if x.task == task and x.kind in (WORK, STEP) and "vmas" not in x.args]
            assert all(a.end_ps <= b.start_ps for a, b in pairwise(work))
            assert all(s.start_ps <= x.start_ps <= x.end_ps <= s.end_ps for x in s.spans)


def test_vmas_of_a_walk_are_named_once_and_lie_inside_it():
    s = story(ran("v6.18", "late-exit"))
    walk = next(x for x in s.spans if x.task == "reaper" and x.name == "reap")
    parts = [x for x in s.spans if x.task == "reaper" and x.kind == WORK and "vmas" in x.args]
    assert (parts[0].start_ps, parts[-1].end_ps) == (walk.start_ps, walk.end_ps)
    numbers = [int(n) for x in parts for n in x.args["vmas"].removeprefix("VMA ").split("-")]
    assert (max(numbers), min(numbers)) == (69, 0)
    firsts = [int(x.args["vmas"].removeprefix("VMA ").split("-")[-1]) for x in parts]
    assert firsts == sorted(firsts, reverse=True)  # v6.18 walks from the top


def test_polls_are_one_span_with_their_number():
    s = story(ran("drop-oom-skip", "stuck-holder"))
    (retry,) = (x for x in s.spans if x.name == "mmap_lock_retry")
    assert (retry.n, retry.total_ps, retry.args["polls"]) == (10, GIVE_UP_PS, 10)
    assert GIVE_UP_PS < retry.end_ps - retry.start_ps < GIVE_UP_PS + 10**7
    (poll,) = (x for x in s.spans if x.task == "allocator" and x.name == "memory")
    assert 200 < poll.n < 300


def test_the_reapers_events_are_the_kernels():
    skipped = story(ran("drop-oom-skip", "stuck-holder")).moments
    names = [m.name for m in skipped if m.task == "reaper"]
    assert names.count("oom:skip_task_reaping") == 2 and "oom:start_task_reaping" not in names
    assert [m.args["attempts"] for m in skipped if m.name == "oom:skip_task_reaping"] == [10, 10]
    assert [m.at_ps for m in skipped if m.name == "oom:wake_reaper"] == [0]
    reaped = story(ran("v6.18", "late-exit"))
    at = {m.name: m.at_ps for m in reaped.moments if m.task == "reaper"}
    walk = next(x for x in reaped.spans if x.task == "reaper" and x.name == "reap")
    assert (at["oom:start_task_reaping"], at["oom:finish_task_reaping"]) == (walk.start_ps, walk.end_ps)
    assert at["oom:wake_reaper"] == 2 * 10**12
    quiet = [m.name for m in story(ran("v6.18", "quiet")).moments]
    assert "oom:wake_reaper" not in quiet  # MMF_OOM_SKIP was set before the timer fired
    assert "mmap:exit_mmap" in quiet


def test_lock_events_come_in_the_kernels_order():
    for strategy in IDS:
        for name in SCENARIOS:
            for task in ("exit", "mrelease", "writer"):
                mine = [m for m in story(ran(strategy, name)).moments if m.task == task and "mmap_lock:" in m.name]
                words = [m.name.removeprefix("mmap_lock:mmap_lock_") for m in mine]
                for before, after in pairwise(words):
                    assert (before, after) != ("start_locking", "released")
                    assert (before, after) != ("released", "acquire_returned")
                assert words.count("start_locking") == words.count("released")


def test_a_further_kill_is_a_moment_of_who_does_it():
    record = ran("drop-oom-skip", "stuck-holder")
    kills = [m for m in story(record).moments if m.args.get("victim") == "another process"]
    assert len(kills) == record["collateral_kills"] == 1
    assert kills[0].at_ps >= record["time_ps"]["oom_skip"]


def test_a_wait_without_end_says_so():
    record = ran("unlocking-flag", "stuck-holder", holder_needs_pages=0, holder_hold_ps=10**16)
    pending = [x for x in story(record).spans if x.args.get("ended") == "never"]
    assert record["outcome"] == "hung" and pending
    assert any(x.name == "page_lock" and x.task == "exit" for x in pending)


@pytest.mark.parametrize("log", [None, [], [[0, "exit", "enter", "unmap_vmas"]]])
def test_a_record_without_a_log_is_refused(log):
    with pytest.raises(InputError, match="do the run again"):
        story({"strategy": "x", "timeline": log})
