"""The old munlock walk, which needs every page lock, one visit at a time.

A huge page is locked first and then munlocked. Base pages go in batches (pagevecs) of two phases: PG_mlocked of the
whole batch is cleared under one hold of the LRU lock, and then the page locks are taken one by one. So a base page that
the walk sleeps on is no longer mlocked, nor are the up to 14 around it.

Source: munlock_vma_pages_range and __munlock_pagevec, mm/mlock.c (v5.10).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.status import BLOCKED, RAN, ROW_A, ROW_B, ROW_C
from mmbench.machine.walks import MARKED, MUNLOCK, SELECT, START, UNMARK, enter_vma, leave_vma, leave_walk, list_ended
from mmbench.machine.zap import account_rmap_walks, mapped_elsewhere, piece_end
from mmbench.model.bits import ZERO
from mmbench.model.invariants import MUNLOCK_AND_ZAP_SHARE_VMA
from mmbench.model.layout import PAGES_PER_TABLE, TABLE_SHIFT, VM_LOCKED, VM_LOCKONFAULT, VM_PFNMAP
from mmbench.model.world import (
    MLOCKED,
    MM_MUNLOCK_VMA,
    MM_N_TASKS,
    MM_NR_MLOCK,
    MM_VIOLATIONS,
    MM_WALKERS,
    PG_LOCKED,
    PRESENT,
    T_PAGE,
    T_PAGEVEC,
    T_SUB,
    T_VMA,
    T_WAIT,
    T_WAIT_PAGE,
    T_ZAPPING,
    TABLE_ALLOCATED,
    TABLE_HUGE,
    V_END,
    V_FLAGS,
    WAIT_NONE,
    WAIT_PAGE,
    plane_at,
    table_at,
    task_at,
    vma_at,
)
from mmbench.pages.unlock_range import (
    count_pagevecs,
    first_contended,
    isolated,
    munlock_part,
    next_bit,
    pagevec_of,
)
from mmbench.sync import page_lock


@njit_inner
def munlock_piece(w: Any, task: int, page: int, end: int, work: Any) -> Any:
    """Munlock pages [page, end) of one table, each with its lock first, up to the first one whose lock is held.

    So a huge page goes, whole or not at all, and so a reaper must go that trylocks. Returns (where it stopped, folios
    munlocked, the page whose lock is held or -1). Mutates: bits, mem, work.
    """
    table = page >> TABLE_SHIFT
    base = table << TABLE_SHIFT
    state = w.mem[table_at(w, table)]
    if not state & TABLE_ALLOCATED:
        return end, 0, -1
    first, stop = page - base, end - base
    present, mlocked = plane_at(w, PRESENT, table), plane_at(w, MLOCKED, table)
    held = first_contended(w.bits, present, mlocked, plane_at(w, PG_LOCKED, table), first, stop)
    held_page = base + held if held < stop else -1
    if held < stop:
        stop = first if state & TABLE_HUGE else held
    n_elsewhere = mapped_elsewhere(w, mlocked, table, first, stop)
    n_pagevecs = 0 if state & TABLE_HUGE else count_pagevecs(w.bits, present, first, stop)
    n, n_absent = munlock_part(w.bits, present, mlocked, first, stop)
    w.mem[MM_NR_MLOCK] -= n
    account_rmap_walks(n_elsewhere, state & TABLE_HUGE != 0, work)
    if state & TABLE_HUGE:
        n //= PAGES_PER_TABLE
    if w.mem[MM_WALKERS] & ~(1 << task):
        wk.did(work, wk.LRU_CONTENDED, n)
    if state & TABLE_HUGE:
        return base + stop, n, held_page
    wk.did(work, wk.OLD_MUNLOCK_PAGEVEC, n_pagevecs)
    wk.did(work, wk.OLD_MUNLOCK_ABSENT, n_absent)
    return base + stop, n, held_page


@njit_inner
def wait_for_page(w: Any, task: int, page: int) -> int:
    """lock_page of a page whose lock is held: say so. Returns BLOCKED. Mutates: mem."""
    w.mem[task_at(task) + T_WAIT] = WAIT_PAGE
    w.mem[task_at(task) + T_WAIT_PAGE] = page
    return BLOCKED


@njit_inner
def munlock_pagevecs(w: Any, task: int, vma: int, width: int, work: Any) -> None:
    """Old munlock of the base pages from the cursor on: whole batches, at least `width` pages if there are so many.

    Stops in the batch of the first page whose lock is held, all of it munlocked, the locks before that page taken and
    given back: the cursor is at the batch's begin then, and T_PAGEVEC says what is to lock. Mutates: bits, mem, work.
    """
    t = task_at(task)
    page = w.mem[t + T_PAGE]
    table = page >> TABLE_SHIFT
    base = table << TABLE_SHIFT
    first, stop = page - base, piece_end(w, vma, page, width) - base
    end = piece_end(w, vma, page, PAGES_PER_TABLE) - base
    present, mlocked = plane_at(w, PRESENT, table), plane_at(w, MLOCKED, table)
    last = next_bit(w.bits, present, stop - 1, stop, ZERO)
    if stop < end and last < stop:
        _, stop = pagevec_of(w.bits, present, first, last, end)
    held = first_contended(w.bits, present, mlocked, plane_at(w, PG_LOCKED, table), first, stop)
    w.mem[t + T_PAGE] = base + stop
    if held < stop:
        begin, stop = pagevec_of(w.bits, present, first, held, end)
        w.mem[t + T_PAGE] = base + begin
        w.mem[t + T_PAGEVEC] = isolated(w.bits, mlocked, begin, stop) >> (held - begin) << (held - begin)
    account_rmap_walks(mapped_elsewhere(w, mlocked, table, first, stop), False, work)
    wk.did(work, wk.OLD_MUNLOCK_PAGEVEC, count_pagevecs(w.bits, present, first, stop))
    n, n_absent = munlock_part(w.bits, present, mlocked, first, stop)
    w.mem[MM_NR_MLOCK] -= n
    wk.did(work, wk.OLD_MUNLOCK_PAGE, n)
    wk.did(work, wk.OLD_MUNLOCK_ABSENT, n_absent)
    if w.mem[MM_WALKERS] & ~(1 << task):
        wk.did(work, wk.LRU_CONTENDED, n)


@njit_inner
def lock_pagevec(w: Any, task: int) -> int:
    """Phase 2 of a batch: lock_page of its pages in turn, each given back at once; blocks at one that is held.

    Mutates: mem.
    """
    t = task_at(task)
    page, to_lock = w.mem[t + T_PAGE], w.mem[t + T_PAGEVEC]
    k = 0
    while to_lock >> (k + 1):
        if to_lock >> k & 1:
            if page_lock.is_locked(w, page + k):
                if to_lock == w.mem[t + T_PAGEVEC]:
                    return wait_for_page(w, task, page + k)
                w.mem[t + T_PAGEVEC] = to_lock
                return RAN
            to_lock &= ~(1 << k)
        k += 1
    w.mem[t + T_PAGE] = page + k
    w.mem[t + T_PAGEVEC] = 0
    return RAN


@njit_inner
def check_munlock(w: Any, task: int, vma: int) -> None:
    """Record an old munlock walk that shares its VMA with a zapper (I5). Mutates: mem."""
    for other in range(w.mem[MM_N_TASKS]):
        if other != task and w.mem[task_at(other) + T_ZAPPING] == vma + 1:
            w.mem[MM_VIOLATIONS] |= 1 << MUNLOCK_AND_ZAP_SHARE_VMA


@njit_inner
def munlock_visit(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """Munlock the next piece; wait at a page whose lock is held. Mutates: bits, mem, work."""
    t = task_at(task)
    vma = w.mem[t + T_VMA]
    page = w.mem[t + T_PAGE]
    state = w.mem[table_at(w, page >> TABLE_SHIFT)]
    if row[ROW_C]:
        check_munlock(w, task, vma)
    if w.mem[t + T_PAGEVEC]:
        if lock_pagevec(w, task) == BLOCKED:
            return BLOCKED
    elif not state & TABLE_ALLOCATED:
        w.mem[t + T_PAGE] = piece_end(w, vma, page, width)
    elif state & TABLE_HUGE:
        stop, n, held_page = munlock_piece(w, task, page, piece_end(w, vma, page, width), work)
        if stop == page:
            return wait_for_page(w, task, held_page)
        wk.did(work, wk.OLD_MUNLOCK_THP, n)
        w.mem[t + T_PAGE] = stop
    else:
        munlock_pagevecs(w, task, vma, width, work)
    w.mem[t + T_WAIT] = WAIT_NONE
    if not w.mem[t + T_PAGEVEC] and w.mem[t + T_PAGE] >= w.mem[vma_at(w, vma) + V_END]:
        w.mem[MM_MUNLOCK_VMA] = 0
        leave_vma(w, task, vma, vma if row[ROW_B] else vma + 1)
        if row[ROW_B]:
            w.mem[t + T_SUB] = UNMARK
    return RAN


@njit_inner
def begin_munlock(w: Any, task: int, row: Any, vma: int, work: Any) -> int:
    """Clear VM_LOCKED of a VMA, then walk it. Row C: the walk cannot bear a zapper beside it (I5).

    Mutates: mem, work.
    """
    w.mem[vma_at(w, vma) + V_FLAGS] &= ~(VM_LOCKED | VM_LOCKONFAULT)
    enter_vma(w, task, vma, MUNLOCK, work)
    if row[ROW_C]:
        w.mem[MM_MUNLOCK_VMA] = vma + 1
    return RAN


@njit_inner
def unlock_range(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """One visit of unlock_range. Row: mark flag (0 for none), unmark when done, claims its VMA.

    With a mark, marking and clearing VM_LOCKED are two steps, in that order.
    """
    t = task_at(task)
    sub = w.mem[t + T_SUB]
    if sub == MUNLOCK:
        return munlock_visit(w, task, row, width, work)
    if sub == START:
        w.mem[t + T_VMA] = 0
        w.mem[t + T_SUB] = SELECT
    vma = w.mem[t + T_VMA]
    if sub == MARKED:
        return begin_munlock(w, task, row, vma, work)
    if sub == UNMARK:
        w.mem[vma_at(w, vma) + V_FLAGS] &= ~row[ROW_A]
        w.mem[t + T_VMA] = vma + 1
        w.mem[t + T_SUB] = SELECT
        return RAN
    if list_ended(w, vma):
        return leave_walk(w, task, row)
    if not w.mem[vma_at(w, vma) + V_FLAGS] & VM_LOCKED or w.mem[vma_at(w, vma) + V_FLAGS] & VM_PFNMAP:
        w.mem[t + T_VMA] = vma + 1
        return RAN
    if row[ROW_A]:
        w.mem[vma_at(w, vma) + V_FLAGS] |= row[ROW_A]
        w.mem[t + T_SUB] = MARKED
        wk.did(work, wk.LOCK_OP, 1)
        return RAN
    return begin_munlock(w, task, row, vma, work)
