"""The old munlock walk, which needs every page lock, one visit at a time.

Source: munlock_vma_pages_range and __munlock_pagevec, mm/mlock.c (v5.10).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.status import BLOCKED, RAN, ROW_A, ROW_B, ROW_C
from mmbench.machine.walks import MARKED, MUNLOCK, SELECT, START, UNMARK, enter_vma, leave_vma, leave_walk, list_ended
from mmbench.machine.zap import mapped_elsewhere, piece_end
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
from mmbench.pages.unlock_range import count_pagevecs, first_contended, munlock_part


@njit_inner
def munlock_piece(w: Any, task: int, page: int, end: int, work: Any) -> Any:
    """Old munlock of pages [page, end) of one table, up to the first one whose page lock is held.

    Returns (where it stopped, folios munlocked, the page whose lock is held or -1). A huge page is munlocked
    whole or not at all. Mutates: bits, mem, work.
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
    wk.did(work, wk.OLD_MUNLOCK_RMAP, n_elsewhere)
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
    end = piece_end(w, vma, page, width)
    if row[ROW_C]:
        check_munlock(w, task, vma)
    stop, n, held_page = munlock_piece(w, task, page, end, work)
    if w.mem[table_at(w, page >> TABLE_SHIFT)] & TABLE_HUGE:
        wk.did(work, wk.OLD_MUNLOCK_THP, n)
    else:
        wk.did(work, wk.OLD_MUNLOCK_PAGE, n)
    if stop == page:
        w.mem[t + T_WAIT] = WAIT_PAGE
        w.mem[t + T_WAIT_PAGE] = held_page
        return BLOCKED
    w.mem[t + T_WAIT] = WAIT_NONE
    w.mem[t + T_PAGE] = stop
    if stop >= w.mem[vma_at(w, vma) + V_END]:
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
