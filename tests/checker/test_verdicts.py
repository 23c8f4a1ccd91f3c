"""The verdicts that kernel history and the thread predict, and how long they take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.ask.verdicts import of_design
from mmbench.checker.scope import find_scope
from mmbench.checker.verdict import check
from mmbench.strategies import load

from .conftest import verdict

SAFE = (
    "v4.17", "unlocking-flag", "trylock", "no-munlock", "v5.17", "v5.18", "v6.1", "v6.18",
    "write-downgrade:self_reaping=kept", "exit-write", "exit-write:oom_skip=never",
    "exit-mm-stash", "reap-kill", "handover-1g",
)  # fmt: skip
STALLS = ("drop-oom-skip", "write-downgrade", "trylock:exit_lock=write", "trylock:bail_out=vma,exit_lock=write")
CYCLE = [
    "holder waits for memory -> the killer waits for MMF_OOM_SKIP",
    "reaper waits for mmap_lock",
    "exit waits for the page lock",
]


@pytest.mark.parametrize("spec", SAFE)
def test_safe_designs_pass_every_property(spec: str) -> None:
    v = verdict(spec)
    assert v.complete and v.verdict == "safe" and set(v.properties.values()) == {"holds"}
    assert not v.counterexamples
    assert of_design(load(spec))["default"] == "safe", "what the package ships is old: make verdicts"


@pytest.mark.parametrize("spec", STALLS)
def test_the_threads_stall_is_a_stall_with_its_cycle(spec: str) -> None:
    v = verdict(spec)
    assert v.verdict == "stalls" and [k for k, s in v.properties.items() if s == "broken"] == ["S1"]
    assert list(v.counterexamples["S1"].waits) == CYCLE
    assert of_design(load(spec))["default"] == "stalls S1"


def test_v4_14_is_the_cve_in_the_fewest_steps() -> None:
    v = verdict("v4.14")
    assert v.verdict == "fails" and [k for k, s in v.properties.items() if s == "broken"] == ["I5"]
    rows = v.counterexamples["I5"].rows
    clears = next(k for k, r in enumerate(rows) if r.name == "exit" and "VMA 1 -VM_LOCKED" in r.changed)
    enters = next(k for k, r in enumerate(rows) if r.name == "reaper" and "starts zapping VMA 1" in r.changed)
    assert clears < enters < len(rows) - 1 and rows[-1].name == "exit"
    # exit: exit_mm, mmput, pass VMA 0, clear VM_LOCKED, munlock; reaper: lock, test, begin, VMA 0 in four, enter VMA 1
    assert len(rows) == 5 + 8


def test_oom_skip_as_the_first_thing_hides_a_victim_that_could_be_reaped() -> None:
    v = verdict("exit-write:oom_skip=first")
    assert v.verdict == "fails" and [k for k, s in v.properties.items() if s == "broken"] == ["K1"]
    assert v.counterexamples["K1"].rows[-1].label == "set MMF_OOM_SKIP"


@pytest.mark.parametrize(
    ("spec", "kept"), [("no-munlock", False), ("v5.17", True), ("unlocking-flag", True), ("v6.1", True)]
)
def test_only_a_zap_before_5_18_leaves_a_shared_page_mlocked_by_nobody(spec: str, kept: bool) -> None:
    assert verdict(spec, "shared", explain=False).properties["I7"] == ("holds" if kept else "broken")
    assert ("I7" in of_design(load(spec)).get("shared", "safe")) != kept, "what the package ships is old: make verdicts"


@pytest.mark.parametrize("bail_out", ["page", "vma"])
@pytest.mark.parametrize(
    ("params", "holder", "kept_by"),
    [
        ("vm_locked=cleared", False, ""),  # exit_mmap skips the VMA, and zaps before the reaper has munlocked
        ("vm_locked=cleared,exit_lock=write", False, "page"),  # by VMA a second reaper does what exit_mmap did above
        ("vm_locked=cleared,exit_lock=write", True, ""),  # the page that is left is the shared one
        ("vm_locked=kept,exit_lock=write", False, ""),  # the rmap walk finds the very VMA that is being munlocked
        ("tries=locked-vmas", False, ""),  # exit_mmap has cleared the flag, and not munlocked yet
    ],
)
def test_trylock_leaves_shared_pages_mlocked_by_nobody(bail_out: str, params: str, holder: bool, kept_by: str) -> None:
    shared = find_scope("shared")
    tasks = tuple(task for task in shared.tasks if holder or task != "holder")
    roles = load(f"trylock:bail_out={bail_out},{params}").roles
    v = check("trylock", roles, replace(shared, tasks=tasks), explain=False)
    assert v.complete and v.properties["I7"] == ("holds" if bail_out == kept_by else "broken")
    assert {k for k, s in v.properties.items() if s == "broken"} <= {"I7", "S1"}


def test_stuck_victim_is_freed_from_by_the_reaper() -> None:
    assert {spec: verdict(spec, "stuck-victim", explain=False).verdict for spec in ("v5.17", "v6.18")} == {
        "v5.17": "safe",
        "v6.18": "safe",
    }
