"""Synthetic victims: exact counts, even spread, and errors that say how much fits."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.model.layout import (
    ANON,
    COLUMNS,
    SHMEM,
    VM_HUGETLB,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_SHARED,
    check_vma_table,
)
from mmbench.victims.apportion import interleave, proportional, split_evenly, vmas_per_group
from mmbench.victims.synthetic import synthetic

SHARES = st.sampled_from([0.0, 1.0, 0.5, 0.9, 1 / 3, 0.001, 0.999])
PAGE = 4096


def nearest_integer(share: float, whole: int) -> int:
    return int(Fraction(share) * whole + Fraction(1, 2))


@given(
    st.integers(1, 6000),
    st.integers(1, 6000),
    SHARES,
    SHARES,
    SHARES,
    SHARES,
    SHARES,
    SHARES,
    st.integers(0, 9),
    st.sampled_from([0, 1, 7, 511, 600]),
    st.sampled_from(["anon", "file", "shmem"]),
    st.integers(0, PAGE - 1),
)
def test_counts_are_exact(
    n_pages: int,
    vmas: int,
    locked: float,
    thp: float,
    shared: float,
    elsewhere: float,
    hugetlb: float,
    resident: float,
    order: int,
    gap: int,
    kind: str,
    short_bytes: int,
) -> None:
    try:
        table = synthetic(
            n_pages * PAGE - short_bytes if n_pages > 1 else PAGE,
            locked,
            vmas,
            thp,
            kind,
            shared,
            elsewhere,
            hugetlb,
            resident,
            order,
            gap,
        ).vmas
    except InputError as error:
        assume("do not fit" not in str(error) and "kinds of VMA" not in str(error))
        raise
    check_vma_table(table)
    is_hugetlb = (table.flags & VM_HUGETLB) != 0
    is_locked = (table.flags & VM_LOCKED) != 0
    huge_pages = nearest_integer(hugetlb, n_pages // 512) * 512
    assert table.n_vmas == vmas
    assert table.pages.sum() == n_pages
    assert table.pages[is_hugetlb].sum() == huge_pages
    assert table.pages[is_locked].sum() == nearest_integer(locked, n_pages - huge_pages)
    assert not (is_locked & is_hugetlb).any()
    assert table.resident[~is_hugetlb].sum() == nearest_integer(resident, n_pages - huge_pages)
    assert (table.resident[is_hugetlb] == table.pages[is_hugetlb]).all()
    assert table.elsewhere.sum() == nearest_integer(elsewhere, int(table.resident.sum()))
    assert (table.huge[is_hugetlb] * 512 == table.pages[is_hugetlb]).all()
    assert (table.start[is_hugetlb] % 512 == 0).all()
    wanted = nearest_integer(thp, int(table.resident[~is_hugetlb].sum()) // 512)
    room = np.minimum((table.start + table.pages) // 512 + -table.start // 512, table.resident // 512)[~is_hugetlb]
    assert table.huge[~is_hugetlb].sum() == min(wanted, room[room > 0].sum())
    if thp > 0:
        assert (table.start[table.pages >= 512] % 512 == 0).all()
    gaps = table.start[1:] - (table.start + table.pages)[:-1]
    assert (gaps >= gap).all() and (gaps < gap + 512).all()
    partly_locked = is_locked & (table.resident < table.pages)
    assert ((table.flags & VM_LOCKONFAULT != 0) == partly_locked).all()
    if kind == "anon" and not hugetlb:
        assert ((table.kind == SHMEM) == (table.flags & VM_SHARED != 0)).all()
        assert ((table.kind == ANON) == (table.flags & VM_SHARED == 0)).all()


@pytest.mark.parametrize("locked", [0.1, 0.5, 0.9])
def test_locked_vmas_are_spread_through_the_address_space(locked: float) -> None:
    table = synthetic(64 << 30, locked=locked, vmas=1000).vmas
    seen = np.cumsum((table.flags & VM_LOCKED) != 0)
    due = locked * np.arange(1, 1001)
    assert np.abs(seen - due).max() <= 1.5


def test_vmas_are_not_table_aligned_by_default() -> None:
    assert len(np.unique(synthetic(64 << 30).vmas.start % 512)) > 100


def test_thp_reaches_its_share_where_blocks_are_many() -> None:
    table = synthetic(64 << 30, thp=0.3).vmas
    assert table.huge.sum() * 512 / table.resident.sum() == pytest.approx(0.3, abs=1e-4)


def test_the_same_arguments_give_the_same_victim() -> None:
    one, two = (synthetic(1 << 34, vmas=777, thp=0.3, shared=0.2, resident=0.7).vmas for _ in range(2))
    for name in COLUMNS:
        assert (getattr(one, name) == getattr(two, name)).all()


@pytest.mark.parametrize("vmas", [1000, 262_144])
def test_sixteen_tebibytes_build_at_once(vmas: int) -> None:
    begin = time.perf_counter()
    table = synthetic(16 << 40, vmas=vmas, thp=0.3, resident=0.7, shared=0.2, elsewhere=0.1, hugetlb=0.1).vmas
    assert time.perf_counter() - begin < 2.0  # 0.3 s when the machine is idle
    assert table.pages.sum() == 1 << 32
    assert table.resident[table.flags & VM_HUGETLB == 0].sum() == nearest_integer(
        0.7, int(table.pages[table.flags & VM_HUGETLB == 0].sum())
    )


def test_a_large_gap_gives_every_page_its_own_table() -> None:
    table = synthetic(1 << 20, vmas=256, gap_pages=511).vmas
    assert len(np.unique(table.start // 512)) == 256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size_bytes": 1 << 20, "vmas": 257}, "at most 256"),
        ({"size_bytes": 1 << 23, "vmas": 5, "hugetlb": 1.0}, "at most 4"),
        ({"size_bytes": 1 << 30, "vmas": 1}, "vmas >= 2"),
        ({"size_bytes": 1 << 30, "vmas": 0}, "Allowed: a whole number from 1"),
        ({"size_bytes": 1 << 30, "vmas": 10**9}, "Allowed: a whole number from 1"),
        ({"size_bytes": 1 << 30, "locked": float("nan")}, "locked is nan"),
        ({"size_bytes": 1 << 30, "thp": -0.1}, "thp is -0.1"),
        ({"size_bytes": 1 << 30, "elsewhere": 2.0}, "elsewhere is 2.0"),
        ({"size_bytes": 1 << 30, "order": 10}, "order is 10"),
        ({"size_bytes": 1 << 30, "gap_pages": -1}, "gap_pages is -1"),
        ({"size_bytes": 1 << 30, "kind": "fiel"}, "Did you mean 'file'"),
        ({"size_bytes": 256 << 40}, "this victim needs 256 TiB of addresses"),
        ({"size_bytes": 1 << 30, "vmas": 1000, "gap_pages": 1 << 36}, "lower gap_pages"),
    ],
)
def test_errors_say_what_fits(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthetic(**arguments)  # type: ignore[arg-type]


@given(st.integers(0, 1 << 40), st.integers(1, 500))
def test_split_evenly(total: int, n: int) -> None:
    parts = split_evenly(total, n)
    assert parts.sum() == total and len(parts) == n and np.ptp(parts) <= 1


@given(st.lists(st.integers(0, 1 << 36), min_size=1, max_size=50), st.floats(0, 1))
def test_proportional_stays_under_every_weight(weights: list[int], share: float) -> None:
    array = np.array(weights, dtype=np.int64)
    total = int(Fraction(share) * sum(weights))
    parts = proportional(total, array)
    assert parts.sum() == total
    assert (parts >= 0).all() and (parts <= array).all()
    for part, weight in zip(parts.tolist(), weights, strict=True):
        assert abs(part - Fraction(total * weight, max(sum(weights), 1))) < 1


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 512)), min_size=1, max_size=6), st.data())
def test_every_group_gets_a_vma_and_none_more_than_fit(groups: list[tuple[int, int]], data: st.DataObject) -> None:
    units = [n for n, _ in groups]
    n_vmas = data.draw(st.integers(len(units), sum(units)))
    counts = vmas_per_group(n_vmas, units, [n * unit for n, unit in groups])
    assert sum(counts) == n_vmas
    assert all(1 <= count <= unit for count, unit in zip(counts, units, strict=True))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_interleave_is_an_even_permutation(counts: list[int]) -> None:
    order = interleave(counts)
    assert sorted(order.tolist()) == list(range(sum(counts)))
    group = np.repeat(np.arange(len(counts)), counts)[order]
    for g, n in enumerate(counts):
        due = n * np.arange(1, len(group) + 1) / len(group)
        assert np.abs(np.cumsum(group == g) - due).max() <= len(counts)
