"""The reap pass: what the reaper, process_mrelease and a self-reaping exit_mmap do, one visit at a time.

Source: __oom_reap_task_mm, mm/oom_kill.c (v5.10, v6.0.19, v6.18); the trylock variants: see pages.reap.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.gather import finish_gather, open_gather
from mmbench.machine.locks import forget_passed
from mmbench.machine.munlock import munlock_piece
from mmbench.machine.ops import CLEARS_VM_LOCKED, LOCKED_VMAS_ONLY, NO_LRU_BATCH
from mmbench.machine.status import RAN, ROW_A, ROW_B, ROW_C
from mmbench.machine.walks import (
    FINISH,
    SELECT,
    START,
    TRY_MUNLOCK,
    ZAP,
    enter_vma,
    leave_vma,
    leave_walk,
    list_ended,
)
from mmbench.machine.zap import mlock_again, piece_end, zap_piece, zap_uncontended_piece
from mmbench.model.invariants import ZAP_BEFORE_UNSTABLE
from mmbench.model.layout import ANON, VM_HUGETLB, VM_LOCKED, VM_LOCKONFAULT, VM_SHARED, VM_UNLOCKING
from mmbench.model.world import (
    MM_FLAGS,
    MM_N_VMAS,
    MM_VIOLATIONS,
    MMF_UNSTABLE,
    T_PAGE,
    T_PASSED,
    T_PASSES,
    T_SUB,
    T_VMA,
    T_ZAPPING,
    V_END,
    V_FIRST,
    V_FLAGS,
    V_KIND,
    V_PRESENT,
    WHY_CONTENDED_VMA,
    WHY_HUGETLB,
    WHY_LOCKED,
    WHY_SHARED,
    WHY_UNLOCKING,
    task_at,
    vma_at,
)

NO_VMA, ALL_VMAS, LOCKED_VMAS = range(3)  # what a pass tries the page locks of


@njit_inner
def start_pass(w: Any, task: int, direction: int) -> None:
    """Begin a reap pass: MMF_UNSTABLE before the first zap. Mutates: mem."""
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
def tries_locks(w: Any, vma: int, how: int, trying: int) -> bool:
    """True when a trylocking pass tries the page locks of a VMA before it zaps.

    By VMA, one that exit_mmap is munlocking is known by its mark (VM_UNLOCKING), if the design has one.
    """
    flags = w.mem[vma_at(w, vma) + V_FLAGS]
    if how & LOCKED_VMAS_ONLY:
        return flags & VM_LOCKED != 0
    return trying == ALL_VMAS or flags & (VM_LOCKED | VM_UNLOCKING) != 0


@njit_inner
def reap_select(w: Any, task: int, row: Any, trying: int, work: Any) -> int:
    """Begin the pass, or test the next VMA and enter or skip it, or end the pass.

    trying: what the pass tries page locks of (NO_VMA, ALL_VMAS or LOCKED_VMAS). Mutates: mem, work.
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
    if trying != NO_VMA and tries_locks(w, vma, row[ROW_C], trying):
        if row[ROW_C] & CLEARS_VM_LOCKED:
            w.mem[vma_at(w, vma) + V_FLAGS] &= ~(VM_LOCKED | VM_LOCKONFAULT)
        enter_vma(w, task, vma, TRY_MUNLOCK, work)
        if trying == LOCKED_VMAS:
            return RAN
        w.mem[task_at(task) + T_ZAPPING] = vma + 1  # page by page, munlock and zap go together
    else:
        enter_vma(w, task, vma, ZAP, work)
    open_gather(w, task, work)
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
    return reap_select(w, task, row, NO_VMA, work)


@njit_inner
def reap_pass_trylock_pages(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """As reap_pass before v5.18; mlocked pages whose page lock is held stay behind. Row: skip, direction, how."""
    sub = w.mem[task_at(task) + T_SUB]
    vma = w.mem[task_at(task) + T_VMA]
    if sub == TRY_MUNLOCK:
        zap_uncontended_piece(w, task, vma, width, work)
    elif sub == ZAP:
        zap_piece(w, task, vma, width, NO_LRU_BATCH, work)
    elif sub == FINISH:
        return reap_finish(w, task, row, work)
    else:
        return reap_select(w, task, row, ALL_VMAS, work)
    end_of_piece(w, task, vma, FINISH)
    return RAN


@njit_inner
def try_munlock_visit(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """Munlock the next piece by trylock; at the first contended page give up the VMA.

    Mutates: bits, mem, work.
    """
    vma = w.mem[task_at(task) + T_VMA]
    page = w.mem[task_at(task) + T_PAGE]
    end = piece_end(w, vma, page, width)
    stop, n, _ = munlock_piece(w, task, page, end, work)
    mlock_again(w, vma, page, stop)
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
        zap_piece(w, task, vma, width, NO_LRU_BATCH, work)
        end_of_piece(w, task, vma, FINISH)
        return RAN
    if sub == FINISH:
        return reap_finish(w, task, row, work)
    return reap_select(w, task, row, LOCKED_VMAS, work)
