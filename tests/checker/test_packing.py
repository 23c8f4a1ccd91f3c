"""Packing keeps what matters and gives it back; a value that does not fit is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.checker.drive import Move, initial, one_step, packed, world_of
from mmbench.checker.expand import choices
from mmbench.checker.packing import encode, encode_changed
from mmbench.checker.scope import find_scope
from mmbench.checker.search import unsearched
from mmbench.checker.world import start_of
from mmbench.model import world as m
from mmbench.model.invariants import consistent
from mmbench.model.world import views
from mmbench.strategies import load

LEFT_OUT = [m.T_FREED, m.T_PASSES, m.T_LRU_BATCH, m.T_BATCHED, *range(m.T_PASSED, m.T_PASSED + m.N_WHY)]


def some_search(spec: str, scope: str):
    return unsearched(start_of(find_scope(scope), load(spec).roles), reduce=False)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["v4.17", "write-downgrade", "unlocking-flag", "trylock:bail_out=vma", "v6.18"]),
    st.sampled_from(["default", "timed-holder", "two-callers"]),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=120),
)
def test_a_packed_world_goes_on_like_the_world(spec: str, scope: str, moves: list[tuple[int, int]]) -> None:
    """After any schedule, decode(encode(w)) has the same planes, locks and flags, and takes the same next steps."""
    from mmbench.checker.packing import decode

    found = some_search(spec, scope)
    world = initial(found)
    for task, choice in moves:
        task %= len(found.start.names)
        if choices(world, task, found.problem.rows):
            one_step(world, found.problem, task, choice)
    assert consistent(world)
    words, p = packed(world, found), found.problem
    mem = np.empty_like(world.mem)
    decode(words, p.fields, len(found.plan.fields), p.template, len(mem), p.huge, len(p.huge), mem)
    copy = world_of(mem, found)
    a, b = views(world), views(copy)
    for x, y in zip(a[1:2] + a[3:], b[1:2] + b[3:], strict=True):
        assert np.array_equal(x, y)
    assert np.array_equal(np.delete(a.tasks, LEFT_OUT, axis=1), np.delete(b.tasks, LEFT_OUT, axis=1))
    for task in range(len(found.start.names)):
        for choice in range(choices(world, task, p.rows)):
            x, y = world_of(world.mem.copy(), found), world_of(mem.copy(), found)
            one_step(x, p, task, choice)
            one_step(y, p, task, choice)
            assert np.array_equal(packed(x, found), packed(y, found)), Move(task, choice)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["v4.17", "unlocking-flag", "trylock:bail_out=vma"]),
    st.sampled_from(["default", "stuck-victim", "two-callers"]),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=120),
)
def test_packing_what_changed_is_packing_everything(spec: str, scope: str, moves: list[tuple[int, int]]) -> None:
    found = some_search(spec, scope)
    world, fields, n = initial(found), found.problem.fields, found.plan.n_words
    before, words, again = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for task, choice in moves:
        task %= len(found.start.names)
        old = world.mem.copy()
        encode(old, fields, len(found.plan.fields), before, n)
        if choices(world, task, found.problem.rows):
            one_step(world, found.problem, task, choice)
        assert encode(world.mem, fields, len(found.plan.fields), words, n)
        assert encode_changed(world.mem, old, before, fields, len(found.plan.fields), again, n)
        assert np.array_equal(words, again)


@pytest.mark.parametrize("cell", [m.MM_RSS, m.MM_COLLATERAL, m.MM_USERS])
def test_a_value_too_large_is_noticed(cell: int) -> None:
    found = some_search("v6.1", "default")
    world = initial(found)
    words = np.zeros(found.plan.n_words, dtype=np.int64)
    fields = found.problem.fields
    assert encode(world.mem, fields, len(found.plan.fields), words, len(words))
    old = world.mem.copy()
    world.mem[cell] = 1 << 40
    assert not encode_changed(world.mem, old, words.copy(), fields, len(found.plan.fields), words, len(words))
    assert not encode(world.mem, fields, len(found.plan.fields), words, len(words))
