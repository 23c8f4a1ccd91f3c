"""The words of a record, each declared once with all that hangs on it: who takes part, waits, reasons, other killers.

Engine, checker, sizing, records, reports and the site read these lists, and none of them repeats one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Party:
    """A role that a design gives its steps.

    is_required: every design has it; reaps: it empties somebody else's mm, so it must not wait for a page lock, and a
    record says what it passed over (`KEY_left_pages`)
    """

    key: str
    what: str
    is_required: bool = False
    reaps: bool = False


PARTIES = (
    Party("exit", "the victim: exit_mm, then exit_mmap", is_required=True),
    Party("reaper", "the oom_reaper thread", is_required=True, reaps=True),
    Party("mrelease", "a process_mrelease caller", reaps=True),
)
PARTY_KEYS = tuple(party.key for party in PARTIES)
REAPERS = tuple(party.key for party in PARTIES if party.reaps)


@dataclass(frozen=True)
class Cause:
    """What a task can wait for. Declared in the order in which reports show them.

    key:       its name in a record (`blocked_ps.exit.KEY`), in an op's `waits_for` and in a work item's `cause`
    code:      its number in a world (T_WAIT), in the engine's state, and its place in a record
    name:      its name for people
    colour, hatch: how pictures paint it
    is_spread: met while working, a little at every hold of a lock, and so has no start and end of its own
    counts:    it is time blocked; False: the task had nothing to do
    """

    key: str
    code: int
    name: str
    colour: str = "#999999"
    hatch: str = ""
    is_spread: bool = False
    counts: bool = True


# Colours: Okabe and Ito's; waiting for mmap_lock is one family of blues.
CAUSES = (
    Cause("mmap_lock_write", 2, "mmap_lock write", "#0072B2"),
    Cause("mmap_lock_read", 1, "mmap_lock read", "#56B4E9"),
    Cause("mmap_lock_retry", 7, "mmap_lock retry", "#56B4E9", "////"),
    Cause("page_lock", 3, "page lock", "#D55E00"),
    Cause("ptl", 8, "page-table lock", "#E69F00"),
    Cause("lru_lock", 9, "LRU lock", "#009E73", is_spread=True),
    Cause("zone_lock", 10, "zone lock", "#CC79A7", is_spread=True),
    Cause("mm_users", 4, "mm_users", "#F0E442", "..."),
    Cause("memory", 6, "want of memory", "#555555"),
    Cause("idle", 5, "nothing to do", counts=False),
)
CAUSE = {cause.key: cause for cause in CAUSES}
CAUSE_KEYS = tuple(cause.key for cause in CAUSES if cause.counts)
BY_CODE = tuple(sorted(CAUSES, key=lambda cause: cause.code))
SPREAD = tuple(cause.key for cause in BY_CODE if cause.is_spread)
N_CODES = BY_CODE[-1].code + 1  # code 0: the task does not wait


@dataclass(frozen=True)
class Share:
    """A part of the time from a kill to MMF_OOM_SKIP when many kills share a reaper; key: a cause's where it is one."""

    key: str
    name: str
    colour: str
    hatch: str = ""


def waiting_for(key: str) -> Share:
    """The part that the reaper waits for a cause."""
    cause = CAUSE[key]
    return Share(key, cause.name, cause.colour, cause.hatch)


# In the order in which a study counts them.
SHARES = (
    Share("behind", "behind another victim", "#0072B2"),
    Share("timer", "reaper's timer", "#CC79A7", "//"),
    waiting_for("page_lock"),  # which exit sleeps for with mmap_lock held
    waiting_for("mmap_lock_retry"),
    Share("teardown", "its own teardown", "#009E73", ".."),
)
SHARE = {share.key: share for share in SHARES}


@dataclass(frozen=True)
class Reason:
    """Why pages stayed. name: in a table; because: in a sentence about who left them."""

    key: str
    name: str
    because: str


# Why a reaper passes pages over; a world counts them in this order.
PASSED_OVER = (
    Reason("vm_locked", "VM_LOCKED", "in VM_LOCKED areas, which it skips"),
    Reason("vm_unlocking", "VM_UNLOCKING", "in areas that are being unlocked, which it skips"),
    Reason("vm_hugetlb", "VM_HUGETLB", "in hugetlb areas, which it skips"),
    Reason("shared_mapping", "shared mapping", "in shared file mappings, which it skips"),
    Reason("contended_page", "contended page", "somebody holds the page lock, and it does not wait"),
    Reason("contended_vma", "contended vma", "somebody holds a page lock in the area, and it does not wait"),
    Reason("gave_up", "gave up", "it never got mmap_lock in its ten tries"),
    Reason("oom_skip_set", "MMF_OOM_SKIP set", "MMF_OOM_SKIP was set before it came"),
)

# Why pages never came back at all.
LEFT = (
    Reason("mapped_elsewhere", "mapped elsewhere", "another process maps them too"),
    Reason("exit_blocked", "exit blocked", "the exiting task never got to the end"),
    Reason("still_mapped", "still mapped", "nobody unmapped them"),
    Reason("in_gather", "in gather", "unmapped, not yet given to the allocator"),
)
REASON = {reason.key: reason for reason in (*PASSED_OVER, *LEFT)}


@dataclass(frozen=True)
class Killer:
    """Somebody who kills again when memory is still short after its patience."""

    key: str
    patience_ps: int


KILLERS = (
    Killer("kernel", 10**12),
    Killer("earlyoom", 10 * 10**12),
    Killer("oomd", 15 * 10**12),
    Killer("systemd-oomd", 15 * 10**12),
)
PATIENCE_PS = {killer.key: killer.patience_ps for killer in KILLERS}


def check_words(causes: Iterable[Cause] = CAUSES) -> None:
    """Raise ValueError unless keys are unique and the codes of causes are 1, 2, 3 ..., each used once."""
    causes = tuple(causes)
    if len({cause.key for cause in causes}) < len(causes):
        raise ValueError("words.CAUSES: two causes have one key.")
    codes = sorted(cause.code for cause in causes)
    if codes != list(range(1, len(causes) + 1)):
        raise ValueError(f"words.CAUSES: codes are {codes}; give the new cause the next number, {len(causes)}.")


check_words()
