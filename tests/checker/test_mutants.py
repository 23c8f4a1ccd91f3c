"""Mutants: most are caught, and every survivor has a reason that is on the list."""

from __future__ import annotations

import pytest

from mmbench.checker.edit import put, swapped, without
from mmbench.checker.mutants import HARMLESS, LINTER, MERGED, SURVIVES, judge, mutants_of, why_harmless
from mmbench.machine.protocol import Op, step
from mmbench.strategies import load

ROLE = (
    step("a", Op.IF_FLAG, flag=1, otherwise="c"),
    step("b", Op.SLEEP, ps=1),
    step("c", Op.SLEEP, ps=2, to="b"),
)


def test_edits_keep_the_jumps() -> None:
    assert [s.label for s in without(ROLE, "b")] == ["a", "c"]
    assert without(ROLE, "b")[1].to == "c" and without(ROLE, "c")[0].otherwise == "done"
    assert put(ROLE, "c", step("x", Op.EXIT_MM))[0].otherwise == "x"
    both = swapped(ROLE, 1)
    assert [(s.label, s.args, s.to) for s in both[1:]] == [("b", {"ps": 2}, ""), ("c", {"ps": 1}, "b")]


@pytest.mark.parametrize("spec", ["v4.17", "v5.17"])
def test_most_mutants_are_caught_and_the_rest_explained(spec: str) -> None:
    results = [judge(mutant) for mutant in mutants_of(load(spec))]
    survivors = [r.mutant for r in results if r.caught_by == SURVIVES]
    by_property = [r for r in results if r.caught_by not in (SURVIVES, LINTER)]
    assert len(results) == sum(2 * len(role) - 1 for role in load(spec).roles.values())
    assert len(survivors) < len(results) / 4
    assert len(by_property) > len(survivors)
    assert [m for m in survivors if not why_harmless(m)] == []


def test_reasons_are_about_steps_that_exist() -> None:
    known = {(m.role, m.kind, m.label) for spec in MERGED for m in mutants_of(load(spec))}
    assert set(HARMLESS) <= known
