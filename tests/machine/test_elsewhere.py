"""Pages that another mm maps too lose a mapping and a reference: what is booked for them, against the gather's twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.machine import work as wk
from mmbench.machine.apply import apply_once
from mmbench.machine.gather import ON_STACK_SLOTS
from mmbench.machine.ops import NO_LRU_BATCH
from mmbench.machine.protocol import Op, Role, step
from mmbench.model.layout import ANON, FILE, SHMEM, VM_LOCKED, VmaTable, vma_table
from mmbench.model.world import DONE, MM_ELSEWHERE, MM_FREED, MM_GATHERS, T_CAPACITY, T_PC, T_ZAPPING, World, views
from mmbench.sync.page_lock import trylock_page
from tests.machine.worlds import world_of_role
from tests.reference.gather import Gather

UNMAP = (
    step("gather", Op.TLB_GATHER_MMU),
    step("unmap", Op.UNMAP_VMAS, lru_batch=31),
    step("finish", Op.TLB_FINISH_MMU),
)
MUNLOCK = (step("unlock_range", Op.UNLOCK_RANGE),)
ZAPPED = {ANON: wk.ZAP_ANON_FOLIO, FILE: wk.ZAP_FILE_FOLIO, SHMEM: wk.ZAP_SHMEM_FOLIO}
AREA = st.tuples(st.integers(1, 700), st.integers(0, 700), st.sampled_from(list(ZAPPED)))
WIDTHS = st.sampled_from([1, 7, 64, 512])


def all_steps(
    vmas: VmaTable, role: Role, width: int, capacity: int = 0, n_gathers: int = 0
) -> tuple[World, np.ndarray]:
    """Let one task do its role; the world after it, and the task's meter. n_gathers: how many others are open."""
    w, program = world_of_role(vmas, role)
    w.mem[MM_GATHERS] += n_gathers
    if capacity:
        views(w).tasks[0, T_CAPACITY] = capacity
    meter = wk.new_meter()
    while int(views(w).tasks[0, T_PC]) != DONE:
        apply_once(w, 0, program.rows, width, meter)
    return w, meter


