"""What a step can do that costs time: the vocabulary shared by the machine and the cost table.

A step tells a meter how much of each item it did. A meter is one int64 array: N_WORK totals, N_WORK prices and
two sums, of what was done under the page-table lock and of the rest. The engine gives every task a meter with
its prices; the checker gives one whose prices are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.accelerate import njit_inline
from mmbench.words import CAUSE


@dataclass(frozen=True)
class Item:
    """A kind of work, and what hangs on it.

    under_ptl: it happens inside the page-table lock of the step's table
    cause:     doing it is waiting for this (a key of mmbench.words.CAUSES)
    unit:      "" when a cost table prices it; "ps" when it is time already, "draw" when its time is drawn at random
    """

    name: str
    meaning: str
    under_ptl: bool = False
    cause: str = ""
    unit: str = ""


ITEMS: list[Item] = []


def item(name: str, meaning: str, *, under_ptl: bool = False, cause: str = "", unit: str = "") -> int:
    """Declare an item; returns its number. Raises KeyError for a cause that mmbench.words does not have."""
    if cause:
        CAUSE[cause]
    ITEMS.append(Item(name, meaning, under_ptl, cause, unit))
    return len(ITEMS) - 1


ZAP_PTE = item("zap_pte", "a present PTE cleared (the part that large folios do not save)", under_ptl=True)
ZAP_ANON_FOLIO = item("zap_anon_folio", "an anonymous folio unmapped: rmap, counters, gather slot", under_ptl=True)
ZAP_FILE_FOLIO = item("zap_file_folio", "a page-cache folio unmapped", under_ptl=True)
ZAP_SHMEM_FOLIO = item("zap_shmem_folio", "a shmem folio unmapped", under_ptl=True)
ZAP_ELSEWHERE_FOLIO = item(
    "zap_elsewhere_folio",
    "a folio unmapped that another mm maps too: it loses a mapping and a reference, and stays",
    under_ptl=True,
)
LARGE_FOLIO = item("large_folio", "what a folio of several pages, mapped by PTEs, costs more than one page")
BUDDY_FOLIO = item("buddy_folio", "what a folio of more than 8 pages costs besides: it passes by the per-CPU lists")
ZAP_THP = item("zap_thp", "one PMD-mapped 2 MiB block unmapped and freed", under_ptl=True)
MUNLOCK_FOLIO = item("munlock_folio", "PG_mlocked cleared at rmap removal (v5.18+)", under_ptl=True)
MUNLOCK_SHMEM_FOLIO = item("munlock_shmem_folio", "the same, of a shmem folio: its file keeps it", under_ptl=True)
LRU_LOCK = item("lru_lock", "one hold of the lruvec lock, for a batch of munlocked folios", under_ptl=True)
WALK_ENTRY = item("walk_entry", "one PTE position walked, present or not", under_ptl=True)
TRYLOCK_MUNLOCK = item("trylock_munlock", "one page munlocked by a reaper that trylocks its page lock", under_ptl=True)
VISIT_VMA = item("visit_vma", "one VMA entered by a walk")
GATHER = item("gather", "one mmu_gather opened and finished")
FREE_FOLIO = item("free_folio", "one folio given to the page allocator when a gather is flushed")
TLB_FLUSH = item("tlb_flush", "one TLB flush of a gather")
FULL_FLUSH = item("full_flush", "a forced full-mm flush because two gathers overlapped")
BATCH_PAGE = item("batch_page", "a gather fills its on-stack slots and allocates a batch page")
FREE_CONTENDED = item(
    "free_contended", "a folio freed while another gather is open: zone lock contention", cause="zone_lock"
)
LRU_CONTENDED = item(
    "lru_contended", "a folio munlocked while another walk is under way: lruvec lock contention", cause="lru_lock"
)
THP_CONTENDED = item(
    "thp_contended", "a 2 MiB block unmapped while another gather is open: zone lock contention", cause="zone_lock"
)
OLD_MUNLOCK_PAGE = item("old_munlock_page", "one page munlocked by the old pass: page lock, LRU isolate and putback")
OLD_MUNLOCK_PAGEVEC = item(
    "old_munlock_pagevec", "one batch of the old pass: up to 15 neighbours, two holds of the lruvec lock"
)
OLD_MUNLOCK_THP = item("old_munlock_thp", "one huge page munlocked by the old pass")
OLD_MUNLOCK_ABSENT = item("old_munlock_absent", "one position without a page that the old pass visits")
OLD_MUNLOCK_RMAP = item("old_munlock_rmap", "one rmap walk of the old munlock, for a page mapped elsewhere")
FREE_TABLE = item("free_table", "one PTE table freed")
FREE_VMA = item("free_vma", "one VMA unlinked and freed")
LOCK_OP = item("lock_op", "one lock, unlock, flag or bookkeeping step")
SLEEP = item("sleep", "one picosecond asleep by a timer", unit="ps")
RETRY_SLEEP = item(
    "retry_sleep", "one picosecond asleep between two attempts at mmap_lock", cause="mmap_lock_retry", unit="ps"
)
ALLOC_SLEEP = item(
    "alloc_sleep", "one picosecond asleep between two attempts at an allocation", cause="memory", unit="ps"
)
HOLD_DRAW = item("hold_draw", "one page-lock hold of a length drawn at random", unit="draw")

N_WORK = len(ITEMS)
NAMES = tuple(one.name for one in ITEMS)
PRICED = tuple(k for k, one in enumerate(ITEMS) if not one.unit)
UNPRICED = tuple(one.name for one in ITEMS if one.unit)  # no entry in a cost table
TIMES = tuple(k for k, one in enumerate(ITEMS) if one.unit == "ps")
UNDER_PTL = sum(1 << k for k, one in enumerate(ITEMS) if one.under_ptl)
# Causes that a task meets while it works or sleeps: they are read off its meter. Cause -> items.
WORK_CAUSES = {
    key: tuple(k for k, one in enumerate(ITEMS) if one.cause == key)
    for key in CAUSE
    if any(one.cause == key for one in ITEMS)
}


def time_item(cause: str) -> int:
    """The item that time asleep for a cause ("" for a timer) is paid as. Raises KeyError when none is declared."""
    for k in TIMES:
        if ITEMS[k].cause == cause:
            return k
    raise KeyError(f"machine/work.py declares no item with unit='ps' and cause={cause!r}")


# A meter: totals, prices, and the two sums that the engine takes after each step.
METER_PRICES = N_WORK
METER_HELD_PS = 2 * N_WORK
METER_SPENT_PS = 2 * N_WORK + 1
N_METER = 2 * N_WORK + 2


@njit_inline
def did(meter: Any, item: int, n: int) -> None:
    """Count `n` of a work item and add up what it costs. Mutates: meter."""
    meter[item] += n
    at = METER_HELD_PS if UNDER_PTL >> item & 1 else METER_SPENT_PS
    meter[at] += n * meter[METER_PRICES + item]


def new_meter() -> np.ndarray:
    """A meter that counts but charges nothing: int64 (N_METER,)."""
    return np.zeros(N_METER, dtype=np.int64)
