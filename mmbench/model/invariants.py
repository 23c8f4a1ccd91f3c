"""The named invariants of a teardown (kernel-semantics I1-I8) and the audit of a world against them.

I1, I5, I6 and I8 are about a moment: the step that breaks one sets its bit in MM_VIOLATIONS. I2, I3, I7 and I9
are about the end of a run and are judged by `audit`. I4 is about an order (a pass whose lock was taken before
MMF_OOM_SKIP may go on), which one world cannot show: the checker judges it. `consistent` recounts the planes.
"""

from __future__ import annotations

import numpy as np

from mmbench.model.layout import VM_PFNMAP
from mmbench.model.world import (
    LIST_LIVE,
    MM_ELSEWHERE,
    MM_FLAGS,
    MM_FREED,
    MM_GATHERS,
    MM_NR_MLOCK,
    MM_RSS,
    MM_VIOLATIONS,
    MM_VMA_LIST,
    MMF_OOM_SKIP,
    T_PAGES,
    T_PENDING,
    V_FLAGS,
    V_PRESENT,
    World,
    views,
)

TABLE_FREED_UNDER_WALKER = 1
PAGE_NOT_FREED_ONCE = 2
SKIP_NEVER_SET = 3
REAP_AFTER_SKIP = 4
MUNLOCK_AND_ZAP_SHARE_VMA = 5
ZAP_BEFORE_UNSTABLE = 6
NR_MLOCK_NOT_ZERO = 7
VMA_WALK_AFTER_FREE = 8
UNBALANCED_GATHER = 9

INVARIANTS = {
    TABLE_FREED_UNDER_WALKER: "I1 a table is freed only when no actor can be inside a walk",
    PAGE_NOT_FREED_ONCE: "I2 each page is freed exactly once and rss returns to 0",
    SKIP_NEVER_SET: "I3 MMF_OOM_SKIP is set in finite time after marking",
    REAP_AFTER_SKIP: "I4 after MMF_OOM_SKIP no new reap pass begins",
    MUNLOCK_AND_ZAP_SHARE_VMA: "I5 an old munlock walk and a zapper never share a VMA",
    ZAP_BEFORE_UNSTABLE: "I6 MMF_UNSTABLE precedes the first zap of a live mm",
    NR_MLOCK_NOT_ZERO: "I7 NR_MLOCK returns to 0",
    VMA_WALK_AFTER_FREE: "I8 no VMA walk after the VMAs are freed",
    UNBALANCED_GATHER: "I9 every mmu_gather that is opened is finished",
}


def broken(w: World) -> list[str]:
    """Short names ("I5") of the moment invariants that some step has broken."""
    bits = int(w.mem[MM_VIOLATIONS])
    return [f"I{k}" for k in INVARIANTS if bits >> k & 1]


def pages_in_flight(w: World) -> int:
    """Pages unmapped but still in somebody's gather or flush."""
    tasks = views(w).tasks
    return int(tasks[:, T_PAGES].sum() + tasks[:, T_PENDING].sum())


def conserved(w: World, resident_pages: int) -> bool:
    """Freed + mapped elsewhere + still mapped + in flight = resident, at every step of every run."""
    mem = w.mem
    return int(mem[MM_FREED] + mem[MM_ELSEWHERE] + mem[MM_RSS]) + pages_in_flight(w) == resident_pages


def consistent(w: World) -> bool:
    """The counters agree with a recount of the planes (slow; for tests).

    A page that is gone from here and mapped elsewhere may still be mlocked: a zap before v5.18 left it so.
    """
    v = views(w)
    elsewhere = w.elsewhere.reshape(-1, v.present.shape[1]) if len(w.elsewhere) else np.zeros_like(v.present)
    present, flags = v.vmas[:, V_PRESENT], v.vmas[:, V_FLAGS]
    return (
        int(np.bitwise_count(v.present).sum()) == int(present.sum())
        and int(np.bitwise_count(v.mlocked).sum()) == int(v.mm[MM_NR_MLOCK])
        and not bool((v.mlocked & ~v.present & ~elsewhere).any())
        and int(present[(flags & VM_PFNMAP) == 0].sum()) == int(v.mm[MM_RSS])
    )


def audit(w: World, resident_pages: int) -> list[str]:
    """Short names of all invariants that a finished teardown breaks; empty when all is well."""
    found = broken(w)
    torn_down = w.mem[MM_VMA_LIST] != LIST_LIVE
    if not conserved(w, resident_pages) or (torn_down and w.mem[MM_RSS] != 0):
        found.append("I2")
    if not w.mem[MM_FLAGS] & MMF_OOM_SKIP:
        found.append("I3")
    if torn_down and w.mem[MM_NR_MLOCK] != 0:
        found.append("I7")
    if torn_down and w.mem[MM_GATHERS] != 0:
        found.append("I9")
    return found
