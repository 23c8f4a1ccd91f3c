"""What each design does, as sentences of the 2022 discussion and the kernel sources; counts and causes are exact."""

from __future__ import annotations

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import run
from mmbench.machine.protocol import GIVE_UP_PS
from mmbench.model.layout import VM_LOCKED, VM_PFNMAP, VM_SHARED, vma_table
from mmbench.records.run_record import validate_record
from mmbench.scenarios import scenario
from mmbench.strategies import IDS, load
from mmbench.victims import synthetic, victim

SECOND = 10**12
SIZE = 256 << 20
MODERN = ("v6.18", "exit-write", "exit-mm-stash", "reap-kill", "handover-1g")
NEW = ("v5.18", "v6.1", "no-munlock", *MODERN)  # no page lock, and no VM_LOCKED in the reaper's mask


def result(strategy: str, name: str, vmas=None, **fields: int) -> dict:
    vmas = synthetic(SIZE, vmas=64).vmas if vmas is None else vmas
    record = run(vmas, load(strategy), scenario(name, fields), load_table(), victim="test")
    validate_record(record | {"token": "mm1-test"})
    return record


@pytest.mark.parametrize("strategy", ["drop-oom-skip", "write-downgrade"])
def test_a_stuck_holder_blocks_the_reaper_for_a_second_and_costs_another_process(strategy):
    r = result(strategy, "stuck-holder")
    assert r["outcome"] == "gave-up"
    assert r["blocked_ps"]["reaper"] == {"mmap_lock_retry": GIVE_UP_PS}
    assert r["freed_pages"]["reaper"] == 0
    assert r["reaper_left_pages"] == {"gave_up": r["resident_pages"]}
    assert r["collateral_kills"] == 1
    assert 1.04 * SECOND == GIVE_UP_PS < r["time_ps"]["oom_skip"] < 1.06 * SECOND
    assert r["blocked_ps"]["exit"]["page_lock"] > GIVE_UP_PS


def test_with_the_delay_of_5_18_the_stall_lasts_three_seconds():
    r = result("drop-oom-skip:reaper_delay=2s", "stuck-holder")
    assert r["outcome"] == "gave-up"
    assert 3 * SECOND < r["time_ps"]["oom_skip"] < 3.1 * SECOND


def test_keeping_the_self_reap_takes_the_stall_away():
    r = result("write-downgrade:self_reaping=kept", "stuck-holder")
    assert r["outcome"] == "completed"
    assert r["time_ps"]["oom_skip"] < SECOND / 10


@pytest.mark.parametrize("name", ["quiet", "stuck-holder", "contended", "late-exit"])
def test_with_the_self_reap_kept_the_downgrade_is_of_no_use_to_the_reaper(name):
    kept, v5_17 = result("write-downgrade:self_reaping=kept", name), result("v5.17", name)
    for field in ("outcome", "freed_pages", "reaper_left_pages", "collateral_kills"):
        assert kept[field] == v5_17[field]
    assert kept["time_ps"]["oom_skip"] == v5_17["time_ps"]["oom_skip"]


def test_unlocking_flag_reaps_all_that_is_not_mlocked_and_nothing_that_is():
    r = result("unlocking-flag", "stuck-holder")
    assert r["freed_pages"]["reaper"] == r["resident_pages"] - r["locked_pages"]
    assert sum(r["reaper_left_pages"].values()) == r["locked_pages"]
    assert set(r["reaper_left_pages"]) <= {"vm_locked", "vm_unlocking"}
    assert r["collateral_kills"] == 0


THREE = {"start": [0, 1024, 2048], "pages": [900, 800, 700], "flags": VM_LOCKED}


@pytest.mark.parametrize(("bail_out", "left"), [("page", {"contended_page": 1}), ("vma", {"contended_vma": 900})])
def test_trylock_passes_over_what_is_contended_and_nothing_else_when_the_reaper_comes_first(bail_out, left):
    r = result(f"trylock:bail_out={bail_out}", "stuck-holder", vma_table(THREE), reaper_start_ps=0)
    assert r["reaper_left_pages"] == left


@pytest.mark.parametrize("bail_out", ["page", "vma"])
def test_a_base_page_that_exit_sleeps_on_is_not_mlocked_any_more_so_trylock_leaves_nothing(bail_out):
    """Seen in a booted 5.10: __munlock_pagevec clears PG_mlocked of the whole batch before its first lock_page."""
    r = result(f"trylock:bail_out={bail_out}", "stuck-holder", vma_table(THREE))
    assert (r["reaper_left_pages"], r["collateral_kills"], r["outcome"]) == ({}, 0, "completed")
    assert r["blocked_ps"]["exit"]["page_lock"] > 0


@pytest.mark.parametrize(("bail_out", "left"), [("page", {"contended_page": 512}), ("vma", {"contended_vma": 900})])
def test_a_huge_page_is_locked_before_it_is_munlocked_so_trylock_leaves_it(bail_out, left):
    r = result(f"trylock:bail_out={bail_out}", "stuck-holder", vma_table(THREE | {"huge": 1}), need_pages=4096)
    assert r["reaper_left_pages"] == left


