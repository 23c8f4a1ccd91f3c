"""What all walks share: a walk is an op that visits VMAs and tables, one atomic step per visit, repeating at its
label until it is done. The place inside a walk is T_SUB.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.status import RAN, ROW_NEXT
from mmbench.model.invariants import VMA_WALK_AFTER_FREE
from mmbench.model.world import (
    LIST_DANGLING,
    LIST_LIVE,
    MM_N_VMAS,
    MM_VIOLATIONS,
    MM_VMA_LIST,
    MM_WALKERS,
    T_PAGE,
    T_PART,
    T_PC,
    T_SUB,
    T_VMA,
    T_ZAPPING,
    V_FIRST,
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
