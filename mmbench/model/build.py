"""Build a world from a table of VMAs: number the PTE tables densely and fill the bit planes.

Addresses keep their place inside a PTE table; tables that no VMA touches take no space. A page of the
model is therefore `table * 512 + (virtual page mod 512)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.errors import InputError
from mmbench.model.bits import FULL, ONE, ZERO, mask_between, popcount
from mmbench.model.layout import (
    PAGES_PER_TABLE,
    TABLE_SHIFT,
    VM_LOCKED,
    VM_PFNMAP,
    WORDS_PER_TABLE,
    VmaTable,
)
from mmbench.model.world import (
    MAX_TASKS,
    MM_NR_MLOCK,
    MM_RSS,
    MM_USERS,
    TABLE_ALLOCATED,
    TABLE_HUGE,
    V_END,
    V_FIRST,
    V_FLAGS,
    V_KIND,
    V_ORDER,
    V_PRESENT,
    World,
    arena_cells,
    new_world,
    views,
)


def number_tables(start: np.ndarray, pages: np.ndarray) -> tuple[np.ndarray, int]:
    """Map VMA starts to model pages: (first, n_tables), dropping untouched tables.

    start, pages: int64 (n_vmas,), sorted and disjoint. A table shared by neighbours is numbered once.
    """
    low = start >> TABLE_SHIFT
    high = (start + pages - 1) >> TABLE_SHIFT
    shared = np.zeros(len(start), dtype=np.int64)
    shared[1:] = low[1:] == high[:-1]
    own = high - low + 1 - shared
    first_table = np.concatenate(([0], np.cumsum(own)[:-1])) - shared
    return (first_table << TABLE_SHIFT) + (start & (PAGES_PER_TABLE - 1)), int(own.sum())


@njit
def set_pages(plane: Any, first: int, end: int) -> None:
    """Set the bits of pages [first, end), whole tables at once. plane: uint64 (n_tables, 8). Mutates: plane."""
    page = first
    while page < end:
        if page & (PAGES_PER_TABLE - 1) == 0 and end - page >= PAGES_PER_TABLE:
            for table in range(page >> TABLE_SHIFT, end >> TABLE_SHIFT):
                for word in range(WORDS_PER_TABLE):
                    plane[table, word] = FULL
            page = end & ~(PAGES_PER_TABLE - 1)
            continue
        word_end = min(end, (page | 63) + 1)
        plane[page >> TABLE_SHIFT, (page >> 6) & 7] |= mask_between(page & 63, word_end - (page & ~63))
        page = word_end


@njit
def set_spread(plane: Any, first: int, pages: int, n: int) -> None:
    """Set n of the `pages` bits from `first` on, as evenly as integers allow. Mutates: plane."""
    if n == pages:
        set_pages(plane, first, first + pages)
        return
    for k in range(n):
        page = first + (k * pages) // n
        plane[page >> TABLE_SHIFT, (page >> 6) & 7] |= ONE << np.uint64(page & 63)


@njit
def set_first_present(plane: Any, present: Any, first: int, end: int, n: int) -> None:
    """Set the bits of the first n present pages of [first, end). Mutates: plane."""
    for page in range(first, end):
        if n == 0:
            return
        bit = ONE << np.uint64(page & 63)
        if present[page >> TABLE_SHIFT, (page >> 6) & 7] & bit:
            plane[page >> TABLE_SHIFT, (page >> 6) & 7] |= bit
            n -= 1


@njit
def fill_vma(present: Any, state: Any, first: int, pages: int, resident: int, huge: int) -> None:
    """Make `resident` pages of one VMA present, the first `huge` aligned blocks of it as huge pages.

    present: uint64 (n_tables, 8); state: int64 (n_tables,). Mutates: present, state.
    """
    huge_first = (first + PAGES_PER_TABLE - 1) & ~(PAGES_PER_TABLE - 1) if huge else first
    huge_end = huge_first + huge * PAGES_PER_TABLE
    for table in range(huge_first >> TABLE_SHIFT, (huge_first >> TABLE_SHIFT) + huge):
        state[table] |= TABLE_HUGE
    rest = resident - (huge_end - huge_first)
    head = huge_first - first
    tail = first + pages - huge_end
    in_head = rest * head // (head + tail) if head + tail else 0
    set_pages(present, huge_first, huge_end)
    set_spread(present, first, head, in_head)
    set_spread(present, huge_end, tail, rest - in_head)


@njit
def fill_regular(vmas: Any, huge: Any, explicit: Any, present: Any, state: Any) -> None:
    """Fill all VMAs whose residency is not given page by page.

    vmas: int64 (n_vmas, N_VMA); huge, explicit: int64 (n_vmas,). Mutates: present, state.
    """
    for v in range(len(vmas)):
        first, end = vmas[v, V_FIRST], vmas[v, V_END]
        if explicit[v]:
            block = -(-first // PAGES_PER_TABLE)
            for table in range(block, block + huge[v]):
                state[table] |= TABLE_HUGE
        else:
            fill_vma(present, state, first, end - first, vmas[v, V_PRESENT], huge[v])


@njit_inline
def lock_part(present: Any, mlocked: Any, table: int, first: int, end: int, locked: bool) -> bool:
    """True when a page of [first, end) of one table is present; those that are get PG_mlocked if `locked`.

    0 <= first < end <= 512. Mutates: mlocked.
    """
    found = ZERO
    if first == 0 and end == PAGES_PER_TABLE:  # the same without masks, which take longer than the words do
        for word in range(WORDS_PER_TABLE):
            found |= present[table, word]
            if locked:
                mlocked[table, word] |= present[table, word]
        return found != ZERO
    for word in range(first >> 6, ((end - 1) >> 6) + 1):
        mask = mask_between(max(first - (word << 6), 0), min(end - (word << 6), 64))
        here = present[table, word] & mask
        found |= here
        if locked:
            mlocked[table, word] |= here
    return found != ZERO


@njit
def lock_and_allocate(vmas: Any, present: Any, mlocked: Any, state: Any) -> None:
    """Set PG_mlocked on the present pages of VM_LOCKED VMAs; allocate the tables that have a page.

    Pages of a VM_PFNMAP VMA are never mlocked (VM_SPECIAL in mlock_fixup, mm/mlock.c).

    Mutates: mlocked, state.
    """
    for v in range(len(vmas)):
        page, end = vmas[v, V_FIRST], vmas[v, V_END]
        locked = vmas[v, V_FLAGS] & (VM_LOCKED | VM_PFNMAP) == VM_LOCKED
        while page < end:
            table = page >> TABLE_SHIFT
            base = table << TABLE_SHIFT
            stop = min(end, base + PAGES_PER_TABLE)
            if lock_part(present, mlocked, table, page - base, stop - base, locked):
                state[table] |= TABLE_ALLOCATED
            page = stop


@njit
def count_pages(plane: Any, first: int, end: int) -> Any:
    """Count the set bits of pages [first, end)."""
    n = np.int64(0)
    page = first
    while page < end:
        word_end = min(end, (page | 63) + 1)
        n += popcount(plane[page >> TABLE_SHIFT, (page >> 6) & 7] & mask_between(page & 63, word_end - (page & ~63)))
        page = word_end
    return n  # type: ignore[return-value]


def model_bytes(vmas: VmaTable, n_tasks: int) -> int:
    """Bytes that `build` will allocate for this victim."""
    _, n_tables = number_tables(vmas.start, vmas.pages)
    plane = n_tables * WORDS_PER_TABLE * 8 if vmas.elsewhere.any() else 0
    return 8 * arena_cells(n_tasks, vmas.n_vmas, n_tables) + plane


def build(vmas: VmaTable, n_tasks: int) -> World:
    """Build the world of a live mm with these VMAs and `n_tasks` idle tasks.

    PG_mlocked is set on every resident page of a VM_LOCKED VMA that is not VM_PFNMAP. Raises InputError for more
    tasks than MAX_TASKS and MemoryError when the planes cannot be allocated.
    """
    if not 1 <= n_tasks <= MAX_TASKS:
        raise InputError(f"a world has 1 to {MAX_TASKS} tasks; found {n_tasks}.")
    first, n_tables = number_tables(vmas.start, vmas.pages)
    elsewhere = np.zeros((n_tables if vmas.elsewhere.any() else 0, WORDS_PER_TABLE), dtype=np.uint64)
    w = new_world(n_tasks, vmas.n_vmas, n_tables, elsewhere.reshape(-1))
    v = views(w)
    columns = {V_FIRST: first, V_END: first + vmas.pages, V_FLAGS: vmas.flags, V_PRESENT: vmas.resident}
    for column, values in (columns | {V_KIND: vmas.kind, V_ORDER: vmas.order}).items():
        v.vmas[:, column] = values
    explicit = np.zeros(vmas.n_vmas, dtype=np.int64)
    explicit[list(vmas.runs)] = 1
    fill_regular(v.vmas, vmas.huge, explicit, v.present, v.table_state)
    for k, runs in vmas.runs.items():
        for low, high in runs:
            set_pages(v.present, first[k] + low, first[k] + high)
    lock_and_allocate(v.vmas, v.present, v.mlocked, v.table_state)
    for k in np.flatnonzero(vmas.elsewhere).tolist():
        set_first_present(elsewhere, v.present, v.vmas[k, V_FIRST], v.vmas[k, V_END], vmas.elsewhere[k])
    v.mm[MM_USERS] = 1
    v.mm[MM_RSS] = vmas.resident_pages
    v.mm[MM_NR_MLOCK] = vmas.locked_pages
    return w
