"""zap: one hold of a page-table lock that unmaps part of one table for a task.

Source: unmap_page_range and zap_pte_range, mm/memory.c (v6.0.19); munlock at rmap removal and its per-CPU
batch, mm/mlock.c (v5.18+); clear_page_mlock, mm/mlock.c (v5.10).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit, njit_inline
from mmbench.machine import work as wk
from mmbench.machine.gather import add_to_gather
from mmbench.machine.ops import NO_LRU_BATCH
from mmbench.model.invariants import MUNLOCK_AND_ZAP_SHARE_VMA, TABLE_FREED_UNDER_WALKER
from mmbench.model.layout import ANON, FILE, PAGES_PER_TABLE, SHMEM, TABLE_SHIFT, VM_LOCKED, VM_PFNMAP, WORDS_PER_TABLE
from mmbench.model.world import (
    MLOCKED,
    MM_ELSEWHERE,
    MM_GATHERS,
    MM_HAS_ELSEWHERE,
    MM_MUNLOCK_VMA,
    MM_NR_MLOCK,
    MM_RSS,
    MM_VIOLATIONS,
    MM_WALKERS,
    PG_LOCKED,
    PRESENT,
    T_LRU_BATCH,
    T_PAGE,
    T_PART,
    T_PASSED,
    TABLE_ALLOCATED,
    TABLE_FREED,
    TABLE_HUGE,
    V_END,
    V_FLAGS,
    V_KIND,
    V_ORDER,
    V_PRESENT,
    WHY_CONTENDED_PAGE,
    plane_at,
    table_at,
    task_at,
    vma_at,
)
from mmbench.pages.reap import is_contended, unmap_uncontended
from mmbench.pages.unmap import count_elsewhere, mark_elsewhere, unmap_last_mappings, unmap_part

PAGE_ALLOC_COSTLY_ORDER = 3  # per-CPU lists keep folios up to this order (include/linux/mmzone.h)


@njit_inline
def piece_end(w: Any, vma: int, page: int, width: int) -> int:
    """End of the next piece: at most `width` pages, inside one table and the VMA; a huge page is one piece."""
    table = page >> TABLE_SHIFT
    table_end = (table + 1) << TABLE_SHIFT
    if w.mem[table_at(w, table)] & TABLE_HUGE:
        return table_end
    return min(page + width, table_end, w.mem[vma_at(w, vma) + V_END])


@njit_inline
def mapped_elsewhere(w: Any, plane: int, table: int, first: int, end: int) -> int:
    """Pages of [first, end) of one table, set in `plane`, that another mm maps too."""
    if first == end or not w.mem[MM_HAS_ELSEWHERE]:
        return 0
    return count_elsewhere(w.bits, plane, w.elsewhere, table, first, end)


@njit_inline
def check_zap(w: Any, vma: int, table: int) -> None:
    """Record a zap of a freed table (I1) or inside an old munlock walk (I5). Mutates: mem."""
    if w.mem[table_at(w, table)] & TABLE_FREED:
        w.mem[MM_VIOLATIONS] |= 1 << TABLE_FREED_UNDER_WALKER
    if w.mem[MM_MUNLOCK_VMA] == vma + 1:
        w.mem[MM_VIOLATIONS] |= 1 << MUNLOCK_AND_ZAP_SHARE_VMA


@njit_inline
def account_munlock(w: Any, task: int, vma: int, n_folios: int, batch: int, work: Any) -> None:
    """Put munlocked folios of a VMA through the task's per-CPU batch, one lruvec lock hold per `batch`.

    Mutates: mem, work.
    """
    total = w.mem[task_at(task) + T_LRU_BATCH] + n_folios
    holds = total // batch
    w.mem[task_at(task) + T_LRU_BATCH] = total - holds * batch
    if w.mem[vma_at(w, vma) + V_KIND] == SHMEM:
        wk.did(work, wk.MUNLOCK_SHMEM_FOLIO, n_folios)
    else:
        wk.did(work, wk.MUNLOCK_FOLIO, n_folios)
    wk.did(work, wk.LRU_LOCK, holds)
    if w.mem[MM_GATHERS] > 1:
        wk.did(work, wk.LRU_CONTENDED, n_folios)


@njit_inline
def mlock_again(w: Any, vma: int, page: int, end: int) -> int:
    """After a munlock of pages [page, end) of one table in a VMA that is VM_LOCKED still: mark again what others map.

    The rmap walk of try_to_munlock finds this very VMA. Returns how many pages were marked. Mutates: bits, mem.
    """
    if not w.mem[MM_HAS_ELSEWHERE] or not w.mem[vma_at(w, vma) + V_FLAGS] & VM_LOCKED or page == end:
        return 0
    table = page >> TABLE_SHIFT
    first, stop = page & (PAGES_PER_TABLE - 1), end - (table << TABLE_SHIFT)
    at = table * WORDS_PER_TABLE
    huge = w.mem[table_at(w, table)] & TABLE_HUGE != 0
    n = mark_elsewhere(w.bits, plane_at(w, MLOCKED, table), w.elsewhere, at, first, stop, huge)
    w.mem[MM_NR_MLOCK] += n
    return n


@njit_inline
def account_rmap_walks(n_elsewhere: int, huge: bool, work: Any) -> None:
    """Book the rmap walks of pages munlocked one by one that another mm maps too: one a page, and one of a huge page.

    Source: __munlock_isolated_page, mm/mlock.c (v5.10). Mutates: work.
    """
    wk.did(work, wk.OLD_MUNLOCK_RMAP, min(n_elsewhere, 1) if huge else n_elsewhere)


@njit_inline
def account_clear_mlock(w: Any, task: int, n_folios: int, huge: bool, work: Any) -> None:
    """Book folios munlocked by a zap before v5.18, each isolated from the LRU and put back as the old pass does it.

    A booted 5.10 counted 812 instructions a page for this, and 823 for a page of the old pass. Mutates: work.
    """
    if huge:
        wk.did(work, wk.OLD_MUNLOCK_THP, n_folios)
    else:
        wk.did(work, wk.OLD_MUNLOCK_PAGE, n_folios)
    if w.mem[MM_GATHERS] > 1:
        wk.did(work, wk.LRU_CONTENDED, n_folios)


@njit_inline
def account_folios(w: Any, vma: int, n_folios: int, n_elsewhere: int, work: Any) -> None:
    """Book folios of a VMA unmapped from PTEs; n_elsewhere of them another mm maps too, so that they stay.

    A shmem folio costs the same either way: its file keeps it anyhow. Mutates: work.
    """
    order = w.mem[vma_at(w, vma) + V_ORDER]
    kind = w.mem[vma_at(w, vma) + V_KIND]
    n_last = n_folios - n_elsewhere
    if kind == ANON:
        wk.did(work, wk.ZAP_ANON_FOLIO, n_last)
    elif kind == FILE:
        wk.did(work, wk.ZAP_FILE_FOLIO, n_last)
    else:
        wk.did(work, wk.ZAP_SHMEM_FOLIO, n_folios)
    if kind != SHMEM:
        wk.did(work, wk.ZAP_ELSEWHERE_FOLIO, n_elsewhere)
    if order:
        wk.did(work, wk.LARGE_FOLIO, n_folios)
        if order > PAGE_ALLOC_COSTLY_ORDER:
            wk.did(work, wk.BUDDY_FOLIO, n_last)


@njit_inline
def account_unmap(w: Any, task: int, vma: int, n: int, n_mlocked: int, n_elsewhere: int, work: Any) -> None:
    """Book n pages unmapped from PTEs of a VMA: counters, work, gather. Mutates: mem, work."""
    w.mem[vma_at(w, vma) + V_PRESENT] -= n
    w.mem[MM_NR_MLOCK] -= n_mlocked
    wk.did(work, wk.ZAP_PTE, n)
    if w.mem[vma_at(w, vma) + V_FLAGS] & VM_PFNMAP:
        return
    order = w.mem[vma_at(w, vma) + V_ORDER]
    pages = w.mem[task_at(task) + T_PART] + n
    n_folios = pages >> order
    w.mem[task_at(task) + T_PART] = pages - (n_folios << order)
    account_folios(w, vma, n_folios, min(n_elsewhere >> order, n_folios), work)
    w.mem[MM_RSS] -= n
    w.mem[MM_ELSEWHERE] += n_elsewhere
    add_to_gather(w, task, n_folios, n - n_elsewhere, order, work)


@njit
def account_huge(w: Any, task: int, vma: int, n: int, n_mlocked: int, n_elsewhere: int, batch: int, work: Any) -> None:
    """Book one huge page unmapped; batch: as for zap_piece. Mutates: mem, work."""
    if n == 0:
        return
    w.mem[vma_at(w, vma) + V_PRESENT] -= n
    w.mem[MM_NR_MLOCK] -= n_mlocked
    wk.did(work, wk.ZAP_THP, 1)
    if w.mem[MM_GATHERS] > 1:
        wk.did(work, wk.THP_CONTENDED, 1)
    if w.mem[vma_at(w, vma) + V_FLAGS] & VM_PFNMAP:
        return
    w.mem[MM_RSS] -= n
    w.mem[MM_ELSEWHERE] += n_elsewhere
    if n_mlocked and batch:
        account_munlock(w, task, vma, 1, 1, work)  # a large folio is flushed at once
    elif n_mlocked:
        account_clear_mlock(w, task, 1, True, work)
    add_to_gather(w, task, 1, n - n_elsewhere, TABLE_SHIFT, work)


@njit
def zap_piece(w: Any, task: int, vma: int, width: int, batch: int, work: Any) -> None:
    """Unmap the next piece of `vma` under the lock of its table and move the page cursor past it.

    width: pages per piece at most; batch: folios per lruvec lock hold of the munlock at rmap removal, 0 for a kernel
    before v5.18, whose zap clears PG_mlocked with a page's last mapping. Mutates: bits, mem, work.
    """
    t = task_at(task)
    page = w.mem[t + T_PAGE]
    table = page >> TABLE_SHIFT
    end = piece_end(w, vma, page, width)
    w.mem[t + T_PAGE] = end
    check_zap(w, vma, table)
    state = w.mem[table_at(w, table)]
    if not state & TABLE_ALLOCATED:
        return
    first, stop = page & (PAGES_PER_TABLE - 1), end - (table << TABLE_SHIFT)
    present, mlocked = plane_at(w, PRESENT, table), plane_at(w, MLOCKED, table)
    n_elsewhere = mapped_elsewhere(w, present, table, first, stop)
    huge = state & TABLE_HUGE != 0
    if w.mem[MM_HAS_ELSEWHERE] and batch == NO_LRU_BATCH:
        at = table * WORDS_PER_TABLE
        keeps_all = huge and n_elsewhere > 0
        n, n_mlocked = unmap_last_mappings(w.bits, present, mlocked, w.elsewhere, at, first, stop, keeps_all)
    else:
        n, n_mlocked = unmap_part(w.bits, present, mlocked, first, stop)
    if huge:
        account_huge(w, task, vma, n, n_mlocked, n_elsewhere, batch, work)
        return
    wk.did(work, wk.WALK_ENTRY, end - page)
    if n_mlocked and batch == NO_LRU_BATCH:
        account_clear_mlock(w, task, n_mlocked >> w.mem[vma_at(w, vma) + V_ORDER], False, work)
    elif n_mlocked:
        account_munlock(w, task, vma, n_mlocked >> w.mem[vma_at(w, vma) + V_ORDER], batch, work)
    if n:
        account_unmap(w, task, vma, n, n_mlocked, n_elsewhere, work)


@njit
def zap_uncontended_piece(w: Any, task: int, vma: int, width: int, work: Any) -> None:
    """As zap_piece, but munlock by trylock and leave mlocked pages whose page lock is held.

    Mutates: bits, mem, work.
    """
    t = task_at(task)
    page = w.mem[t + T_PAGE]
    table = page >> TABLE_SHIFT
    end = piece_end(w, vma, page, width)
    w.mem[t + T_PAGE] = end
    check_zap(w, vma, table)
    state = w.mem[table_at(w, table)]
    if not state & TABLE_ALLOCATED:
        return
    first, stop = page & (PAGES_PER_TABLE - 1), end - (table << TABLE_SHIFT)
    present, mlocked = plane_at(w, PRESENT, table), plane_at(w, MLOCKED, table)
    pg_locked = plane_at(w, PG_LOCKED, table)
    n_before = mapped_elsewhere(w, present, table, first, stop)
    n_to_walk = mapped_elsewhere(w, mlocked, table, first, stop)
    huge = state & TABLE_HUGE != 0
    if huge and is_contended(w.bits, present, mlocked, pg_locked):
        w.mem[t + T_PASSED + WHY_CONTENDED_PAGE] += PAGES_PER_TABLE
        return
    n, n_mlocked, n_left = unmap_uncontended(w.bits, present, mlocked, pg_locked, first, stop)
    n_elsewhere = n_before - mapped_elsewhere(w, present, table, first, stop)
    account_rmap_walks(n_to_walk - mapped_elsewhere(w, mlocked, table, first, stop), huge, work)
    mlock_again(w, vma, page, end)
    if w.mem[MM_WALKERS] & ~(1 << task):
        wk.did(work, wk.LRU_CONTENDED, n_mlocked // PAGES_PER_TABLE if huge else n_mlocked)
    w.mem[t + T_PASSED + WHY_CONTENDED_PAGE] += n_left
    if huge:
        wk.did(work, wk.TRYLOCK_MUNLOCK, n_mlocked // PAGES_PER_TABLE)
        account_huge(w, task, vma, n, n_mlocked, n_elsewhere, 1, work)
        return
    wk.did(work, wk.TRYLOCK_MUNLOCK, n_mlocked)
    wk.did(work, wk.WALK_ENTRY, end - page)
    if n:
        account_unmap(w, task, vma, n, n_mlocked, n_elsewhere, work)
