"""mmu_gather against its twin: a list of pages that is emptied whenever it is full."""

from __future__ import annotations

import pytest

from mmbench.machine.apply import apply_once
from mmbench.machine.gather import FULL_CAPACITY, ON_STACK_SLOTS
from mmbench.machine.work import BATCH_PAGE, new_meter
from mmbench.model.layout import vma_table
from mmbench.model.world import MM_FREED, T_CAPACITY, T_PAGES, T_PENDING, T_SLOTS, T_ZAPPING, views
from tests.machine.worlds import one_step, small_world

REAPER = 1


def test_nine_thousand_pages_fill_a_gather():
    assert (ON_STACK_SLOTS, FULL_CAPACITY) == (8, 9698)


@pytest.mark.parametrize("width", [1, 3, 7, 8, 50, 512])
@pytest.mark.parametrize("capacity", [8, 20])
def test_a_gather_is_emptied_whenever_it_is_full(width, capacity):
    w, program = small_world(vma_table({"start": [0], "pages": 300}), "v4.17", {})
    cells = views(w).tasks[REAPER]
    cells[T_CAPACITY] = capacity
    while not cells[T_ZAPPING]:
        one_step(w, program, REAPER, width)
    zapped, freed, gather = 0, 0, 0
    while zapped < 300:
        n = min(width, 300 - zapped)
        for _ in range(n):
            gather += 1
            if gather == capacity:
                freed, gather = freed + gather, 0
        zapped += n
        one_step(w, program, REAPER, width)
        assert int(w.mem[MM_FREED]) + int(cells[T_PENDING]) == freed
        assert (int(cells[T_SLOTS]), int(cells[T_PAGES])) == (gather, gather)
        if cells[T_PENDING]:
            one_step(w, program, REAPER, width)
    while cells[T_ZAPPING] or cells[T_PENDING]:
        one_step(w, program, REAPER, width)
    assert int(w.mem[MM_FREED]) == 300


@pytest.mark.parametrize(("pages", "n_batches"), [(6, 0), (7, 1), (8, 1), (300, 1)])
def test_the_seventh_page_of_a_gather_allocates_a_batch_page(pages, n_batches):
    """Counted in instructions of a booted 6.12: VMAs of seven or eight pages each cost a page allocation more."""
    w, program = small_world(vma_table({"start": [0], "pages": pages}), "v4.17", {})
    cells, meter = views(w).tasks[REAPER], new_meter()
    while not cells[T_ZAPPING]:
        one_step(w, program, REAPER, 512)
    cells[T_CAPACITY] = FULL_CAPACITY
    while int(w.mem[MM_FREED]) < pages:
        apply_once(w, REAPER, program.rows, 512, meter)
    assert meter[BATCH_PAGE] == n_batches
