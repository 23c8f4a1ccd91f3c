"""mmu_gather: pages unmapped but not yet freed, and the flushes that free them.

A gather of capacity C flushes at every C-th slot. A step may fill it several times; the pages of the last
incomplete round stay in it, so that a walk in small steps frees exactly what a walk in large ones does.
Pages of a flush are credited at the end of the flush (T_PENDING), which is when the memory is back.

Source: mm/mmu_gather.c, include/asm-generic/tlb.h (v6.18): 8 on-stack slots; batch pages of 510 slots, at
most 19 of them, by GFP_NOWAIT, so under OOM there may be none. The first batch page comes with the 7th slot, since one
is kept free for a folio that needs two (__tlb_remove_folio_pages_size, v6.9 on; with the 8th before).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit, njit_inline
from mmbench.machine import work as wk
from mmbench.machine.status import RAN
from mmbench.model.world import (
    MM_FREED,
    MM_GATHERS,
    MM_HAS_ELSEWHERE,
    T_BATCHED,
    T_CAPACITY,
    T_FREED,
    T_PAGES,
    T_PART,
    T_PENDING,
    T_SLOTS,
    task_at,
)

ON_STACK_SLOTS = 8
BATCH_AT_SLOTS = ON_STACK_SLOTS - 1
BATCH_PAGE_SLOTS = 510
MAX_BATCH_PAGES = 19
FULL_CAPACITY = ON_STACK_SLOTS + BATCH_PAGE_SLOTS * MAX_BATCH_PAGES


@njit
def open_gather(w: Any, task: int, work: Any) -> None:
    """Open a gather (raises mm->tlb_flush_pending). Mutates: mem, work."""
    w.mem[MM_GATHERS] += 1
    wk.did(work, wk.GATHER, 1)
    w.mem[task_at(task) + T_BATCHED] = 0


@njit
def flush(w: Any, n_flushes: int, n_slots: int, n_pages: int, work: Any) -> None:
    """Account `n_flushes` flushes of `n_slots` folios, of which `n_pages` pages are freeable. Mutates: work.

    A folio that another mm maps too only loses a reference. Which slots such folios fill nobody notes: as many are
    freed as there are freeable pages, which is exact for folios of one page and a bound for larger ones.
    """
    n_freed = min(n_slots, n_pages) if w.mem[MM_HAS_ELSEWHERE] else n_slots
    wk.did(work, wk.TLB_FLUSH, n_flushes)
    wk.did(work, wk.FREE_FOLIO, n_freed)
    if w.mem[MM_GATHERS] > 1:
        wk.did(work, wk.FREE_CONTENDED, n_freed)


@njit_inline
def add_to_gather(w: Any, task: int, n_slots: int, n_pages: int, order: int, work: Any) -> None:
    """Put `n_pages` freeable pages in `n_slots` folios of 2**order pages into the gather, flushing when full.

    Mutates: mem, work.
    """
    t = task_at(task)
    total = w.mem[t + T_SLOTS] + n_slots
    capacity = w.mem[t + T_CAPACITY]
    if total >= BATCH_AT_SLOTS and capacity > ON_STACK_SLOTS and w.mem[t + T_BATCHED] == 0:
        w.mem[t + T_BATCHED] = 1
        wk.did(work, wk.BATCH_PAGE, 1)
    if total < capacity:
        w.mem[t + T_SLOTS] = total
        w.mem[t + T_PAGES] += n_pages
        return
    n_flushes = total // capacity
    left_slots = total - n_flushes * capacity
    kept = min(n_pages, (left_slots << order) + w.mem[t + T_PART])
    n_flushed = w.mem[t + T_PAGES] + n_pages - kept
    w.mem[t + T_PENDING] += n_flushed
    w.mem[t + T_PAGES] = kept
    w.mem[t + T_SLOTS] = left_slots
    flush(w, n_flushes, n_flushes * capacity, n_flushed, work)


@njit
def finish_gather(w: Any, task: int, work: Any) -> None:
    """Flush what is left and close the gather; a full-mm flush if another one is open.

    Mutates: mem, work.
    """
    t = task_at(task)
    if w.mem[MM_GATHERS] > 1:
        wk.did(work, wk.FULL_FLUSH, 1)
    if w.mem[t + T_SLOTS] or w.mem[t + T_PAGES]:
        flush(w, 1, w.mem[t + T_SLOTS], w.mem[t + T_PAGES], work)
    w.mem[t + T_PENDING] += w.mem[t + T_PAGES]
    w.mem[t + T_PAGES] = 0
    w.mem[t + T_SLOTS] = 0
    w.mem[t + T_PART] = 0
    w.mem[MM_GATHERS] -= 1


@njit
def credit(w: Any, task: int) -> int:
    """Count the pages of a finished flush as freed. Returns RAN.

    Mutates: mem.
    """
    t = task_at(task)
    n = w.mem[t + T_PENDING]
    w.mem[t + T_PENDING] = 0
    w.mem[t + T_FREED] += n
    w.mem[MM_FREED] += n
    return RAN
