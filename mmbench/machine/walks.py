"""Walks: the ops that visit VMAs and tables, one atomic step per visit, repeating at their label until done.

The place inside a walk is T_SUB. Each function handles one visit and returns a status.
Source: __oom_reap_task_mm, mm/oom_kill.c; unmap_vmas, mm/memory.c; munlock_vma_pages_range, mm/mlock.c
(v5.10, v5.17, v6.0.19, v6.18).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.kernels.free_pgtables import free_tables
from mmbench.kernels.unlock_range import first_contended, munlock_part
from mmbench.machine import work as wk
from mmbench.machine.gather import finish_gather, open_gather
from mmbench.machine.locks import forget_passed
from mmbench.machine.status import BLOCKED, RAN, ROW_A, ROW_B, ROW_C, ROW_NEXT, WOKE
from mmbench.machine.zap import mapped_elsewhere, piece_end, zap_piece, zap_uncontended_piece
from mmbench.model.invariants import (
    MUNLOCK_AND_ZAP_SHARE_VMA,
    REAP_AFTER_SKIP,
    TABLE_FREED_UNDER_WALKER,
    VMA_WALK_AFTER_FREE,
    ZAP_BEFORE_UNSTABLE,
)
from mmbench.model.layout import (
    ANON,
    PAGES_PER_TABLE,
    TABLE_SHIFT,
    VM_HUGETLB,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_PFNMAP,
    VM_SHARED,
    VM_UNLOCKING,
)
from mmbench.model.world import (
    LIST_DANGLING,
    LIST_LIVE,
    MLOCKED,
    MM_FLAGS,
    MM_MUNLOCK_VMA,
    MM_N_TASKS,
    MM_N_VMAS,
    MM_NR_MLOCK,
    MM_USERS,
    MM_VIOLATIONS,
    MM_VMA_LIST,
    MM_WALKERS,
    MMF_OOM_SKIP,
    MMF_UNSTABLE,
    PG_LOCKED,
    PRESENT,
    T_PAGE,
    T_PART,
    T_PASSED,
    T_PASSES,
    T_PC,
    T_SUB,
    T_VMA,
    T_WAIT,
    T_WAIT_PAGE,
    T_ZAPPING,
    TABLE_ALLOCATED,
    TABLE_HUGE,
    V_END,
    V_FIRST,
    V_FLAGS,
    V_KIND,
    V_PRESENT,
    WAIT_NONE,
    WAIT_PAGE,
    WHY_CONTENDED_VMA,
    WHY_HUGETLB,
    WHY_LOCKED,
    WHY_SHARED,
    WHY_UNLOCKING,
    plane_at,
    table_at,
    task_at,
    vma_at,
)

# Places inside a walk (T_SUB).
START, SELECT, ZAP, FINISH, TRY_MUNLOCK, MARKED, MUNLOCK, UNMARK = range(8)


@njit_inner
def leave_walk(w: Any, task: int, row: Any) -> int:
    """Go to the step after a walk. Mutates: mem."""
    w.mem[task_at(task) + T_SUB] = START
    w.mem[task_at(task) + T_PC] = row[ROW_NEXT]
    return RAN


@njit_inner
def list_ended(w: Any, vma: int) -> bool:
    """True when a walk at cursor `vma` finds no VMA; a dangling list is I8. Mutates: mem."""
    if w.mem[MM_VMA_LIST] == LIST_DANGLING:
        w.mem[MM_VIOLATIONS] |= 1 << VMA_WALK_AFTER_FREE
    return w.mem[MM_VMA_LIST] != LIST_LIVE or vma < 0 or vma >= w.mem[MM_N_VMAS]


@njit_inner
def enter_vma(w: Any, task: int, vma: int, sub: int, work: Any) -> None:
    """Start walking the tables of a VMA. Mutates: mem."""
    w.mem[task_at(task) + T_PAGE] = w.mem[vma_at(w, vma) + V_FIRST]
    w.mem[task_at(task) + T_PART] = 0
    w.mem[task_at(task) + T_SUB] = sub
    w.mem[MM_WALKERS] |= 1 << task
    if sub == ZAP:
        w.mem[task_at(task) + T_ZAPPING] = vma + 1
    wk.did(work, wk.VISIT_VMA, 1)


@njit_inner
def leave_vma(w: Any, task: int, vma: int, next_vma: int) -> None:
    """Stop walking the tables of a VMA; the cursor moves to `next_vma`. Mutates: mem."""
    w.mem[task_at(task) + T_ZAPPING] = 0
    w.mem[task_at(task) + T_VMA] = next_vma
    w.mem[task_at(task) + T_SUB] = SELECT
    w.mem[MM_WALKERS] &= ~(1 << task)


# --- the reap pass ---------------------------------------------------------------------------------


@njit_inner
def start_pass(w: Any, task: int, direction: int) -> None:
    """Begin a reap pass: MMF_UNSTABLE before the first zap. Mutates: mem."""
    if w.mem[MM_FLAGS] & MMF_OOM_SKIP and w.mem[MM_USERS] == 0 and task != 0:
        w.mem[MM_VIOLATIONS] |= 1 << REAP_AFTER_SKIP
    w.mem[MM_FLAGS] |= MMF_UNSTABLE
    w.mem[task_at(task) + T_PASSES] += 1
    w.mem[task_at(task) + T_VMA] = 0 if direction > 0 else w.mem[MM_N_VMAS] - 1
    w.mem[task_at(task) + T_SUB] = SELECT
    forget_passed(w, task)


@njit_inner
def refused(w: Any, task: int, vma: int, skip: int) -> bool:
    """True when the skip mask or the anon-or-private rule keeps a reaper out; books why. Mutates: mem."""
    flags = w.mem[vma_at(w, vma) + V_FLAGS]
    left = w.mem[vma_at(w, vma) + V_PRESENT]
    hit = flags & skip
    if hit & VM_UNLOCKING:
        w.mem[task_at(task) + T_PASSED + WHY_UNLOCKING] += left
    elif hit & VM_LOCKED:
        w.mem[task_at(task) + T_PASSED + WHY_LOCKED] += left
    elif hit & VM_HUGETLB:
        w.mem[task_at(task) + T_PASSED + WHY_HUGETLB] += left
    elif flags & VM_SHARED and w.mem[vma_at(w, vma) + V_KIND] != ANON and not hit:
        w.mem[task_at(task) + T_PASSED + WHY_SHARED] += left
        return True
    return hit != 0


@njit_inner
def reap_select(w: Any, task: int, row: Any, locked_sub: int, work: Any) -> int:
    """Begin the pass, or test the next VMA and enter or skip it, or end the pass.

    locked_sub: ZAP, or TRY_MUNLOCK for VM_LOCKED VMAs. Mutates: mem, work.
    """
    direction = row[ROW_B]
    if w.mem[task_at(task) + T_SUB] == START:
        start_pass(w, task, direction)
        wk.did(work, wk.LOCK_OP, 1)
        return RAN
    vma = w.mem[task_at(task) + T_VMA]
    if list_ended(w, vma):
        return leave_walk(w, task, row)
    if refused(w, task, vma, row[ROW_A]):
        w.mem[task_at(task) + T_VMA] = vma + direction
        wk.did(work, wk.VISIT_VMA, 1)
        return RAN
    if not w.mem[MM_FLAGS] & MMF_UNSTABLE:
        w.mem[MM_VIOLATIONS] |= 1 << ZAP_BEFORE_UNSTABLE
    if locked_sub == TRY_MUNLOCK and w.mem[vma_at(w, vma) + V_FLAGS] & (VM_LOCKED | VM_UNLOCKING):
        w.mem[vma_at(w, vma) + V_FLAGS] &= ~(VM_LOCKED | VM_LOCKONFAULT)
        enter_vma(w, task, vma, TRY_MUNLOCK, work)
        return RAN
    open_gather(w, task, work)
    enter_vma(w, task, vma, ZAP, work)
    return RAN


@njit_inner
def reap_finish(w: Any, task: int, row: Any, work: Any) -> int:
    """Finish the gather of a VMA. Mutates: mem, work."""
    finish_gather(w, task, work)
    leave_vma(w, task, w.mem[task_at(task) + T_VMA], w.mem[task_at(task) + T_VMA] + row[ROW_B])
    return RAN


@njit_inner
def end_of_piece(w: Any, task: int, vma: int, sub: int) -> None:
    """Move on to `sub` when the page cursor has reached the end of the VMA. Mutates: mem."""
    if w.mem[task_at(task) + T_PAGE] >= w.mem[vma_at(w, vma) + V_END]:
        w.mem[task_at(task) + T_SUB] = sub


@njit_inner
def reap_pass(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """One visit of __oom_reap_task_mm. Row: skip mask, direction (+1 or -1), munlock batch."""
    sub = w.mem[task_at(task) + T_SUB]
    if sub == ZAP:
        vma = w.mem[task_at(task) + T_VMA]
        zap_piece(w, task, vma, width, row[ROW_C], work)
        end_of_piece(w, task, vma, FINISH)
        return RAN
    if sub == FINISH:
        return reap_finish(w, task, row, work)
    return reap_select(w, task, row, ZAP, work)


@njit_inner
def reap_pass_trylock_pages(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """As reap_pass; mlocked pages whose page lock is held stay behind."""
    sub = w.mem[task_at(task) + T_SUB]
    if sub == ZAP:
        vma = w.mem[task_at(task) + T_VMA]
        zap_uncontended_piece(w, task, vma, width, work)
        end_of_piece(w, task, vma, FINISH)
        return RAN
    if sub == FINISH:
        return reap_finish(w, task, row, work)
    return reap_select(w, task, row, ZAP, work)


@njit_inner
def try_munlock_visit(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """Munlock the next piece by trylock; at the first contended page give up the VMA.

    Mutates: bits, mem, work.
    """
    vma = w.mem[task_at(task) + T_VMA]
    page = w.mem[task_at(task) + T_PAGE]
    end = piece_end(w, vma, page, width)
    stop, n, _ = munlock_piece(w, task, page, end, work)
    wk.did(work, wk.TRYLOCK_MUNLOCK, n)
    if stop < end:
        w.mem[task_at(task) + T_PASSED + WHY_CONTENDED_VMA] += w.mem[vma_at(w, vma) + V_PRESENT]
        leave_vma(w, task, vma, vma + row[ROW_B])
        return RAN
    w.mem[task_at(task) + T_PAGE] = end
    if end >= w.mem[vma_at(w, vma) + V_END]:
        w.mem[task_at(task) + T_PAGE] = w.mem[vma_at(w, vma) + V_FIRST]
        w.mem[task_at(task) + T_ZAPPING] = vma + 1
        w.mem[task_at(task) + T_SUB] = ZAP
        open_gather(w, task, work)
    return RAN


@njit_inner
def reap_pass_trylock_vmas(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """As reap_pass; a VM_LOCKED VMA is munlocked by trylock first and left at its first contended page."""
    sub = w.mem[task_at(task) + T_SUB]
    if sub == TRY_MUNLOCK:
        return try_munlock_visit(w, task, row, width, work)
    if sub == ZAP:
        vma = w.mem[task_at(task) + T_VMA]
        zap_piece(w, task, vma, width, row[ROW_C], work)
        end_of_piece(w, task, vma, FINISH)
        return RAN
    if sub == FINISH:
        return reap_finish(w, task, row, work)
    return reap_select(w, task, row, TRY_MUNLOCK, work)


# --- exit_mmap's walks ------------------------------------------------------------------------------


@njit_inner
def unmap_vmas(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """One visit of unmap_vmas, low to high, into the open full-mm gather. Row: munlock batch."""
    sub = w.mem[task_at(task) + T_SUB]
    if sub == ZAP:
        vma = w.mem[task_at(task) + T_VMA]
        zap_piece(w, task, vma, width, row[ROW_A], work)
        if w.mem[task_at(task) + T_PAGE] >= w.mem[vma_at(w, vma) + V_END]:
            leave_vma(w, task, vma, vma + 1)
        return RAN
    if sub == START:
        w.mem[task_at(task) + T_VMA] = 0
        w.mem[task_at(task) + T_SUB] = SELECT
    vma = w.mem[task_at(task) + T_VMA]
    if list_ended(w, vma):
        return leave_walk(w, task, row)
    enter_vma(w, task, vma, ZAP, work)
    return RAN


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
    held = first_contended(w.bits, mlocked, plane_at(w, PG_LOCKED, table), first, stop)
    held_page = base + held if held < stop else -1
    if held < stop:
        stop = first if state & TABLE_HUGE else held
    n_elsewhere = mapped_elsewhere(w, mlocked, table, first, stop)
    n, n_absent = munlock_part(w.bits, present, mlocked, first, stop)
    w.mem[MM_NR_MLOCK] -= n
    wk.did(work, wk.OLD_MUNLOCK_RMAP, n_elsewhere)
    if state & TABLE_HUGE:
        n //= PAGES_PER_TABLE
    if w.mem[MM_WALKERS] & ~(1 << task):
        wk.did(work, wk.LRU_CONTENDED, n)
    if state & TABLE_HUGE:
        return base + stop, n, held_page
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


@njit_inner
def free_pgtables(w: Any, task: int, row: Any, work: Any) -> int:
    """Free the tables of one VMA; a table that the next VMA shares waits for that one.

    Mutates: mem, work.
    """
    t = task_at(task)
    if w.mem[t + T_SUB] == START:
        w.mem[t + T_VMA] = 0
        w.mem[t + T_SUB] = SELECT
    vma = w.mem[t + T_VMA]
    if list_ended(w, vma):
        return leave_walk(w, task, row)
    if w.mem[MM_WALKERS] & ~(1 << task):
        w.mem[MM_VIOLATIONS] |= 1 << TABLE_FREED_UNDER_WALKER
    end = ((w.mem[vma_at(w, vma) + V_END] - 1) >> TABLE_SHIFT) + 1
    if vma + 1 < w.mem[MM_N_VMAS] and w.mem[vma_at(w, vma + 1) + V_FIRST] >> TABLE_SHIFT == end - 1:
        end -= 1
    first = w.mem[vma_at(w, vma) + V_FIRST] >> TABLE_SHIFT
    wk.did(work, wk.FREE_TABLE, free_tables(w.mem, table_at(w, first), table_at(w, end)))
    w.mem[t + T_VMA] = vma + 1
    return RAN


@njit_inner
def remove_vmas(w: Any, task: int, row: Any, work: Any) -> int:
    """Free all VMAs; until clear_mmap the list dangles. Mutates: mem, work."""
    if w.mem[MM_WALKERS] & ~(1 << task):
        w.mem[MM_VIOLATIONS] |= 1 << VMA_WALK_AFTER_FREE
    w.mem[MM_VMA_LIST] = LIST_DANGLING
    wk.did(work, wk.FREE_VMA, w.mem[MM_N_VMAS])
    leave_walk(w, task, row)
    return WOKE
