"""Every op that walks VMAs does to pages, tables and mlock bits what its twin does to sets, at any width of step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.machine.ops import Op
from mmbench.machine.protocol import DONE_LABEL, Role, step
from mmbench.model.layout import VM_LOCKED, vma_table
from mmbench.model.world import DONE, T_PC, TABLE_ALLOCATED, World, views
from mmbench.sync.page_lock import trylock_page
from tests.machine.worlds import one_step, world_of_role
from tests.reference.passes import TWINS, Area, Mm

AREAS = ((0, 100), (100, 500), (600, 900))  # [first, end): the middle one ends a page table, the last crosses one
WALKS = [op for op in Op if op.spec.walks]
PAGE = st.integers(0, 899)


def bits_of(plane) -> set[int]:
    words = plane.reshape(-1)
    return {k for k in range(words.size * 64) if int(words[k >> 6]) >> (k & 63) & 1}


def role_of(op: Op, skips: bool, direction: int) -> Role:
    """The op alone, with a gather around it where it needs one."""
    known = {"skip": VM_LOCKED if skips else 0, "direction": direction, "lru_batch": 15, "chunk_pages": 512}
    otherwise = {"otherwise": DONE_LABEL} if op.spec.branches else {}
    walk = step("walk", op, **otherwise, **{name: known.get(name, 0) for name in op.spec.args})
    if not op.spec.needs_gather:
        return (walk,)
    return (step("gather", Op.TLB_GATHER_MMU), walk, step("finish", Op.TLB_FINISH_MMU))


def tables_of(w: World) -> set[int]:
    return {k for k, state in enumerate(views(w).table_state.tolist()) if state & TABLE_ALLOCATED}


@pytest.mark.parametrize("op", WALKS, ids=lambda op: op.name)
@settings(max_examples=25, deadline=None)
@given(
    st.sets(PAGE, max_size=40),
    st.tuples(*[st.booleans()] * 3),
    st.sets(PAGE, max_size=6),
    st.booleans(),
    st.sampled_from([1, -1]),
    st.sampled_from([1, 7, 64, 512]),
)
def test_a_walk_does_what_its_twin_does(op, pages, locked, held, skips, direction, width):
    held = set() if op == Op.UNLOCK_RANGE else held & pages  # it sleeps there: tests/machine/test_munlock.py
    of_area = [sorted(page for page in pages if first <= page < end) for first, end in AREAS]
    columns = {
        "start": [first for first, _ in AREAS],
        "pages": [end - first for first, end in AREAS],
        "flags": [VM_LOCKED if one else 0 for one in locked],
        "resident": [len(own) for own in of_area],
    }
    runs = {k: [(page - first, page - first + 1) for page in own]
            for k, (own, (first, _)) in enumerate(zip(of_area, AREAS, strict=True))}  # fmt: skip
    w, program = world_of_role(vma_table(columns, runs=runs), role_of(op, skips, direction))
    areas = [Area(set(own), set(own) if one else set(), one) for own, one in zip(of_area, locked, strict=True)]
    mm = Mm(areas, tables_of(w), {page for page in held if trylock_page(w, page)}, skips)
    assert bits_of(views(w).mlocked) == set().union(*(area.mlocked for area in areas))
    TWINS[op.name](mm)
    for _ in range(10_000):
        if int(views(w).tasks[0, T_PC]) == DONE:
            break
        one_step(w, program, 0, width)
    assert int(views(w).tasks[0, T_PC]) == DONE
    assert bits_of(views(w).present) == set().union(*(area.present for area in areas))
    assert bits_of(views(w).mlocked) == set().union(*(area.mlocked for area in areas))
    assert tables_of(w) == mm.tables
