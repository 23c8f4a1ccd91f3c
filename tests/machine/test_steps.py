"""One atomic step: what holds after every step, in any order, under every design."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.machine.status import BLOCKED, FINISHED
from mmbench.model.invariants import audit, broken, conserved, consistent
from mmbench.model.layout import VM_LOCKED, vma_table
from mmbench.model.world import MM_COLLATERAL, MM_FREED, T_FREED, views
from mmbench.strategies import IDS
from tests.machine.worlds import live_tasks, one_step, small_world, state_of
from tests.model.test_model_build import vma_tables

SEEDS = st.integers(0, 2**32)

ALL_DESIGNS = [
    *IDS,
    "write-downgrade:self_reaping=kept",
    "trylock:bail_out=vma",
    "trylock:exit_lock=write",
    "trylock:vm_locked=kept",
    "trylock:bail_out=vma,vm_locked=kept,tries=locked-vmas",
    "unlocking-flag:flag_lifetime=until-munlocked",
    "handover-1g:chunk=2MiB",
]


@pytest.mark.parametrize("design", ALL_DESIGNS)
@settings(max_examples=12, deadline=None)
@given(vma_tables(max_vmas=4, max_pages=700), SEEDS, st.sampled_from([1, 64, 512]))
def test_pages_are_conserved_after_every_step_of_every_order(design, vmas, seed, width):
    random = Random(seed)
    w, program = small_world(vmas, design)
    for _ in range(400):
        alive = live_tasks(w, program)
        if not alive:
            break
        one_step(w, program, random.choice(alive), width)
        assert conserved(w, vmas.resident_pages)
        assert int(w.mem[MM_FREED]) == int(views(w).tasks[:, T_FREED].sum())
    assert consistent(w)


@pytest.mark.parametrize("design", ALL_DESIGNS)
def test_a_blocked_step_changes_its_state_once_at_most(design):
    vmas = vma_table({"start": [0, 40, 600], "pages": [30, 100, 20], "flags": [VM_LOCKED, 0, VM_LOCKED]})
    w, program = small_world(vmas, design)
    random = Random(3)
    n_blocked = 0
    for _ in range(600):
        alive = live_tasks(w, program)
        if not alive:
            break
        task = random.choice(alive)
        if one_step(w, program, task, 8) == BLOCKED:
            n_blocked += 1
            before = w.mem.copy()
            assert one_step(w, program, task, 8) == BLOCKED
            assert (w.mem == before).all()
    assert n_blocked


def alone(vmas, design: str, role: int, width: int):
    """Run the steps of one role to its end, the others standing still."""
    w, program = small_world(vmas, design, {"mrelease_start_ps": 0, "oom_victim": 1})
    for _ in range(200_000):
        if one_step(w, program, role, width) == FINISHED:
            return w
    raise AssertionError("the role does not end")


@pytest.mark.parametrize("design", ["v4.17", "trylock", "v5.18", "v6.1", "v6.18"])
@pytest.mark.parametrize("role", [0, 1])
@settings(max_examples=8, deadline=None)
@given(vmas=vma_tables(max_vmas=4, max_pages=900), width=st.sampled_from([1, 7, 100]))
def test_many_small_steps_equal_one_large_step(design, role, vmas, width):
    small, large = state_of(alone(vmas, design, role, width)), state_of(alone(vmas, design, role, 512))
    for name, value in large.items():
        assert (small[name] == value).all(), name


@pytest.mark.parametrize("design", ["v4.17", "v5.17", "v5.18", "v6.1", "v6.18"])
@settings(max_examples=10, deadline=None)
@given(vmas=vma_tables(), seed=SEEDS)
def test_merged_designs_keep_every_invariant_in_any_order(design, vmas, seed):
    random = Random(seed)
    w, program = small_world(vmas, design, {"holder_needs_pages": 3, "need_pages": 2})
    for _ in range(60_000):
        alive = live_tasks(w, program)
        if not alive:
            break
        one_step(w, program, random.choice(alive), 512)
        assert not broken(w)
    else:
        raise AssertionError("the run does not end")
    assert not audit(w, vmas.resident_pages)
    assert int(w.mem[MM_COLLATERAL]) >= 0
