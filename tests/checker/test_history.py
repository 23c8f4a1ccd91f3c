"""The published races: each fails without its fix, by the interleaving that history describes, and passes with it."""

from __future__ import annotations

import pytest

from mmbench.checker.counterexample import Counterexample
from mmbench.checker.history import CASES, OUT_OF_SCOPE, Case, run_case
from mmbench.errors import InputError
from mmbench.machine.lint import lint_roles
from mmbench.machine.protocol import Op, step
from mmbench.strategies import load


def at(c: Counterexample, name: str, words: str) -> int:
    """The first row of a task whose label or change contains the words."""
    for k, row in enumerate(c.rows):
        if row.name == name and (words in row.label or any(words in change for change in row.changed)):
            return k
    raise AssertionError(f"no row of {name} with {words!r}")


# Bug -> (task, words) in the order in which history tells it.
STORIES = {
    1: [("exit", "-VM_LOCKED"), ("reaper", "starts zapping VMA 1"), ("exit", "munlocks page")],
    2: [("exit", "exit_mm"), ("reaper", "starts zapping"), ("exit", "free_pgtables")],
    4: [("mrelease", "mmgrab"), ("mrelease", "starts zapping"), ("exit", "free_pgtables")],
    5: [("mrelease", "mmgrab"), ("exit", "dangles"), ("mrelease", "mmap_read_lock"), ("mrelease", "inside the walk")],
    6: [("reaper", "starts zapping VMA 0"), ("reaper", "unmaps page 0 of VMA 0")],
    8: [("reaper", "+MMF_UNSTABLE"), ("exit", "somebody reaps?"), ("exit", "+MMF_OOM_SKIP")],
    10: [("exit", "+MMF_OOM_SKIP"), ("mrelease", "mmap_read_lock"), ("mrelease", "+MMF_UNSTABLE")],
    11: [("reaper", "mmget_not_zero"), ("exit", "exit_mm"), ("reaper", "mmput"), ("reaper", "munlock")],
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"bug{c.number}")
def test_fails_without_the_fix_as_history_tells_it(case: Case) -> None:
    v = run_case(case, fixed=False)
    assert v.verdict == "fails" and v.properties[case.property] == "broken"
    c = next(c for c in v.counterexamples.values() if c.property.name == case.property)
    places = [at(c, *part) for part in STORIES[case.number]]
    assert places == sorted(places)
    assert places[-1] == len(c.rows) - 1 or case.number in (5, 11)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"bug{c.number}")
def test_passes_with_the_fix(case: Case) -> None:
    v = run_case(case, fixed=True)
    assert v.complete
    assert (v.properties[case.property] == "holds") == case.fix_seen
    if case.fix_seen:
        assert v.verdict == "safe"


def test_every_bug_of_the_list_is_a_case_or_out_of_scope_with_a_reason() -> None:
    assert sorted([c.number for c in CASES] + list(OUT_OF_SCOPE)) == list(range(1, 13))
    assert all(why for _, why in OUT_OF_SCOPE.values())


def test_a_path_that_leaves_a_gather_open_is_refused_by_the_linter() -> None:
    roles = dict(load("v6.1").roles)
    role = roles["exit"]
    k = next(k for k, s in enumerate(role) if s.op == Op.TLB_FINISH_MMU)
    roles["exit"] = (*role[:k], step("notifier refused", Op.SLEEP, ps=0), *role[k + 1 :])
    with pytest.raises(InputError, match="open gather"):
        lint_roles("bug12", roles)
