"""What a step can do that costs time: the vocabulary shared by the machine and the cost table.

A step tells a meter how much of each item it did. A meter is one int64 array: N_WORK totals, N_WORK prices and
two sums, of what was done under the page-table lock and of the rest. The engine gives every task a meter with
its prices; the checker gives one whose prices are 0. Items up to LAST_UNDER_PTL happen inside the page-table
lock of the step's table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit_inline

ITEMS = {
    "zap_pte": "a present PTE cleared (the part that large folios do not save)",
    "zap_anon_folio": "an anonymous folio unmapped: rmap, counters, gather slot",
    "zap_file_folio": "a page-cache folio unmapped",
    "zap_shmem_folio": "a shmem folio unmapped",
    "zap_thp": "one PMD-mapped 2 MiB block unmapped and freed",
    "munlock_folio": "PG_mlocked cleared at rmap removal (v5.18+)",
    "munlock_shmem_folio": "the same, of a shmem folio: its file keeps it",
    "lru_lock": "one hold of the lruvec lock, for a batch of munlocked folios",
    "walk_entry": "one PTE position walked, present or not",
    "trylock_munlock": "one page munlocked by a reaper that trylocks its page lock",
    "visit_vma": "one VMA entered by a walk",
    "gather": "one mmu_gather opened and finished",
    "free_folio": "one folio given to the page allocator when a gather is flushed",
    "tlb_flush": "one TLB flush of a gather",
    "full_flush": "a forced full-mm flush because two gathers overlapped",
    "batch_page": "a gather fills its on-stack slots and allocates a batch page",
    "free_contended": "a folio freed while another gather is open: zone lock contention",
    "lru_contended": "a folio munlocked while another walk is under way: lruvec lock contention",
    "thp_contended": "a 2 MiB block unmapped while another gather is open: zone lock contention",
    "old_munlock_page": "one page munlocked by the old pass: page lock, LRU isolate and putback",
    "old_munlock_pagevec": "one batch of the old pass: up to 15 neighbours, two holds of the lruvec lock",
    "old_munlock_thp": "one huge page munlocked by the old pass",
    "old_munlock_absent": "one position without a page that the old pass visits",
    "old_munlock_rmap": "one rmap walk of the old pass, for a page mapped elsewhere",
    "free_table": "one PTE table freed",
    "free_vma": "one VMA unlinked and freed",
    "lock_op": "one lock, unlock, flag or bookkeeping step",
    "sleep": "one picosecond asleep by a timer",
    "retry_sleep": "one picosecond asleep between two attempts at mmap_lock",
    "alloc_sleep": "one picosecond asleep between two attempts at an allocation",
    "hold_draw": "one page-lock hold of a length drawn at random",
}

NAMES = tuple(ITEMS)
(
    ZAP_PTE,
    ZAP_ANON_FOLIO,
    ZAP_FILE_FOLIO,
    ZAP_SHMEM_FOLIO,
    ZAP_THP,
    MUNLOCK_FOLIO,
    MUNLOCK_SHMEM_FOLIO,
    LRU_LOCK,
    WALK_ENTRY,
    TRYLOCK_MUNLOCK,
    VISIT_VMA,
    GATHER,
    FREE_FOLIO,
    TLB_FLUSH,
    FULL_FLUSH,
    BATCH_PAGE,
    FREE_CONTENDED,
    LRU_CONTENDED,
    THP_CONTENDED,
    OLD_MUNLOCK_PAGE,
    OLD_MUNLOCK_PAGEVEC,
    OLD_MUNLOCK_THP,
    OLD_MUNLOCK_ABSENT,
    OLD_MUNLOCK_RMAP,
    FREE_TABLE,
    FREE_VMA,
    LOCK_OP,
    SLEEP,
    RETRY_SLEEP,
    ALLOC_SLEEP,
    HOLD_DRAW,
) = range(len(NAMES))
N_WORK = len(NAMES)
LAST_UNDER_PTL = TRYLOCK_MUNLOCK
FIRST_UNPRICED = SLEEP

# Items that are time already (1 ps each) or drawn at random, and so have no entry in a cost table.
UNPRICED = NAMES[FIRST_UNPRICED:]

# A meter: totals, prices, and the two sums that the engine takes after each step.
METER_PRICES = N_WORK
METER_HELD_PS = 2 * N_WORK
METER_SPENT_PS = 2 * N_WORK + 1
N_METER = 2 * N_WORK + 2


@njit_inline
def did(meter: Any, item: int, n: int) -> None:
    """Count `n` of a work item and add up what it costs. Mutates: meter."""
    meter[item] += n
    at = METER_HELD_PS if item <= LAST_UNDER_PTL else METER_SPENT_PS
    meter[at] += n * meter[METER_PRICES + item]


def new_meter() -> np.ndarray:
    """A meter that counts but charges nothing: int64 (N_METER,)."""
    return np.zeros(N_METER, dtype=np.int64)
