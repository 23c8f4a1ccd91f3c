"""Worlds: built as the twin says, counted right, snapshot and restored in one copy."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.model.build import build, model_bytes, set_pages
from mmbench.model.invariants import conserved, consistent
from mmbench.model.layout import VM_HUGETLB, VM_LOCKED, VM_PFNMAP, VM_SHARED, VmaTable, vma_table
from mmbench.model.saved import LOOK_CELLS, first_changed, restore, save
from mmbench.model.world import MM_NR_MLOCK, MM_RSS, TABLE_ALLOCATED, TABLE_HUGE, clone, views
from mmbench.victims import synthetic
from tests.reference.victims import present_and_mlocked


@st.composite
def vma_tables(draw, max_vmas: int = 5, max_pages: int = 1500) -> VmaTable:
    """Random victims: unaligned, tiny and large VMAs of all kinds, gaps inside and across tables."""
    n = draw(st.integers(1, max_vmas))
    at, rows, runs = draw(st.integers(0, 600)), [], {}
    for v in range(n):
        pages = draw(st.one_of(st.integers(1, 5), st.integers(1, max_pages)))
        room = max((at + pages) // 512 - -(-at // 512), 0)
        huge = draw(st.integers(0, room))
        resident = draw(st.integers(huge * 512, pages))
        if not huge and draw(st.booleans()):
            low = draw(st.integers(0, pages - 1))
            high = draw(st.integers(low + 1, pages))
            runs[v] = np.array([[low, high]], dtype=np.int64)
            resident = high - low
        flags = draw(st.sampled_from([0, VM_LOCKED, VM_SHARED, VM_LOCKED | VM_SHARED, VM_HUGETLB, VM_PFNMAP]))
        elsewhere = draw(st.sampled_from([0, 0, resident // 3]))
        rows.append((at, pages, flags, draw(st.integers(0, 2)), resident, huge, 0, elsewhere))
        at += pages + draw(st.sampled_from([0, 0, 1, 700, 5000]))
    names = ("start", "pages", "flags", "kind", "resident", "huge", "order", "elsewhere")
    return vma_table(
        {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}, runs
    )


def page_set(plane: np.ndarray) -> set[int]:
    return {int(k) for k in np.flatnonzero(np.unpackbits(plane.reshape(-1).view(np.uint8), bitorder="little"))}


@settings(max_examples=40, deadline=None)
@given(vma_tables())
def test_build_agrees_with_the_twin(vmas):
    w = build(vmas, 3)
    v = views(w)
    assert (page_set(v.present), page_set(v.mlocked)) == present_and_mlocked(vmas)
    assert consistent(w)
    assert conserved(w, vmas.resident_pages)
    assert int(v.mm[MM_RSS]) == vmas.resident_pages
    assert int(v.mm[MM_NR_MLOCK]) == vmas.locked_pages
    assert int((v.table_state & TABLE_HUGE != 0).sum()) == int(vmas.huge.sum())
    has_page = v.present.any(axis=1)
    assert ((v.table_state & TABLE_ALLOCATED != 0) == has_page).all()
    assert w.mem.nbytes + w.elsewhere.nbytes == model_bytes(vmas, 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1100), st.integers(0, 2048))
def test_pages_are_set_from_the_first_to_the_last(first, end):
    plane = np.zeros((4, 8), dtype=np.uint64)
    set_pages(plane, first, end)
    assert page_set(plane) == set(range(first, end))


@settings(max_examples=20, deadline=None)
@given(vma_tables())
def test_what_is_saved_is_put_back(vmas):
    w = build(vmas, 2)
    saved, twin = save(w), clone(w)
    w.mem[:] = 7
    restore(w, saved)
    assert (w.mem == twin.mem).all()


@pytest.mark.parametrize("cell", [0, -1, 1, -(1 << 62), 0xFF])
def test_cells_that_are_all_alike_are_put_back_as_they_were(cell):
    w = build(vma_table({"start": [0], "pages": 1 << 18, "flags": VM_LOCKED}), 2)
    for begin, end in ((3000, 9000), (9001, 9002), (len(w.mem) - 700, len(w.mem))):
        w.mem[begin:end] = cell
    saved, twin = save(w), clone(w)
    w.mem[:] = 7
    restore(w, saved)
    assert (w.mem == twin.mem).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1_000_000), max_size=3))
def test_wherever_a_long_run_was_changed_it_is_put_back(places):
    w = build(vma_table({"start": [0], "pages": 1 << 17, "flags": VM_LOCKED}), 2)
    saved, twin = save(w), clone(w)
    w.mem[[place % len(w.mem) for place in places]] ^= 5
    with patch("mmbench.model.saved.LOOK_CELLS", 100):
        restore(w, saved)
    assert (w.mem == twin.mem).all()


def test_a_long_run_is_read_until_it_differs():
    cells = np.zeros(3 * LOOK_CELLS + 5, dtype=np.int64)
    assert first_changed(cells, 0) == len(cells)
    for place, block in ((0, 0), (LOOK_CELLS - 1, 0), (2 * LOOK_CELLS, 2 * LOOK_CELLS), (-1, 3 * LOOK_CELLS)):
        cells[:] = 0
        cells[place] = 1
        assert first_changed(cells, 0) == block


def test_a_regular_victim_is_kept_in_an_eighth_of_its_world():
    w = build(synthetic(1 << 40).vmas, 8)
    assert save(w).nbytes < w.mem.nbytes / 8


def test_a_terabyte_takes_less_than_a_byte_per_page():
    vmas = vma_table({"start": [0], "pages": 1 << 28, "flags": VM_LOCKED})
    assert 2 * model_bytes(vmas, 8) < 1 << 28  # the world and its template


@pytest.mark.parametrize(
    "rows, words",
    [
        ({"start": [0], "pages": 0}, "at least one page"),
        ({"start": [-1], "pages": 1}, "not negative"),
        ({"start": [0], "pages": 10, "resident": 11}, "between 0 and pages"),
        ({"start": [0], "pages": 600, "huge": 2}, "huge blocks"),
        ({"start": [0], "pages": 10, "order": 10}, "folio order"),
        ({"start": [0, 5], "pages": 10}, "inside VMA 0"),
        ({"start": [1 << 37], "pages": 1}, "48-bit"),
        ({"start": [0], "pages": 10, "elsewhere": 11}, "elsewhere"),
    ],
)
def test_impossible_victims_are_refused(rows, words):
    with pytest.raises(InputError, match=words):
        vma_table(rows)


def test_too_many_tasks_are_refused():
    with pytest.raises(InputError, match="tasks"):
        build(vma_table({"start": [0], "pages": 1}), 13)
