"""The old munlock walk against its twin: which page lock it sleeps on, and what is still mlocked meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.machine.protocol import Op, step
from mmbench.machine.status import BLOCKED
from mmbench.model.layout import VM_LOCKED, vma_table
from mmbench.model.world import DONE, T_PC, T_WAIT_PAGE, World, views
from mmbench.sync.page_lock import trylock_page, unlock_page
from tests.machine.worlds import one_step, world_of_role
from tests.reference import pages as twin

MUNLOCK = (step("unlock_range", Op.UNLOCK_RANGE),)
PAGES = st.sets(st.integers(0, 99), min_size=1)


def mlocked_of(w: World) -> set[int]:
    v = views(w)
    return {k for k in range(v.mlocked.size * 64) if int(v.mlocked[k >> 9, k >> 6 & 7]) >> (k & 63) & 1}


def walk_until_it_sleeps(w: World, program, width: int) -> int | None:
    """The page that the walk waits for, or None at its end."""
    while int(views(w).tasks[0, T_PC]) != DONE:
        if one_step(w, program, 0, width) == BLOCKED:
            return int(views(w).tasks[0, T_WAIT_PAGE])
    return None


@settings(max_examples=60, deadline=None)
@given(PAGES, st.sets(st.integers(0, 99), max_size=6), st.sampled_from([1, 7, 64, 512]))
def test_the_walk_sleeps_where_its_twin_does_and_has_cleared_what_its_twin_has(resident, held, width):
    pages = sorted(resident)
    vmas = vma_table({"start": [0], "pages": [100], "flags": VM_LOCKED, "resident": [len(pages)]},
                     runs={0: [(page, page + 1) for page in pages]})  # fmt: skip
    w, program = world_of_role(vmas, MUNLOCK)
    table = twin.Table(set(pages), set(pages), set(held))
    for page in held:
        assert trylock_page(w, page)
    while True:
        page, to_lock = twin.munlock_walk(table, 0, 100)
        assert walk_until_it_sleeps(w, program, width) == page
        assert mlocked_of(w) == table.mlocked
        if page is None:
            break
        while page is not None:  # phase 2 goes on, batch by batch, with no page locked for long
            unlock_page(w, page)
            table.pg_locked.discard(page)
            waits = [other for other in to_lock if other in table.pg_locked]
            page = waits[0] if waits else None
            if page is not None:
                assert walk_until_it_sleeps(w, program, width) == page


@pytest.mark.parametrize(("held", "left"), [(0, range(15, 40)), (14, range(15, 40)), (15, range(30, 40)), (39, ())])
def test_a_base_page_that_exit_sleeps_on_is_no_longer_mlocked_nor_is_its_batch(held, left):
    w, program = world_of_role(vma_table({"start": [0], "pages": [40], "flags": VM_LOCKED}), MUNLOCK)
    trylock_page(w, held)
    assert walk_until_it_sleeps(w, program, 512) == held
    assert mlocked_of(w) == set(left)


def test_a_huge_page_that_exit_sleeps_on_is_still_mlocked():
    w, program = world_of_role(vma_table({"start": [0], "pages": [512], "flags": VM_LOCKED, "huge": [1]}), MUNLOCK)
    trylock_page(w, 0)
    assert walk_until_it_sleeps(w, program, 512) == 0
    assert len(mlocked_of(w)) == 512
