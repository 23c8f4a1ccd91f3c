"""Who waits for whom in time: locks that are held when the kill comes, and holders that appear when they are needed."""

from __future__ import annotations

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import run
from mmbench.machine.ops import Op
from mmbench.machine.protocol import GIVE_UP_PS
from mmbench.scenarios import scenario
from mmbench.strategies import IDS, load
from mmbench.victims import synthetic

SECOND = 10**12


def run_small(strategy: str, name: str, **fields: int) -> dict:
    victim = synthetic(64 << 20, vmas=16)
    return run(victim.vmas, load(strategy), scenario(name, fields), load_table(), victim=victim.name)


@pytest.mark.parametrize("strategy", IDS)
def test_a_contended_page_is_let_go_in_the_end(strategy):
    record = run_small(strategy, "contended", contended_ppm=10_000)
    assert record["outcome"] in ("completed", "unsafe")
    assert not record["left_pages"]
    waits = record["blocked_ps"]["exit"].get("page_lock", 0)
    old_munlock = any(step.op == Op.UNLOCK_RANGE for step in load(strategy).roles["exit"])
    assert (waits > 0) == old_munlock


def test_the_writer_holds_mmap_lock_before_anybody_comes():
    record = run_small("drop-oom-skip", "writer")
    assert record["outcome"] == "gave-up"
    assert record["blocked_ps"]["reaper"]["mmap_lock_retry"] == GIVE_UP_PS
    assert 1.49 * SECOND < record["blocked_ps"]["exit"]["mmap_lock_write"] < 1.5 * SECOND


def test_the_holder_has_its_page_even_when_exit_starts_at_once():
    record = run_small("v5.17", "stuck-holder", exit_start_ps=0, holder_needs_pages=0, holder_hold_ps=SECOND)
    assert 0.9 * SECOND < record["blocked_ps"]["exit"]["page_lock"] < SECOND


def test_slowness_multiplies_work_and_no_sleep():
    quick = run_small("v5.17", "quiet", reaper_start_ps=-1)
    slow = run_small("v5.17", "slow-exit", reaper_start_ps=-1)
    assert slow["busy_ps"]["exit"] == 4 * quick["busy_ps"]["exit"]


def test_a_holder_that_waits_for_memory_has_its_page_at_the_kill_too():
    record = run_small("drop-oom-skip", "stuck-holder", exit_start_ps=0)
    assert record["outcome"] == "gave-up"
    assert record["collateral_kills"] == 1
