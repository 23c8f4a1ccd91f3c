"""The bridge: what the engine does on a small world is a path of the checker's graph, and both use one apply."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmbench.accelerate import njit, pointer
from mmbench.ask.timed_replay import engine_clocks, replay_timed
from mmbench.checker.drive import initial, one_step, packed, world_of
from mmbench.checker.expand import all_done, choices, forget
from mmbench.checker.scope import Scope, Vma, check_scope
from mmbench.checker.search import Found, search
from mmbench.checker.world import start_of
from mmbench.cost.table import load_table
from mmbench.engine.clocks import C_NOW, row_at
from mmbench.engine.clockwork import pick, step_task
from mmbench.model.invariants import REAP_AFTER_SKIP
from mmbench.model.world import MM_N_TASKS, MM_VIOLATIONS, World, clone, pointers
from mmbench.strategies import load

from .conftest import verdict

IDS = ["v4.14", "v4.17", "drop-oom-skip", "write-downgrade", "unlocking-flag", "trylock", "v5.17", "v5.18", "v6.18"]
COSTS = load_table()


@njit
def engine_turn(world: World, clocks: np.ndarray, rows: np.ndarray) -> int:
    """The engine's next step with width 1: who took it, or -1. Mutates: world, clocks."""
    w, s = pointers(world), pointer(clocks)
    task, _ = pick(s)
    if task >= 0:
        step_task(w, s, pointer(rows), task, 1)
    return task


@njit
def forget_all(world: World) -> None:
    """Put the registers that the checker drops to their fixed values. Mutates: world."""
    w = pointers(world)
    for task in range(w.mem[MM_N_TASKS]):
        forget(w, task)


def as_checked(world: World, monitor: int, found: Found) -> bytes:
    """The packed state of an engine's world, given the checker's monitor."""
    mem = np.concatenate([world.mem, np.array([monitor])])
    mem[MM_VIOLATIONS] &= ~(1 << REAP_AFTER_SKIP)  # judged by the checker in its own way
    copy = world_of(mem, found)
    forget_all(copy)
    return packed(copy, found).tobytes()


vmas = st.lists(st.tuples(st.integers(1, 2), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=3)
scopes = st.builds(
    lambda rows, others, slots, victim: Scope(
        "random",
        tuple(
            Vma(
                600 * k + (0 if huge else 3),
                512 if huge else pages,
                ("locked",) if locked else (),
                "anon",
                huge=int(huge),
                elsewhere=int(other and not huge),
            )
            for k, (pages, locked, huge, other) in enumerate(rows)
        ),
        ("exit", *others),
        gather_slots=slots,
        oom_victim=victim,
    ),
    vmas,
    st.sampled_from(
        [("reaper",), ("reaper", "mrelease"), ("reaper", "allocator"), ("mrelease", "writer"), ("reaper", "holder")]
    ),
    st.sampled_from([1, 2, 8]),
    st.booleans(),
)


def usable(scope: Scope) -> bool:
    """A huge block begins at a table; a holder needs a locked page."""
    aligned = all(not vma.huge or vma.at % 512 == 0 for vma in scope.vmas)
    return aligned and ("holder" not in scope.tasks or any("locked" in vma.flags for vma in scope.vmas))


def align(scope: Scope) -> Scope:
    """The same scope with every VMA in a table of its own."""
    rows = tuple(
        Vma(512 * k + (0 if vma.huge else 3), vma.pages, vma.flags, vma.kind, vma.huge, vma.elsewhere)
        for k, vma in enumerate(scope.vmas)
    )
    return Scope("random", rows, scope.tasks, gather_slots=scope.gather_slots, oom_victim=scope.oom_victim)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(scopes.map(align).filter(usable), st.sampled_from(IDS), st.lists(st.integers(0, 10**9), min_size=5, max_size=5))
def test_every_engine_trace_is_a_path_of_the_graph(scope: Scope, spec: str, starts: list[int]) -> None:
    """At every step the engine's world is a successor, in the checker, of the one before, and a state of its graph."""
    start = start_of(check_scope(scope), load(spec).roles)
    found = search(start, reduce=False)
    assert found.complete
    n = found.plan.n_words
    known = {row.tobytes() for row in found.graph.states[: found.n_states * n].reshape(-1, n)}
    world, clocks, shadow = clone(start.world), engine_clocks(start, COSTS), initial(found)
    for task in range(len(start.names)):
        clocks[row_at(task) + C_NOW] = starts[task]
    rows = np.ascontiguousarray(start.program.rows.reshape(-1))
    n_steps = 0
    for _ in range(3000):
        task = engine_turn(world, clocks, rows)
        if task < 0 or shadow.mem[MM_VIOLATIONS]:
            break
        seen = as_checked(world, int(shadow.mem[-1]), found)
        if seen == packed(shadow, found).tobytes():
            continue  # it waited for a page-table lock, or is blocked as before
        shadow = follow_exactly(shadow, world, task, found)
        assert packed(shadow, found).tobytes() in known
        n_steps += 1
    assert n_steps > 3
    if all_done_of(shadow):
        assert packed(shadow, found).tobytes() in known


def follow_exactly(shadow: World, world: World, task: int, found: Found) -> World:
    """The checker's successor of `shadow` by `task` that equals the engine's world."""
    for choice in range(choices(shadow, task, found.problem.rows)):
        after = world_of(shadow.mem.copy(), found)
        one_step(after, found.problem, task, choice)
        judged = int(after.mem[MM_VIOLATIONS])
        engine = world_of(np.concatenate([world.mem, after.mem[-1:]]), found)
        engine.mem[MM_VIOLATIONS] = judged  # the properties of the checker's own are not the engine's
        forget_all(engine)
        if packed(after, found).tobytes() == packed(engine, found).tobytes():
            return after
    raise AssertionError(f"{found.start.names[task]} did what the checker does not know")


def all_done_of(world: World) -> bool:
    """True when every task of a checker's world is done."""
    return bool(all_done(world))


@pytest.mark.parametrize("spec", ["v4.14"])
def test_a_counterexample_breaks_the_same_in_the_engine(spec: str) -> None:
    c = verdict(spec).counterexamples["I5"]
    start = start_of(c.scope, load(spec).roles)
    world, end_ps = replay_timed(start, [(row.task, row.choice) for row in c.rows], COSTS)
    assert int(world.mem[MM_VIOLATIONS]) >> 5 & 1
    assert 0 < end_ps < 10**12
    before, _ = replay_timed(start, [(row.task, row.choice) for row in c.rows[:-1]], COSTS)
    assert not int(before.mem[MM_VIOLATIONS])
