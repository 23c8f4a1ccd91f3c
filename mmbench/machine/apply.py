"""apply: the single place where an op gets its meaning. The engine and the checker both step worlds by it.

One call is one atomic step of one task, hence one place where another task may run.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit, njit_inner, njit_shared, pointer, shifted
from mmbench.machine import bystander_ops as by
from mmbench.machine import locks, munlock, reap, reap_handover, teardown
from mmbench.machine import work as wk
from mmbench.machine.gather import credit, finish_gather, open_gather
from mmbench.machine.ops import WALKS, Op
from mmbench.machine.status import FINISHED, N_ROW, NO_BRANCH, RAN, ROW_A, ROW_NEXT, ROW_OP
from mmbench.model.world import (
    DONE,
    LIST_CLEARED,
    MM_VMA_LIST,
    T_PC,
    T_PENDING,
    pointers,
    task_at,
)

# numba freezes module-level integers, not enum members.
REAP_PASS, REAP_PASS_TRYLOCK_PAGES = int(Op.REAP_PASS), int(Op.REAP_PASS_TRYLOCK_PAGES)
REAP_PASS_TRYLOCK_VMAS, REAP_PASS_HANDOVER = int(Op.REAP_PASS_TRYLOCK_VMAS), int(Op.REAP_PASS_HANDOVER)
UNMAP_VMAS, UNLOCK_RANGE, FREE_PGTABLES = int(Op.UNMAP_VMAS), int(Op.UNLOCK_RANGE), int(Op.FREE_PGTABLES)
TLB_GATHER_MMU, TLB_FINISH_MMU = int(Op.TLB_GATHER_MMU), int(Op.TLB_FINISH_MMU)
REMOVE_VMAS, CLEAR_MMAP = int(Op.REMOVE_VMAS), int(Op.CLEAR_MMAP)
MMAP_READ_LOCK, MMAP_READ_TRYLOCK = int(Op.MMAP_READ_LOCK), int(Op.MMAP_READ_TRYLOCK)
MMAP_READ_UNLOCK, MMAP_WRITE_LOCK = int(Op.MMAP_READ_UNLOCK), int(Op.MMAP_WRITE_LOCK)
MMAP_WRITE_UNLOCK, MMAP_WRITE_DOWNGRADE = int(Op.MMAP_WRITE_UNLOCK), int(Op.MMAP_WRITE_DOWNGRADE)
SET_FLAG, IF_FLAG, UNLESS_FLAG = int(Op.SET_FLAG), int(Op.IF_FLAG), int(Op.UNLESS_FLAG)
EXIT_MM, WAIT_LAST_USER, FIND_MM = int(Op.EXIT_MM), int(Op.WAIT_LAST_USER), int(Op.FIND_MM)
MMGET_NOT_ZERO, MMPUT = int(Op.MMGET_NOT_ZERO), int(Op.MMPUT)
EXIT_MM_IF_LAST, MMPUT_IF_LAST = int(Op.EXIT_MM_IF_LAST), int(Op.MMPUT_IF_LAST)
RETRY, LEAVE, GOTO, END = int(Op.RETRY), int(Op.LEAVE), int(Op.GOTO), int(Op.END)
LOCK_PAGE, UNLOCK_PAGE = int(Op.LOCK_PAGE), int(Op.UNLOCK_PAGE)
HOLD_FOR, AWAIT_PAGE_WAITER = int(Op.HOLD_FOR), int(Op.AWAIT_PAGE_WAITER)
ALLOC, OUT_OF_MEMORY = int(Op.ALLOC), int(Op.OUT_OF_MEMORY)
# Ops that sleep, and the work item that each is paid as.
SLEEPS = tuple(int(op) for op in Op if op.spec.sleeps)
SLEEP_ITEMS = tuple(wk.time_item(op.spec.waits_for) for op in Op if op.spec.sleeps)


@njit_inner
def apply_walk(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """Ops that visit VMAs and tables."""
    op = row[ROW_OP]
    if op == REAP_PASS:
        return reap.reap_pass(w, task, row, width, work)
    if op == UNMAP_VMAS:
        return teardown.unmap_vmas(w, task, row, width, work)
    if op == UNLOCK_RANGE:
        return munlock.unlock_range(w, task, row, width, work)
    if op == FREE_PGTABLES:
        return teardown.free_pgtables(w, task, row, work)
    if op == REAP_PASS_TRYLOCK_PAGES:
        return reap.reap_pass_trylock_pages(w, task, row, width, work)
    if op == REAP_PASS_TRYLOCK_VMAS:
        return reap.reap_pass_trylock_vmas(w, task, row, width, work)
    if op == REAP_PASS_HANDOVER:
        return reap_handover.reap_pass_handover(w, task, row, width, work)
    return NO_BRANCH


@njit_inner
def apply_mm(w: Any, task: int, row: Any, work: Any) -> int:
    """Ops on mmap_lock, flags, references, the gather and the VMA list."""
    op = row[ROW_OP]
    if op == MMAP_READ_TRYLOCK:
        return locks.mmap_read_trylock(w, task, row, work)
    if op == MMAP_READ_LOCK or op == MMAP_WRITE_LOCK:
        return locks.mmap_lock(w, task, row, op == MMAP_WRITE_LOCK, work)
    if op == MMAP_READ_UNLOCK or op == MMAP_WRITE_UNLOCK:
        return locks.mmap_unlock(w, task, row, op == MMAP_WRITE_UNLOCK, work)
    if op == MMAP_WRITE_DOWNGRADE:
        return locks.mmap_write_downgrade(w, task, row, work)
    if op == SET_FLAG:
        return locks.set_flag(w, task, row, work)
    if op == IF_FLAG or op == UNLESS_FLAG:
        return locks.test_flag(w, task, row, op == IF_FLAG, work)
    if op == EXIT_MM:
        return locks.exit_mm(w, task, row, work)
    if op == WAIT_LAST_USER:
        return locks.wait_last_user(w, task, row, work)
    if op == FIND_MM or op == MMGET_NOT_ZERO:
        return locks.find_mm(w, task, row, op == MMGET_NOT_ZERO, work)
    if op == MMPUT:
        return locks.mmput(w, task, row, work)
    if op == EXIT_MM_IF_LAST:
        return locks.exit_mm_if_last(w, task, row, work)
    if op == MMPUT_IF_LAST:
        return locks.mmput_if_last(w, task, row, work)
    if op == REMOVE_VMAS:
        return teardown.remove_vmas(w, task, row, work)
    if op == TLB_GATHER_MMU:
        open_gather(w, task, work)
    elif op == TLB_FINISH_MMU:
        finish_gather(w, task, work)
    elif op == CLEAR_MMAP:
        w.mem[MM_VMA_LIST] = LIST_CLEARED
    else:
        return NO_BRANCH
    locks.go_on(w, task, row, work)
    return RAN


@njit_inner
def apply_bystander(w: Any, task: int, row: Any, work: Any) -> int:
    """Ops of timers, retries, page-lock holders and the allocator."""
    op = row[ROW_OP]
    if op == RETRY:
        return by.retry(w, task, row, work)
    if op == LEAVE:
        return by.leave(w, task, row, work)
    if op == ALLOC:
        return by.alloc(w, task, row, work)
    if op == OUT_OF_MEMORY:
        return by.out_of_memory(w, task, row, work)
    if op == LOCK_PAGE:
        return by.lock_page(w, task, row, work)
    if op == UNLOCK_PAGE:
        return by.unlock_page(w, task, row, work)
    if op == HOLD_FOR:
        return by.hold_for(w, task, row, work)
    if op == AWAIT_PAGE_WAITER:
        return by.await_page_waiter(w, task, row, work)
    if op == END:
        w.mem[task_at(task) + T_PC] = DONE
        return FINISHED
    for k in range(len(SLEEPS)):
        if op == SLEEPS[k]:
            wk.did(work, SLEEP_ITEMS[k], row[ROW_A])
            w.mem[task_at(task) + T_PC] = row[ROW_NEXT]
            return RAN
    if op == GOTO:
        w.mem[task_at(task) + T_PC] = row[ROW_NEXT]
        return RAN
    return NO_BRANCH


@njit_shared
def apply(w: Any, task: int, rows: Any, width: int, work: Any) -> int:
    """Let `task` take one atomic step; return RAN, WOKE, BLOCKED or FINISHED.

    w: a world as pointers; rows: pointer to int64 (n_rows, 6), the assembled program; width: pages per
    page-table step, 1 to 512; work: pointer to a meter (see machine.work), added to. A flush that ended is
    credited before anything else is done. Mutates: w, work.
    """
    if w.mem[task_at(task) + T_PENDING]:
        return credit(w, task)
    row = shifted(rows, w.mem[task_at(task) + T_PC] * N_ROW)
    if row[ROW_OP] & WALKS:
        return apply_walk(w, task, row, width, work)
    status = apply_mm(w, task, row, work)
    return status if status != NO_BRANCH else apply_bystander(w, task, row, work)


@njit
def apply_once(world: Any, task: int, program: Any, width: int, work: Any) -> int:
    """As apply, for callers that hold arrays: a World, int64 (n_rows, 6) and a meter."""
    return apply(pointers(world), task, pointer(program), width, pointer(work))
