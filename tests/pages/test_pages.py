"""The page kernels against their twins, on random tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.model.world import TABLE_ALLOCATED, TABLE_FREED, TABLE_HUGE
from mmbench.pages.free_pgtables import free_tables
from mmbench.pages.reap import is_contended, unmap_uncontended
from mmbench.pages.unlock_range import count_pagevecs, first_contended, isolated, munlock_part, pagevec_of
from mmbench.pages.unmap import count_elsewhere, mark_elsewhere, unmap_last_mappings, unmap_part, unmap_range
from tests.reference import pages as twin

PRESENT, MLOCKED, PG_LOCKED = 0, 8, 16
OFFSETS = st.sets(st.one_of(st.integers(0, 511), st.sampled_from([0, 63, 64, 127, 448, 511])))
FEW = settings(max_examples=60, deadline=None)


@st.composite
def tables(draw):
    present = draw(st.one_of(OFFSETS, st.just(set(range(512)))))
    elsewhere = draw(OFFSETS)
    mlocked = (present | elsewhere) & draw(st.one_of(OFFSETS, st.just(set(range(512)))))
    return twin.Table(present, mlocked, draw(OFFSETS), elsewhere)


@st.composite
def spans(draw):
    first = draw(st.one_of(st.just(0), st.integers(0, 511)))
    return first, draw(st.one_of(st.just(512), st.integers(first + 1, 512)))


def word_plane(offsets: set[int]) -> np.ndarray:
    plane = np.zeros(8, dtype=np.uint64)
    for k in offsets:
        plane[k // 64] |= np.uint64(1) << np.uint64(k % 64)
    return plane


def bits_of(table: twin.Table) -> np.ndarray:
    return np.concatenate([word_plane(table.present), word_plane(table.mlocked), word_plane(table.pg_locked)])


@FEW
@given(tables(), spans())
def test_unmap_part(table, span):
    table.mlocked &= table.present  # munlock at rmap removal leaves no mlocked page behind
    bits = bits_of(table)
    assert tuple(unmap_part(bits, PRESENT, MLOCKED, *span)) == twin.unmap(table, *span)
    assert (bits == bits_of(table)).all()


@FEW
@given(tables(), spans(), st.booleans())
def test_unmap_last_mappings(table, span, huge):
    bits, elsewhere = bits_of(table), np.concatenate([word_plane(set()), word_plane(table.elsewhere)])
    found = tuple(unmap_last_mappings(bits, PRESENT, MLOCKED, elsewhere, 8, *span, huge))
    assert found == twin.unmap_last_mappings(table, *span, huge)
    assert (bits == bits_of(table)).all()


@FEW
@given(tables(), spans(), st.booleans())
def test_mark_elsewhere(table, span, huge):
    bits, elsewhere = bits_of(table), np.concatenate([word_plane(set()), word_plane(table.elsewhere)])
    assert mark_elsewhere(bits, MLOCKED, elsewhere, 8, *span, huge) == twin.mark_elsewhere(table, *span, huge)
    assert (bits == bits_of(table)).all()


@FEW
@given(tables(), spans())
def test_unmap_uncontended(table, span):
    bits = bits_of(table)
    found = tuple(unmap_uncontended(bits, PRESENT, MLOCKED, PG_LOCKED, *span))
    assert found == twin.unmap_uncontended(table, *span)
    assert (bits == bits_of(table)).all()


@FEW
@given(tables(), spans())
def test_old_munlock(table, span):
    bits = bits_of(table)
    first, end = span
    stop = first_contended(bits, PRESENT, MLOCKED, PG_LOCKED, first, end)
    assert stop == twin.first_contended(table, first, end)
    assert tuple(munlock_part(bits, PRESENT, MLOCKED, first, stop)) == twin.munlock(table, first, stop)
    assert (bits == bits_of(table)).all()


@FEW
@given(tables(), spans())
def test_count_pagevecs(table, span):
    assert count_pagevecs(bits_of(table), PRESENT, *span) == twin.pagevecs(table, *span)


@FEW
@given(tables(), spans())
def test_pagevec_of_and_isolated(table, span):
    bits = bits_of(table)
    found = twin.batches(table, *span)
    assert len(found) == count_pagevecs(bits, PRESENT, *span)
    for batch in found[:4]:
        for page in (batch[0], batch[-1]):
            begin, stop = pagevec_of(bits, PRESENT, span[0], page, span[1])
            assert list(range(begin, stop)) == batch
        mask = int(isolated(bits, MLOCKED, begin, stop))
        assert mask == sum(1 << (page - begin) for page in batch if page in table.mlocked) + (1 << len(batch))


@pytest.mark.parametrize(
    ("n", "stride", "n_pagevecs"), [(512, 1, 35), (15, 1, 1), (16, 1, 2), (512, 2, 256), (0, 1, 0)]
)
def test_pagevecs_end_at_a_position_without_a_page(n, stride, n_pagevecs):
    table = twin.Table(present=set(range(0, n, stride)))
    assert count_pagevecs(bits_of(table), PRESENT, 0, 512) == twin.pagevecs(table, 0, 512) == n_pagevecs


@FEW
@given(tables(), spans())
def test_mapped_elsewhere(table, span):
    plane = word_plane(table.elsewhere)
    assert count_elsewhere(bits_of(table), PRESENT, plane, 0, *span) == twin.elsewhere(table, *span)


@FEW
@given(tables())
def test_a_huge_page_is_contended_by_any_of_its_pages(table):
    contended = table.present & table.mlocked & table.pg_locked
    assert is_contended(bits_of(table), PRESENT, MLOCKED, PG_LOCKED) == bool(contended)


@FEW
@given(st.lists(tables(), min_size=3, max_size=3), st.integers(0, 1000), st.integers(1, 536))
def test_unmap_range_crosses_tables(three, first, n):
    end = first + n
    for table in three:
        table.mlocked &= table.present
    bits = np.concatenate([word_plane(t.present) for t in three] + [word_plane(t.mlocked) for t in three])
    found = tuple(unmap_range(bits, 0, 24, first, end))
    parts = [twin.unmap(t, max(first - 512 * k, 0), min(end - 512 * k, 512)) for k, t in enumerate(three)]
    assert found == (sum(p[0] for p in parts), sum(p[1] for p in parts))
    after = np.concatenate([word_plane(t.present) for t in three] + [word_plane(t.mlocked) for t in three])
    assert (bits == after).all()


@FEW
@given(st.lists(st.sampled_from([0, TABLE_ALLOCATED, TABLE_ALLOCATED | TABLE_HUGE, TABLE_FREED]), max_size=20))
def test_free_tables_frees_what_is_allocated(states):
    mem = np.array(states, dtype=np.int64)
    assert free_tables(mem, 0, len(states)) == sum(s & TABLE_ALLOCATED for s in states)
    for before, after in zip(states, mem.tolist(), strict=True):
        allocated = before & TABLE_ALLOCATED
        assert after == ((before & ~TABLE_ALLOCATED) | TABLE_FREED if allocated else before)