def test_trylock_under_the_write_lock_does_not_help():
    assert result("trylock:exit_lock=write", "stuck-holder")["outcome"] == "gave-up"


@pytest.mark.parametrize("strategy", ["v4.17", "v5.17"])
def test_oom_skip_is_set_before_exit_can_hang(strategy):
    r = result(strategy, "stuck-holder", holder_needs_pages=0, holder_hold_ps=5 * SECOND)
    assert r["time_ps"]["oom_skip"] < SECOND / 10
    assert r["blocked_ps"]["exit"]["page_lock"] > 4 * SECOND
    assert r["time_ps"]["half"] > 4 * SECOND


@pytest.mark.parametrize("strategy", NEW)
@pytest.mark.parametrize("name", ["stuck-holder", "contended"])
def test_from_5_18_on_nobody_waits_for_a_page_lock_and_nothing_is_left(strategy, name):
    r = result(strategy, name)
    assert r["outcome"] == "completed"
    assert all("page_lock" not in causes for causes in r["blocked_ps"].values())
    assert not r["left_pages"]


@pytest.mark.parametrize("strategy", ["v6.1", "v6.18"])
def test_mrelease_shares_the_unmap_from_6_1_on(strategy):
    r = result(strategy, "mrelease")
    alone = result(strategy, "mrelease", mrelease_start_ps=-1)
    assert min(r["freed_pages"]["exit"], r["freed_pages"]["mrelease"]) > r["resident_pages"] / 4
    assert r["time_ps"]["all"] < alone["time_ps"]["all"]


def test_mrelease_shuts_exit_out_under_the_write_lock():
    r = result("v5.18", "mrelease")
    assert r["freed_pages"] == {"exit": 0, "reaper": 0, "mrelease": r["resident_pages"]}
    assert r["blocked_ps"]["exit"]["mmap_lock_write"] > 0


def test_before_5_17_mrelease_keeps_exit_from_starting():
    assert result("v4.17", "mrelease")["blocked_ps"]["exit"]["mm_users"] > 0


def test_mrelease_after_exit_mm_finds_no_process():
    r = result("v6.18", "mrelease", mrelease_start_ps=10**9, exit_start_ps=0)
    assert r["freed_pages"]["mrelease"] == 0
    assert r["end_ps"]["mrelease"] < 2 * 10**9


def test_reverse_order_waits_less_on_page_table_locks_with_many_vmas():
    new, old = result("v6.18", "mrelease"), result("v6.1", "mrelease")
    assert new["blocked_ps"]["mrelease"].get("ptl", 0) < old["blocked_ps"]["mrelease"]["ptl"] / 10
    assert new["time_ps"]["all"] < old["time_ps"]["all"]


def test_reverse_order_gains_nothing_in_one_giant_vma():
    one = vma_table({"start": [0], "pages": SIZE >> 12, "flags": VM_LOCKED})
    new, old = result("v6.18", "mrelease", one), result("v6.1", "mrelease", one)
    for field in ("freed_pages", "blocked_ps", "time_ps", "busy_ps"):
        assert new[field] == old[field]


@pytest.mark.parametrize("strategy", IDS)
def test_a_late_victim_is_reaped_as_far_as_its_kernel_could(strategy):
    r = result(strategy, "late-exit")
    reaps_mlocked = strategy in (*NEW, "trylock")
    expected = r["resident_pages"] - (0 if reaps_mlocked else r["locked_pages"])
    assert r["freed_pages"]["reaper"] == expected
    assert r["time_ps"]["oom_skip"] < 3 * SECOND


@pytest.mark.parametrize("strategy", IDS)
def test_shared_memory_is_never_reaped(strategy):
    vmas = vma_table({"start": [0, 2048], "pages": 1024, "flags": [VM_SHARED | VM_LOCKED, VM_SHARED], "kind": 2})
    r = result(strategy, "late-exit", vmas)
    assert r["freed_pages"]["reaper"] == 0
    assert sum(r["reaper_left_pages"].values()) == 2048
    assert r["freed_pages"]["exit"] == 2048


@pytest.mark.parametrize("strategy", IDS)
def test_hugetlb_is_left_to_exit(strategy):
    vmas = synthetic(64 << 20, vmas=8, hugetlb=0.5, locked=0.0).vmas
    r = result(strategy, "late-exit", vmas)
    assert r["reaper_left_pages"] == {"vm_hugetlb": 8192}
    assert r["freed_pages"] == {"exit": 8192, "reaper": 8192, "mrelease": 0}


def test_a_writer_outlasts_the_reaper_until_5_17_but_not_the_delay_of_5_18():
    assert result("v5.17", "writer")["outcome"] == "gave-up"
    assert result("v6.18", "writer")["outcome"] == "completed"


