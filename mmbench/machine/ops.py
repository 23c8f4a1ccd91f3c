"""The ops: every verb that a step of a protocol may use, each declared once with its meaning and its traits.

Linter, assembler, checker, meter, timeline and `mmbench show` read the traits; `machine.apply` gives an op its effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from mmbench.words import CAUSE

NO_LRU_BATCH = 0  # before v5.18: zap munlocks no batch, but each page, and only at its last unmap (clear_page_mlock)

# Bits of `how` of a reap pass that trylocks.
CLEARS_VM_LOCKED = 1  # of a VMA, before it munlocks the first page of it
LOCKED_VMAS_ONLY = 2  # VMAs that are no longer VM_LOCKED are zapped without a look at a page lock

# Traits that compiled code asks for are bits of an op's code, beside its number.
NUMBER = (1 << 8) - 1
WALKS, REAPS = 1 << 8, 1 << 9


@dataclass(frozen=True)
class OpSpec:
    """What everybody but `machine.apply` needs to know about one op.

    args:       names of its integer arguments, in order (at most three)
    branches:   it may go to `otherwise` instead of the next step; jumps: it does nothing but go to `to`
    takes, drops: effect on mmap_lock ("read" or "write"); what does both turns write into read
    gather:     +1 opens an mmu_gather of the task, -1 finishes it; needs_gather: one is open
    pins:       +1 pins mm_users, -1 drops the pin
    page_lock:  +1 takes the page lock that the scenario names, -1 gives it back
    walks:      it visits VMAs and tables, one atomic step per visit, and repeats at its label
    reaps:      it is a reap pass; leaves_locked: one that leaves VM_LOCKED areas whose page locks are held
    waits_for:  the cause (a key of words.CAUSES) when it blocks, or when it sleeps
    sleeps:     it lasts for its argument `ps`, paid as the work item of that cause whose unit is ps
    is_local:   it touches nothing that another task or a property of the checker looks at
    phase:      what it is called where a run is told; "": by its label
    in_every_exit: no exit_mmap does without it
    """

    meaning: str
    args: tuple[str, ...] = ()
    branches: bool = False
    jumps: bool = False
    takes: str = ""
    drops: str = ""
    gather: int = 0
    needs_gather: bool = False
    pins: int = 0
    page_lock: int = 0
    walks: bool = False
    reaps: bool = False
    leaves_locked: bool = False
    waits_for: str = ""
    sleeps: bool = False
    is_local: bool = False
    phase: str = ""
    in_every_exit: bool = False
    ends: bool = False

    @property
    def blocks(self) -> bool:
        """True when a task can be stuck at the op until somebody wakes it."""
        return bool(self.waits_for) and not self.sleeps


A_PASS = OpSpec("", ("skip", "direction", "lru_batch"), walks=True, reaps=True, phase="reap")


class Op(IntEnum):
    """Op codes: number | trait bits. A new op is appended: numbers are part of the digest of a counterexample."""

    spec: OpSpec

    def __new__(cls, spec: OpSpec) -> Op:
        if spec.waits_for:
            CAUSE[spec.waits_for]  # KeyError: declare the cause in mmbench/words.py first
        code = len(cls.__members__) | (WALKS if spec.walks else 0) | (REAPS if spec.reaps else 0)
        op = int.__new__(cls, code)
        op._value_ = code
        op.spec = spec
        return op

    REAP_PASS = replace(
        A_PASS, meaning="set MMF_UNSTABLE, then zap every VMA that the skip mask lets in, one gather per VMA"
    )
    REAP_PASS_TRYLOCK_PAGES = replace(
        A_PASS,
        meaning="as reap_pass, but munlock pages by trylock first and leave the contended ones",
        args=("skip", "direction", "how"),
        leaves_locked=True,
    )
    REAP_PASS_TRYLOCK_VMAS = replace(
        A_PASS,
        meaning="as reap_pass, but munlock VM_LOCKED VMAs by trylock first and leave a VMA at its first contended page",
        args=("skip", "direction", "how"),
        leaves_locked=True,
    )
    UNMAP_VMAS = OpSpec(
        "zap every VMA, low to high, into the open gather",
        ("lru_batch",),
        walks=True,
        needs_gather=True,
        phase="unmap",
        in_every_exit=True,
    )
    UNLOCK_RANGE = OpSpec(
        "old munlock of every VM_LOCKED VMA: clear the flag, then take each page lock (blocks)",
        ("mark", "unmark", "claims_vma"),
        walks=True,
        waits_for="page_lock",
        phase="munlock",
    )
    FREE_PGTABLES = OpSpec("free the page tables of every VMA", walks=True, phase="free_pgtables")
    TLB_GATHER_MMU = OpSpec("open a full-mm mmu_gather", gather=+1, is_local=True)
    TLB_FINISH_MMU = OpSpec("flush and close the gather", gather=-1, phase="tlb_finish_mmu")
    REMOVE_VMAS = OpSpec("free the VMAs; the list dangles until it is cleared", phase="remove VMAs", in_every_exit=True)
    CLEAR_MMAP = OpSpec("clear mm->mmap (or destroy the tree): later walks find no VMA")
    MMAP_READ_LOCK = OpSpec("mmap_read_lock (blocks)", takes="read", waits_for="mmap_lock_read")
    MMAP_READ_TRYLOCK = OpSpec("mmap_read_trylock, or go to `otherwise`", branches=True, takes="read")
    MMAP_READ_UNLOCK = OpSpec("mmap_read_unlock", drops="read")
    MMAP_WRITE_LOCK = OpSpec("mmap_write_lock (blocks)", takes="write", waits_for="mmap_lock_write")
    MMAP_WRITE_UNLOCK = OpSpec("mmap_write_unlock", drops="write")
    MMAP_WRITE_DOWNGRADE = OpSpec("mmap_write_downgrade: keep it for reading", takes="read", drops="write")
    SET_FLAG = OpSpec("set an mm flag", ("flag",))
    IF_FLAG = OpSpec("go on when the mm flag is set, else go to `otherwise`", ("flag",), branches=True)
    UNLESS_FLAG = OpSpec("go on when the mm flag is clear, else go to `otherwise`", ("flag",), branches=True)
    EXIT_MM = OpSpec("exit_mm: task->mm becomes NULL and one mm user goes")
    WAIT_LAST_USER = OpSpec("wait until mm_users is 0: only then does exit_mmap run", waits_for="mm_users")
    FIND_MM = OpSpec(
        "mmgrab the mm of a task that still has one (kept=1: or had one), or go to `otherwise` (ESRCH)",
        ("kept",),
        branches=True,
    )
    MMGET_NOT_ZERO = OpSpec("pin mm_users, or go to `otherwise` (ESRCH)", branches=True, pins=+1)
    MMPUT = OpSpec("drop the mm_users pin", pins=-1)
    SLEEP = OpSpec("sleep by timer", ("ps",), sleeps=True, is_local=True)
    RETRY_SLEEP = OpSpec(
        "idle sleep between two attempts; counted as blocked on mmap_lock",
        ("ps",),
        sleeps=True,
        waits_for="mmap_lock_retry",
        is_local=True,
    )
    RETRY = OpSpec("count an attempt; go to `otherwise` after the last one", ("attempts",), branches=True)
    LEAVE = OpSpec("leave all that is still mapped, for this reason", ("why",), is_local=True)
    GOTO = OpSpec("go to another step", jumps=True, is_local=True)
    END = OpSpec("the task is done", ends=True, is_local=True)
    LOCK_PAGE = OpSpec("lock_page on the page the scenario names (blocks)", page_lock=+1, waits_for="page_lock")
    UNLOCK_PAGE = OpSpec("unlock_page", page_lock=-1)
    ALLOC_SLEEP = OpSpec(
        "sleep before the allocation is tried again; counted as blocked on memory",
        ("ps",),
        sleeps=True,
        waits_for="memory",
        is_local=True,
    )
    HOLD_FOR = OpSpec("go on holding for the time the scenario names", is_local=True)
    AWAIT_PAGE_WAITER = OpSpec(
        "stand in for whoever holds the contended page that somebody waits for", waits_for="idle"
    )
    ALLOC = OpSpec("allocate the scenario's pages, or go to `otherwise`", branches=True)
    # loses_sight: when a memory cgroup's killer no longer finds the victim, and so kills the next one all the same
    # by_page: who asks page by page calls the killer only when nothing at all has come back since the last time
    OUT_OF_MEMORY = OpSpec(
        "one last try; MMF_OOM_SKIP set: kill the next victim; clear: kill nobody, go to `otherwise`",
        ("loses_sight", "by_page"),
        branches=True,
    )
    EXIT_MM_IF_LAST = OpSpec("exit_mm; go on to exit_mmap when that was the last mm user", branches=True)
    MMPUT_IF_LAST = OpSpec(
        "drop the mm_users pin; go on to exit_mmap when that was the last mm user", branches=True, pins=-1
    )
    REAP_PASS_HANDOVER = replace(
        A_PASS,
        meaning="as reap_pass, in chunks from the top of a VMA; to `otherwise` if after one somebody awaits mmap_lock",
        args=("skip", "direction", "chunk_pages"),
        branches=True,
    )


BY_CODE = {int(op): op for op in Op}
UNKNOWN = OpSpec("an op of another version of mmbench")


def spec_named(name: str) -> OpSpec:
    """The traits of an op by the name that it has in a record ("reap_pass"); those of UNKNOWN when there is none."""
    return Op[name.upper()].spec if name.upper() in Op.__members__ else UNKNOWN
