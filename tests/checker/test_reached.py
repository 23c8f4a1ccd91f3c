"""What a search never came to is named, and nothing that it came to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmbench.checker.drive import initial, one_step, packed
from mmbench.checker.expand import choices
from mmbench.checker.reached import unreached
from mmbench.checker.scope import Scope, Vma, find_scope
from mmbench.checker.search import search
from mmbench.checker.verdict import check, line
from mmbench.checker.world import start_of
from mmbench.machine.protocol import Op, step
from mmbench.model.world import DONE, T_PC, views
from mmbench.strategies import load

SMALL = Scope("small", (Vma(0, 1), Vma(512, 1, ("locked",))), ("exit", "reaper", "holder"))


def seen_one_by_one(spec: str, scope: Scope) -> set[tuple[str, str]]:
    """The slow twin: every place that single steps pass, state by state, from the start."""
    found = search(start_of(scope, load(spec).roles), reduce=False)
    labels, seen, known = found.start.program.labels, set(), set()
    todo = [initial(found)]
    while todo:
        world = todo.pop()
        for task in range(len(found.start.names)):
            if (row := int(views(world).tasks[task][T_PC])) != DONE:
                seen.add(labels[row])
            for choice in range(choices(world, task, found.problem.rows)):
                after = type(world)(world.mem.copy(), world.mem.copy().view(np.uint64), world.elsewhere)
                after = type(world)(after.mem, after.mem.view(np.uint64), world.elsewhere)
                one_step(after, found.problem, task, choice)
                place = packed(after, found).tobytes()
                if place not in known:
                    known.add(place)
                    todo.append(after)
    return seen


@pytest.mark.parametrize("spec", ["v4.17", "v5.17", "v6.18"])
@pytest.mark.parametrize("reduce", [True, False])
def test_the_unreached_are_those_that_no_single_step_passes(spec: str, reduce: bool) -> None:
    roles = load(spec).roles
    missed = set(unreached(search(start_of(SMALL, roles), reduce=reduce), roles))
    every = {(role, s.label) for role, steps in roles.items() for s in steps}
    assert missed == every - seen_one_by_one(spec, SMALL)
    assert {("mrelease", s.label) for s in roles["mrelease"]} <= missed


def test_local_steps_are_followed_from_the_step_before() -> None:
    """A small world, so that plain Python has it in a second too."""
    roles = {"exit": (step("exit_mm", Op.EXIT_MM), *(step(f"pause {k}", Op.SLEEP, ps=1) for k in range(3)))}
    scope = Scope("tiny", (Vma(0, 1),), ("exit",))
    assert unreached(search(start_of(scope, roles)), roles) == ()


def test_safe_is_not_said_over_an_unreached_step_without_its_name() -> None:
    """A step that sets free what it must not, behind a flag that nobody sets: safe, and named."""
    loaded = load("v6.18")
    wrong = (
        step("never?", Op.IF_FLAG, flag=1 << 20, otherwise="exit_mm"),
        step("pause", Op.SLEEP, ps=1),
        step("wrong", Op.CLEAR_MMAP),
    )
    roles = {**loaded.roles, "exit": (*wrong, *loaded.roles["exit"])}
    verdict = check("mine", roles, find_scope("unlocked"))
    assert verdict.verdict == "safe"
    assert verdict.unreached == (("exit", "pause"), ("exit", "wrong"))
    assert line(verdict).endswith("not reached, so not judged: exit: pause, wrong")
    assert verdict.as_dict()["unreached"] == [{"role": "exit", "step": s} for s in ("pause", "wrong")]


def test_a_role_that_nobody_has_is_named_in_a_word() -> None:
    assert "reaper: nobody here does it" in line(check("v6.18", load("v6.18").roles, find_scope("plain-kill")))
    alone = replace(SMALL, tasks=("exit", "reaper"))
    assert "mrelease: nobody here does it" in line(check("v6.18", load("v6.18").roles, alone))
