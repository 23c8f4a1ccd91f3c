"""The ops: every verb that a step of a protocol may use, with its meaning in one line.

`OPS` is what the linter, `mmbench show` and the assembler read; `machine.apply` gives each its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Op(IntEnum):
    """Op codes; the numbers are private to a run and never stored."""

    REAP_PASS = 0
    REAP_PASS_TRYLOCK_PAGES = 1
    REAP_PASS_TRYLOCK_VMAS = 2
    UNMAP_VMAS = 3
    UNLOCK_RANGE = 4
    FREE_PGTABLES = 5
    TLB_GATHER_MMU = 6
    TLB_FINISH_MMU = 7
    REMOVE_VMAS = 8
    CLEAR_MMAP = 9
    MMAP_READ_LOCK = 10
    MMAP_READ_TRYLOCK = 11
    MMAP_READ_UNLOCK = 12
    MMAP_WRITE_LOCK = 13
    MMAP_WRITE_UNLOCK = 14
    MMAP_WRITE_DOWNGRADE = 15
    SET_FLAG = 16
    IF_FLAG = 17
    UNLESS_FLAG = 18
    EXIT_MM = 19
    WAIT_LAST_USER = 20
    FIND_MM = 21
    MMGET_NOT_ZERO = 22
    MMPUT = 23
    SLEEP = 24
    RETRY_SLEEP = 25
    RETRY = 26
    LEAVE = 27
    GOTO = 28
    END = 29
    LOCK_PAGE = 30
    UNLOCK_PAGE = 31
    ALLOC_SLEEP = 32
    HOLD_FOR = 33
    AWAIT_PAGE_WAITER = 34
    ALLOC = 35
    OUT_OF_MEMORY = 36


@dataclass(frozen=True)
class OpSpec:
    """What the linter and a reader need to know about one op.

    args:     names of its integer arguments, in order (at most three)
    branches: it may go to `otherwise` instead of the next step
    takes, needs, drops: effect on mmap_lock ("read" or "write"); `downgrade` turns write into read
    gather:   +1 opens an mmu_gather of the task, -1 finishes it
    """

    meaning: str
    args: tuple[str, ...] = ()
    branches: bool = False
    takes: str = ""
    drops: str = ""
    needs: str = ""
    gather: int = 0
    ends: bool = False


OPS: dict[Op, OpSpec] = {
    Op.REAP_PASS: OpSpec(
        "set MMF_UNSTABLE, then zap every VMA that the skip mask lets in, one gather per VMA",
        ("skip", "direction", "lru_batch"),
    ),
    Op.REAP_PASS_TRYLOCK_PAGES: OpSpec(
        "as reap_pass, but munlock pages of VM_LOCKED VMAs by trylock and leave the contended pages",
        ("skip", "direction", "lru_batch"),
    ),
    Op.REAP_PASS_TRYLOCK_VMAS: OpSpec(
        "as reap_pass, but munlock VM_LOCKED VMAs by trylock and leave a VMA at its first contended page",
        ("skip", "direction", "lru_batch"),
    ),
    Op.UNMAP_VMAS: OpSpec("zap every VMA, low to high, into the open gather", ("lru_batch",)),
    Op.UNLOCK_RANGE: OpSpec(
        "old munlock of every VM_LOCKED VMA: clear the flag, then take each page lock (blocks)",
        ("mark", "unmark", "claims_vma"),
    ),
    Op.FREE_PGTABLES: OpSpec("free the page tables of every VMA"),
    Op.TLB_GATHER_MMU: OpSpec("open a full-mm mmu_gather", gather=+1),
    Op.TLB_FINISH_MMU: OpSpec("flush and close the gather", gather=-1),
    Op.REMOVE_VMAS: OpSpec("free the VMAs; the list dangles until it is cleared"),
    Op.CLEAR_MMAP: OpSpec("clear mm->mmap (or destroy the tree): later walks find no VMA"),
    Op.MMAP_READ_LOCK: OpSpec("mmap_read_lock (blocks)", takes="read"),
    Op.MMAP_READ_TRYLOCK: OpSpec("mmap_read_trylock, or go to `otherwise`", branches=True, takes="read"),
    Op.MMAP_READ_UNLOCK: OpSpec("mmap_read_unlock", drops="read"),
    Op.MMAP_WRITE_LOCK: OpSpec("mmap_write_lock (blocks)", takes="write"),
    Op.MMAP_WRITE_UNLOCK: OpSpec("mmap_write_unlock", drops="write"),
    Op.MMAP_WRITE_DOWNGRADE: OpSpec("mmap_write_downgrade: keep it for reading", takes="read", drops="write"),
    Op.SET_FLAG: OpSpec("set an mm flag", ("flag",)),
    Op.IF_FLAG: OpSpec("go on when the mm flag is set, else go to `otherwise`", ("flag",), branches=True),
    Op.UNLESS_FLAG: OpSpec("go on when the mm flag is clear, else go to `otherwise`", ("flag",), branches=True),
    Op.EXIT_MM: OpSpec("exit_mm: task->mm becomes NULL and one mm user goes"),
    Op.WAIT_LAST_USER: OpSpec("wait until mm_users is 0: only then does exit_mmap run"),
    Op.FIND_MM: OpSpec("mmgrab the mm of a task that still has one, or go to `otherwise` (ESRCH)", branches=True),
    Op.MMGET_NOT_ZERO: OpSpec("pin mm_users, or go to `otherwise` (ESRCH)", branches=True),
    Op.MMPUT: OpSpec("drop the mm_users pin"),
    Op.SLEEP: OpSpec("sleep by timer", ("ps",)),
    Op.RETRY_SLEEP: OpSpec("idle sleep between two attempts; counted as blocked on mmap_lock", ("ps",)),
    Op.RETRY: OpSpec("count an attempt; go to `otherwise` after the last one", ("attempts",), branches=True),
    Op.LEAVE: OpSpec("leave all that is still mapped, for this reason", ("why",)),
    Op.GOTO: OpSpec("go to another step"),
    Op.END: OpSpec("the task is done", ends=True),
    Op.LOCK_PAGE: OpSpec("lock_page on the page the scenario names (blocks)"),
    Op.UNLOCK_PAGE: OpSpec("unlock_page"),
    Op.ALLOC_SLEEP: OpSpec("sleep before the allocation is tried again; counted as blocked on memory", ("ps",)),
    Op.HOLD_FOR: OpSpec("go on holding for the time the scenario names"),
    Op.AWAIT_PAGE_WAITER: OpSpec("stand in for whoever holds the contended page that somebody waits for"),
    Op.ALLOC: OpSpec("allocate the scenario's pages, or go to `otherwise`", branches=True),
    Op.OUT_OF_MEMORY: OpSpec(
        "one last try; MMF_OOM_SKIP set: kill the next victim; clear: kill nobody, go to `otherwise`", branches=True
    ),
}
