"""Victims made to measure: so many bytes in so many VMAs, this share locked, that share huge.

Everything is integer arithmetic on the arguments, so the same arguments give the same victim on every
machine, and the counts add up exactly. Nothing is random.
"""

from __future__ import annotations

import numpy as np

from mmbench.errors import InputError, nearest
from mmbench.model.layout import (
    ANON,
    KIND_NAMES,
    MAX_ORDER,
    MAX_PAGES,
    PAGE_BYTES,
    PAGES_PER_TABLE,
    SHMEM,
    VM_HUGETLB,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_SHARED,
    VmaTable,
    vma_table,
)
from mmbench.victims.apportion import interleave, proportional, split_evenly, vmas_per_group
from mmbench.victims.sizes import check_share, check_size, format_share, format_size
from mmbench.victims.victim import MAX_VMAS, Victim

FIRST_PAGE = 1 << 20  # 4 GiB: above everything that a program maps at fixed low addresses


def synthetic(
    size_bytes: int,
    locked: float = 0.9,
    vmas: int = 1000,
    thp: float = 0.0,
    kind: str = "anon",
    shared: float = 0.0,
    elsewhere: float = 0.0,
    hugetlb: float = 0.0,
    resident: float = 1.0,
    order: int = 0,
    gap_pages: int = 1,
) -> Victim:
    """Build a victim of exactly `size_bytes` (rounded up to a page) in exactly `vmas` VMAs.

    hugetlb:   share of the size in VM_HUGETLB VMAs, in whole 2 MiB blocks; always resident, never VM_LOCKED
    locked:    share of the rest in VM_LOCKED VMAs, exact to the page, spread evenly through the address space
    shared:    share of each of these that is VM_SHARED; shared anonymous memory is shmem, as in the kernel
    resident:  share of the rest that is mapped. A locked VMA that is not wholly resident is VM_LOCKONFAULT,
               because a plain mlock would have faulted it in
    thp:       share of the rest's resident pages mapped by PMD entries, as far as the 2 MiB blocks that lie
               wholly inside VMAs allow; with thp > 0 every VMA of 512 pages or more starts 2 MiB aligned
    elsewhere: share of the resident pages that another process maps too
    order:     folio order of the pages mapped by PTEs, in VMAs large enough to hold such a folio
    gap_pages: unmapped pages between two VMAs; 511 or more puts every small VMA under a page table of its own

    Raises InputError for a share outside [0, 1], an unknown kind, more VMAs than fit, fewer VMAs than the
    shares need, or an address space that is too small.
    """
    check_size(size_bytes)
    for name, share in (
        ("locked", locked),
        ("thp", thp),
        ("shared", shared),
        ("elsewhere", elsewhere),
        ("hugetlb", hugetlb),
        ("resident", resident),
    ):
        check_share(share, name)
    _check_count("vmas", vmas, 1, MAX_VMAS)
    _check_count("order", order, 0, MAX_ORDER)
    _check_count("gap_pages", gap_pages, 0, MAX_PAGES)
    if kind not in KIND_NAMES:
        raise nearest(str(kind), list(KIND_NAMES), "kind of memory")

    n_pages = -(-size_bytes // PAGE_BYTES)
    pages, flags = _pages_and_flags(n_pages, vmas, hugetlb, locked, shared)
    is_hugetlb = (flags & VM_HUGETLB) != 0
    mapped = proportional(_part(resident, int(pages[~is_hugetlb].sum())), np.where(is_hugetlb, 0, pages))
    mapped[is_hugetlb] = pages[is_hugetlb]
    flags[((flags & VM_LOCKED) != 0) & (mapped < pages)] |= VM_LOCKONFAULT
    start = _place(pages, gap_pages, aligned=(pages >= PAGES_PER_TABLE) & (is_hugetlb | (thp > 0)))
    kinds = np.full(vmas, KIND_NAMES.index(kind), dtype=np.int64)
    kinds[((flags & VM_SHARED) != 0) & (kinds == ANON)] = SHMEM
    table = vma_table(
        {
            "start": start,
            "pages": pages,
            "flags": flags,
            "kind": kinds,
            "resident": mapped,
            "huge": _huge(start, pages, mapped, is_hugetlb, thp),
            "order": np.where(~is_hugetlb & (pages >> order > 0), order, 0),
            "elsewhere": proportional(_part(elsewhere, int(mapped.sum())), mapped),
        }
    )
    return Victim(f"synthetic-{format_size(size_bytes).replace(' ', '')}", table, "synthetic", _facts(table))


def _pages_and_flags(
    n_pages: int, n_vmas: int, hugetlb: float, locked: float, shared: float
) -> tuple[np.ndarray, np.ndarray]:
    """Split the pages into groups of equal flags, each group into VMAs, and shuffle the groups evenly."""
    huge_pages = _part(hugetlb, n_pages // PAGES_PER_TABLE) * PAGES_PER_TABLE
    locked_pages = _part(locked, n_pages - huge_pages)
    groups = []  # (flags, pages, pages per unit)
    for flag, group_pages, unit in (
        (VM_HUGETLB, huge_pages, PAGES_PER_TABLE),
        (VM_LOCKED, locked_pages, 1),
        (0, n_pages - huge_pages - locked_pages, 1),
    ):
        shared_pages = _part(shared, group_pages // unit) * unit
        groups += [(flag | VM_SHARED, shared_pages, unit), (flag, group_pages - shared_pages, unit)]
    groups = [group for group in groups if group[1] > 0]
    counts = vmas_per_group(n_vmas, [pages // unit for _, pages, unit in groups], [pages for _, pages, _ in groups])
    pages = np.concatenate([split_evenly(p // unit, n) * unit for (_, p, unit), n in zip(groups, counts, strict=True)])
    flags = np.repeat(np.array([flag for flag, _, _ in groups], dtype=np.int64), counts)
    order = interleave(counts)
    return pages[order], flags[order]


def _place(pages: np.ndarray, gap_pages: int, aligned: np.ndarray) -> np.ndarray:
    """Lay the VMAs out upwards from FIRST_PAGE; an aligned one starts at the next multiple of 512 pages.

    After an aligned VMA the offset within its 2 MiB is known, so the running sum restarts there: what
    precedes only decides how many whole blocks were used.
    """
    step = pages + gap_pages
    run = np.cumsum(aligned)  # VMAs after the k-th aligned one belong to run k
    first = np.flatnonzero(np.diff(run, prepend=-1))
    lengths = np.add.reduceat(step, first)
    blocks = -(-lengths // PAGES_PER_TABLE) * PAGES_PER_TABLE
    base = np.cumsum(blocks) - blocks
    before = np.cumsum(step) - step
    start: np.ndarray = FIRST_PAGE + before - np.repeat(before[first] - base, np.diff(first, append=len(step)))
    end = int(start[-1] + pages[-1])
    if end > MAX_PAGES:
        raise InputError(
            f"this victim needs {format_size(end * PAGE_BYTES)} of addresses; a 48-bit address space has "
            f"{format_size(MAX_PAGES * PAGE_BYTES)}. Make it smaller, or lower gap_pages."
        )
    return start


def _huge(start: np.ndarray, pages: np.ndarray, mapped: np.ndarray, is_hugetlb: np.ndarray, thp: float) -> np.ndarray:
    """Count the PMD-mapped blocks of each VMA: all of a hugetlb VMA, `thp` of the others as far as they fit."""
    first = -(-start // PAGES_PER_TABLE)
    room = np.minimum(np.maximum((start + pages) // PAGES_PER_TABLE - first, 0), mapped // PAGES_PER_TABLE)
    room[is_hugetlb] = 0
    wanted = _part(thp, int(mapped[~is_hugetlb].sum()) // PAGES_PER_TABLE)
    huge = proportional(min(wanted, int(room.sum())), room)
    huge[is_hugetlb] = pages[is_hugetlb] // PAGES_PER_TABLE
    return huge


def _facts(table: VmaTable) -> dict[str, str]:
    """State what was really built, since shares are rounded to pages, blocks and VMAs."""
    plain = (table.flags & VM_HUGETLB) == 0
    mapped = int(table.resident[plain].sum())
    huge = int(table.huge[plain].sum()) * PAGES_PER_TABLE
    facts = {
        "size": format_size(int(table.pages.sum()) * PAGE_BYTES),
        "vmas": str(table.n_vmas),
        "resident": format_size(table.resident_pages * PAGE_BYTES),
        "locked": format_size(table.locked_pages * PAGE_BYTES),
    }
    return facts | ({"thp": f"{format_share(huge / mapped)} of the resident pages"} if huge else {})


def _part(share: float, whole: int) -> int:
    """Return the nearest integer to share * whole, without the float error of a product above 2**53."""
    numerator, denominator = float(share).as_integer_ratio()
    return (2 * whole * numerator + denominator) // (2 * denominator)


def _check_count(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is {value}. Allowed: a whole number from {low} to {high}.")