def test_one_write_lock_over_exit_costs_nothing_alone_and_makes_process_mrelease_worthless():
    alone, asked = result("v6.18", "quiet", reaper_start_ps=-1), result("exit-write", "quiet", reaper_start_ps=-1)
    assert abs(asked["time_ps"]["all"] / alone["time_ps"]["all"] - 1) < 1e-4
    helped, worthless = result("v6.18", "mrelease"), result("exit-write", "mrelease")
    assert helped["time_ps"]["all"] < 0.8 * result("v6.18", "mrelease", mrelease_start_ps=-1)["time_ps"]["all"]
    assert worthless["freed_pages"] == {"exit": 0, "reaper": 0, "mrelease": worthless["resident_pages"]}
    assert worthless["blocked_ps"]["exit"]["mmap_lock_write"] > 0.99 * worthless["time_ps"]["all"]


@pytest.mark.parametrize(("oom_skip", "outcome", "kills"), [("after-unmap", "gave-up", 0), ("first", "completed", 1)])
def test_when_exit_write_sets_oom_skip_decides_between_a_give_up_and_another_kill(oom_skip, outcome, kills):
    r = result(f"exit-write:oom_skip={oom_skip}", "quiet", exit_slowness=200)
    assert (r["outcome"], r["collateral_kills"]) == (outcome, kills)
    assert r["freed_pages"]["reaper"] == 0


@pytest.mark.parametrize(("strategy", "finds"), [("v6.18", False), ("exit-mm-stash", True), ("reap-kill", True)])
def test_a_caller_that_comes_after_exit_mm_finds_the_mm_if_it_is_kept_or_taken_before_the_kill(strategy, finds):
    r = result(strategy, "mrelease", mrelease_start_ps=5 * 10**9, exit_start_ps=10**9)
    assert (r["freed_pages"]["mrelease"] > 0) == finds


def test_a_caller_that_kills_begins_at_the_kill_whenever_another_would_have_called():
    late, at_once = result("reap-kill", "mrelease", mrelease_start_ps=SECOND), result("v6.18", "mrelease")
    for field in ("freed_pages", "blocked_ps", "time_ps"):
        assert late[field] == at_once[field]


def test_without_munlock_v5_10_has_neither_the_stall_nor_another_kill():
    r = result("no-munlock", "stuck-holder")
    assert (r["outcome"], r["collateral_kills"]) == ("completed", 0)


def test_a_slow_exit_leaves_more_to_the_reaper():
    quick = result("v6.18", "quiet", reaper_start_ps=-1)
    slow = result("v6.18", "slow-exit", reaper_start_ps=-1)
    assert slow["busy_ps"]["exit"] == 4 * quick["busy_ps"]["exit"]


VICTIMS = {
    "mixed": lambda: synthetic(96 << 20, vmas=33, thp=0.3, shared=0.2, elsewhere=0.1, hugetlb=0.2, resident=0.8).vmas,
    "large folios": lambda: synthetic(64 << 20, vmas=5, order=4).vmas,
    "one-page VMAs": lambda: synthetic(4 << 20, vmas=1024).vmas,
    "pfnmap": lambda: vma_table({"start": [0, 700], "pages": [600, 900], "flags": [VM_PFNMAP, VM_LOCKED]}),
    "all elsewhere": lambda: vma_table({"start": [0], "pages": 600, "elsewhere": 600, "flags": VM_LOCKED}),
    "recorded": lambda: victim("stress-ng-mlock").vmas,
}


@pytest.mark.parametrize("make", VICTIMS.values(), ids=VICTIMS.keys())
@pytest.mark.parametrize("name", ["quiet", "contended", "stuck-holder", "late-exit", "mrelease", "slow-exit", "writer"])
def test_freed_and_left_are_resident_whoever_dies_and_whatever_happens(make, name):
    vmas = make()
    for strategy in IDS:
        r = result(strategy, name, vmas)
        assert r["outcome"] in ("completed", "gave-up", "unsafe")
        assert sum(r["freed_pages"].values()) + sum(r["left_pages"].values()) == vmas.resident_pages
        assert sum(r["freed_pages"].values()) == vmas.freeable_pages


@pytest.mark.parametrize("chunk", [1, 7])
@pytest.mark.parametrize("strategy", IDS)
def test_the_chunk_changes_nothing(strategy, chunk):
    vmas = synthetic(32 << 20, vmas=40, thp=0.2).vmas
    for name in ("stuck-holder", "contended", "mrelease"):
        s = scenario(name, {"contended_ppm": 5000} if name == "contended" else {})
        options = {"victim": "test", "seed": 3}
        whole = run(vmas, load(strategy), s, load_table(), **options)
        assert run(vmas, load(strategy), s, load_table(), chunk=chunk, **options) == whole


def test_unfinished_business_is_called_hung_and_counted():
    r = run(synthetic(SIZE, vmas=64).vmas, load("v5.17"), scenario("quiet"), load_table(), victim="t", until_ps=10**10)
    assert r["outcome"] == "hung"
    assert sum(r["freed_pages"].values()) + sum(r["left_pages"].values()) == r["resident_pages"]
    assert r["left_pages"]["exit_blocked"] > 0
