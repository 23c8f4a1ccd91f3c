"""The properties of a check: their names, what breaks them in the kernel's words, and a user's own.

A user's property is a Python file that defines `NAME` (one line) and `holds(v)`, a function of model.world.Views that
returns False in a bad state. It is asked in every reachable state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmbench.checker.expand import (
    LEFT_WITHOUT_REASON,
    REAPER_WAITS_FOR_PAGE,
    SKIP_TOO_EARLY,
    TABLE_FREED_WITHOUT_GATHER,
    TABLE_LEFT,
)
from mmbench.errors import InputError, short
from mmbench.model import invariants as inv
from mmbench.model.world import Views


@dataclass(frozen=True)
class Property:
    """One property: short name, claim, and what its violation is in the kernel."""

    name: str
    claim: str
    kernel: str


def property_of(bit: int, kernel: str) -> Property:
    """A property whose violation is a bit of MM_VIOLATIONS, named as in model.invariants."""
    name, _, claim = inv.INVARIANTS[bit].partition(" ")
    return Property(name, claim, kernel)


# Bit -> property; the bits of model.invariants and the checker's own.
BY_BIT: dict[int, Property] = {
    inv.TABLE_FREED_UNDER_WALKER: property_of(
        inv.TABLE_FREED_UNDER_WALKER, "a walker reads a freed page table: bad page map, use after free"
    ),
    inv.PAGE_NOT_FREED_ONCE: property_of(
        inv.PAGE_NOT_FREED_ONCE, "a page is lost or freed twice: bad rss-counter state, bad page state"
    ),
    inv.SKIP_NEVER_SET: property_of(
        inv.SKIP_NEVER_SET, "the OOM killer's scan aborts at this victim for ever: no further victim is chosen"
    ),
    inv.REAP_AFTER_SKIP: property_of(
        inv.REAP_AFTER_SKIP, "a reaper walks an mm that exit_mmap believes to be free of reapers"
    ),
    inv.MUNLOCK_AND_ZAP_SHARE_VMA: property_of(
        inv.MUNLOCK_AND_ZAP_SHARE_VMA,
        "follow_page of munlock_vma_pages_range takes the page-table lock through an entry that a zapper has "
        "cleared: CVE-2018-1000200",
    ),
    inv.ZAP_BEFORE_UNSTABLE: property_of(
        inv.ZAP_BEFORE_UNSTABLE, "a fault installs a fresh zero page where data was: 3f70dc38cec2"
    ),
    inv.NR_MLOCK_NOT_ZERO: property_of(
        inv.NR_MLOCK_NOT_ZERO, "pages stay mlocked that no VM_LOCKED VMA maps, until whoever else maps them lets go"
    ),
    inv.VMA_WALK_AFTER_FREE: property_of(
        inv.VMA_WALK_AFTER_FREE, "a walk over freed vm_area_structs: use after free, f798a1d4f94d"
    ),
    inv.UNBALANCED_GATHER: property_of(
        inv.UNBALANCED_GATHER, "mm->tlb_flush_pending stays raised: every later flush is a full one"
    ),
    REAPER_WAITS_FOR_PAGE: Property(
        "R1", "a reaper never waits on a page lock", "the only oom_reaper thread sleeps in lock_page"
    ),
    TABLE_LEFT: Property("T1", "every page table is freed", "non-zero pgtables_bytes on freeing mm"),
    TABLE_FREED_WITHOUT_GATHER: Property(
        "T2", "page tables are freed into an open mmu_gather", "a table is reused while a CPU may still walk it"
    ),
    SKIP_TOO_EARLY: Property(
        "K1",
        "MMF_OOM_SKIP is set when a reap pass would find nothing more, or by a reaper that gives up",
        "the killer takes another victim although memory of this one can be had at once: e2fe14564d33",
    ),
    LEFT_WITHOUT_REASON: Property(
        "L1",
        "what a reaper does not free it leaves with a reason, and the reason is true",
        "no 'unable to reap' in the log although nothing was reaped",
    ),
}
DEADLOCK = Property("D1", "no deadlock", "some task waits for ever; not even the reaper's give-up helps")
STALL = Property(
    "S1", "no stall", "the victim's teardown waits for memory that only the reaper's give-up (or nobody) makes free"
)
ALL = (*BY_BIT.values(), DEADLOCK, STALL)
NAMES = tuple(p.name for p in ALL)


@dataclass(frozen=True)
class OwnProperty:
    """A user's property: `holds` returns False in a bad state."""

    property: Property
    holds: Callable[[Views], bool]


def read_property(path: Path) -> OwnProperty:
    """Load a user's property file. Raises InputError naming the file and what is missing."""
    from mmbench.strategies.load import is_file
    from mmbench.strategies.user_file import import_file

    if not is_file(str(path)):
        raise InputError(f"property file {short(str(path))} does not exist; give a readable Python file.")
    module = import_file(path)
    name, holds = getattr(module, "NAME", None), getattr(module, "holds", None)
    if not isinstance(name, str) or not callable(holds):
        raise InputError(f"{path}: a property file defines NAME = '...' and def holds(v): ... -> bool.")
    return OwnProperty(Property("own", name, name), holds)
