"""The reap pass that hands mmap_lock over: chunk by chunk, and no further while somebody waits for the lock.

Source: mm/oom_kill.c of a copy of the kernel (GitHub linux-mm/linux-mm, commit 0325a2899e5b, 2026). No list message was
found, so its author and status are open. In the model chunks are aligned in model pages, not in virtual addresses.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.gather import finish_gather, open_gather
from mmbench.machine.reap import NO_VMA, reap_select
from mmbench.machine.status import RAN, ROW_ALT, ROW_B, ROW_C
from mmbench.machine.walks import FINISH, START, ZAP, leave_vma
from mmbench.machine.zap import zap_piece
from mmbench.model.world import (
    RW_QUEUED,
    T_PAGE,
    T_PC,
    T_SUB,
    T_VMA,
    V_END,
    V_FIRST,
    task_at,
    vma_at,
)

LRU_BATCH = 31  # since v6.9


@njit_inner
def chunk_before(w: Any, vma: int, end: int, chunk_pages: int) -> int:
    """First page of the chunk of a VMA that ends before `end`."""
    return max(w.mem[vma_at(w, vma) + V_FIRST], (end - 1) & ~(chunk_pages - 1))


@njit_inner
def chunk_done(w: Any, task: int, row: Any, work: Any) -> int:
    """Finish the gather of a chunk; then hand over when somebody waits, else go on below it. Mutates: mem, work."""
    t = task_at(task)
    vma = w.mem[t + T_VMA]
    finish_gather(w, task, work)
    first = chunk_before(w, vma, w.mem[t + T_PAGE], row[ROW_C])
    if w.mem[RW_QUEUED]:
        leave_vma(w, task, vma, 0)
        w.mem[t + T_SUB] = START
        w.mem[t + T_PC] = row[ROW_ALT]
        wk.did(work, wk.LOCK_OP, 1)
    elif first > w.mem[vma_at(w, vma) + V_FIRST]:
        w.mem[t + T_PAGE] = chunk_before(w, vma, first, row[ROW_C])
        w.mem[t + T_SUB] = ZAP
        open_gather(w, task, work)
    else:
        leave_vma(w, task, vma, vma + row[ROW_B])
    return RAN


@njit_inner
def reap_pass_handover(w: Any, task: int, row: Any, width: int, work: Any) -> int:
    """One visit. Row: skip mask, direction (+1 or -1), pages of a chunk (a power of two, whole page tables)."""
    t = task_at(task)
    if w.mem[t + T_SUB] == ZAP:
        vma = w.mem[t + T_VMA]
        zap_piece(w, task, vma, width, LRU_BATCH, work)
        page = w.mem[t + T_PAGE]
        if page & (row[ROW_C] - 1) == 0 or page == w.mem[vma_at(w, vma) + V_END]:
            w.mem[t + T_SUB] = FINISH
        return RAN
    if w.mem[t + T_SUB] == FINISH:
        return chunk_done(w, task, row, work)
    status = reap_select(w, task, row, NO_VMA, work)
    if w.mem[t + T_SUB] == ZAP:
        vma = w.mem[t + T_VMA]
        w.mem[t + T_PAGE] = chunk_before(w, vma, w.mem[vma_at(w, vma) + V_END], row[ROW_C])
    return status
