"""The walks that only exit_mmap does: unmap all, free the tables, remove the VMAs.

Source: exit_mmap, mm/mmap.c; unmap_vmas and free_pgtables, mm/memory.c (v5.10, v6.0.19, v6.18).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.status import RAN, ROW_A, WOKE
from mmbench.machine.walks import SELECT, START, ZAP, enter_vma, leave_vma, leave_walk, list_ended
from mmbench.machine.zap import zap_piece
from mmbench.model.invariants import TABLE_FREED_UNDER_WALKER, VMA_WALK_AFTER_FREE
from mmbench.model.layout import TABLE_SHIFT
from mmbench.model.world import (
    LIST_DANGLING,
    MM_N_VMAS,
    MM_VIOLATIONS,
    MM_VMA_LIST,
    MM_WALKERS,
    T_PAGE,
    T_SUB,
    T_VMA,
    V_END,
    V_FIRST,
    table_at,
    task_at,
    vma_at,
)
from mmbench.pages.free_pgtables import free_tables


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