def areas_of(areas: list[tuple[int, int, int]], order: int = 0) -> VmaTable:
    """One VMA for each (folios, those of them mapped elsewhere at most, kind), a page table apart."""
    pages = [n << order for n, _, _ in areas]
    starts = np.concatenate([[0], np.cumsum([(-(-n // 512) + 1) * 512 for n in pages])[:-1]])
    columns = {"pages": pages, "elsewhere": [min(e, n) << order for n, e, _ in areas], "kind": [k for _, _, k in areas]}
    return vma_table({"start": starts, "order": order} | columns)


@settings(max_examples=60, deadline=None)
@given(st.lists(AREA, min_size=1, max_size=4), WIDTHS, st.sampled_from([8, 20, 300]), st.booleans())
def test_what_is_mapped_elsewhere_is_neither_freed_nor_charged_as_if(areas, width, capacity, is_contended):
    w, meter = all_steps(areas_of(areas), UNMAP, width, capacity, int(is_contended))
    n_elsewhere = {kind: sum(min(n, e) for n, e, k in areas if k == kind) for kind in ZAPPED}
    n_pages = {kind: sum(n for n, _, k in areas if k == kind) for kind in ZAPPED}
    freeable = sum(n_pages.values()) - sum(n_elsewhere.values())
    assert (int(w.mem[MM_FREED]), int(w.mem[MM_ELSEWHERE])) == (freeable, sum(n_elsewhere.values()))
    assert meter[wk.FREE_FOLIO] == freeable
    assert meter[wk.FREE_CONTENDED] == (freeable if is_contended else 0)
    assert meter[wk.ZAP_PTE] == sum(n_pages.values())
    assert meter[wk.ZAP_ELSEWHERE_FOLIO] == n_elsewhere[ANON] + n_elsewhere[FILE]
    for kind, item in ZAPPED.items():
        assert meter[item] == n_pages[kind] - (0 if kind == SHMEM else n_elsewhere[kind])


@settings(max_examples=40, deadline=None)
@given(st.lists(AREA, min_size=1, max_size=3), st.sampled_from([8, 20, 300]))
def test_each_flush_frees_what_its_twin_frees(areas, capacity):
    """Page by page; a wider step fills a gather that some of its pages leave before others, and which is not told."""
    w, program = world_of_role(areas_of(areas), UNMAP)
    cells, meter, twin = views(w).tasks[0], wk.new_meter(), Gather(capacity)
    cells[T_CAPACITY] = capacity
    while int(cells[T_PC]) != DONE:
        before = int(meter[wk.ZAP_PTE]), int(w.mem[MM_ELSEWHERE])
        was_zapping = int(cells[T_ZAPPING])
        apply_once(w, 0, program.rows, 1, meter)
        if int(meter[wk.ZAP_PTE]) > before[0]:
            twin.add(int(w.mem[MM_ELSEWHERE]) > before[1])
        elif not was_zapping and int(w.mem[MM_GATHERS]) == 0:
            twin.flush()
        assert meter[wk.FREE_FOLIO] == twin.n_freed


@pytest.mark.parametrize(("order", "is_large", "passes_by"), [(0, False, False), (2, True, False), (4, True, True)])
@pytest.mark.parametrize("n_elsewhere", [0, 40])
def test_folios_that_stay_are_given_to_no_list(order, is_large, passes_by, n_elsewhere):
    _, meter = all_steps(areas_of([(40, n_elsewhere, ANON)], order), UNMAP, 512)
    assert (meter[wk.ZAP_ANON_FOLIO], meter[wk.ZAP_ELSEWHERE_FOLIO]) == (40 - n_elsewhere, n_elsewhere)
    assert meter[wk.FREE_FOLIO] == 40 - n_elsewhere
    assert meter[wk.LARGE_FOLIO] == (40 if is_large else 0)
    assert meter[wk.BUDDY_FOLIO] == (40 - n_elsewhere if passes_by else 0)


@pytest.mark.parametrize(("first", "last", "n_freed"), [(0, 0, 2), (512, 512, 0), (512, 0, 2)])
def test_of_huge_pages_at_most_as_many_are_freed_as_there_are_slots_and_none_without_freeable_pages(
    first, last, n_freed
):
    vmas = vma_table({"start": [0, 512], "pages": 512, "huge": 1, "elsewhere": [first, last]})
    _, meter = all_steps(vmas, UNMAP, 512, ON_STACK_SLOTS)
    assert (meter[wk.ZAP_THP], meter[wk.FREE_FOLIO]) == (2, n_freed)


@pytest.mark.parametrize("width", [1, 7, 512])
@pytest.mark.parametrize(("huge", "n_walks"), [(0, 300), (1, 1)])
def test_old_munlock_walks_the_rmap_of_each_page_and_once_of_a_huge_one(width, huge, n_walks):
    vmas = vma_table({"start": [0], "pages": 512, "elsewhere": 300, "huge": huge, "flags": VM_LOCKED})
    _, meter = all_steps(vmas, MUNLOCK, width)
    assert meter[wk.OLD_MUNLOCK_RMAP] == n_walks


@pytest.mark.parametrize(("huge", "n_walks"), [(0, 299), (1, 1)])
def test_so_does_a_reaper_that_trylocks_but_not_of_a_page_that_it_leaves(huge, n_walks):
    reap = (step("walk", Op.REAP_PASS_TRYLOCK_PAGES, skip=0, direction=1),)
    vmas = vma_table({"start": [0], "pages": 512, "elsewhere": 300, "huge": huge, "flags": VM_LOCKED})
    w, program = world_of_role(vmas, reap)
    if not huge:
        assert trylock_page(w, 7)
    meter = wk.new_meter()
    while int(views(w).tasks[0, T_PC]) != DONE:
        apply_once(w, 0, program.rows, 64, meter)
    assert meter[wk.OLD_MUNLOCK_RMAP] == n_walks


def test_a_zap_before_5_18_walks_no_rmap():
    role = (UNMAP[0], step("unmap", Op.UNMAP_VMAS, lru_batch=NO_LRU_BATCH), UNMAP[2])
    vmas = vma_table({"start": [0], "pages": 512, "elsewhere": 300, "flags": VM_LOCKED})
    _, meter = all_steps(vmas, role, 512)
    assert (meter[wk.OLD_MUNLOCK_RMAP], meter[wk.OLD_MUNLOCK_PAGE]) == (0, 212)
