"""The words of the model: page-table geometry, and the table of VMAs that describes a victim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from mmbench.errors import InputError
from mmbench.model.flags import VM_HUGETLB as VM_HUGETLB
from mmbench.model.flags import VM_LOCKED as VM_LOCKED
from mmbench.model.flags import VM_LOCKONFAULT as VM_LOCKONFAULT
from mmbench.model.flags import VM_PFNMAP as VM_PFNMAP
from mmbench.model.flags import VM_SHARED as VM_SHARED
from mmbench.model.flags import VM_UNLOCKING as VM_UNLOCKING

PAGE_BYTES = 4096
PAGES_PER_TABLE = 512
TABLE_SHIFT = 9
WORDS_PER_TABLE = 8
PAGEVEC_SIZE = 15  # struct pagevec, v4.16 to v5.17

VM_FLAG_NAMES = {
    "shared": VM_SHARED,
    "pfnmap": VM_PFNMAP,
    "locked": VM_LOCKED,
    "lockonfault": VM_LOCKONFAULT,
    "hugetlb": VM_HUGETLB,
}

ANON, FILE, SHMEM = 0, 1, 2
KIND_NAMES = ("anon", "file", "shmem")

MAX_PAGES = 1 << 36  # 256 TiB, the user half of a 48-bit address space in 4 KiB pages
MAX_ORDER = 9


@dataclass(frozen=True)
class VmaTable:
    """The VMAs of one mm, one row each, sorted by address: all that a world is built from.

    All columns are int64 of shape (n_vmas,).

    start:     first page number of the VMA (virtual address >> 12)
    pages:     length in pages
    flags:     VM_* bits
    kind:      ANON, FILE or SHMEM
    resident:  pages present in the page tables (spread evenly when fewer than `pages`)
    huge:      how many aligned 2 MiB blocks are mapped by one PMD entry (THP, or hugetlb)
    order:     folio order of the PTE-mapped rest (0 is a plain 4 KiB page)
    elsewhere: resident pages that another mm maps too, so that unmapping frees nothing

    `runs` names the exact resident pages where they are known: VMA index -> int64 (n_runs, 2) of
    [first, end) page offsets inside the VMA. A VMA without an entry is spread evenly.
    """

    start: np.ndarray
    pages: np.ndarray
    flags: np.ndarray
    kind: np.ndarray
    resident: np.ndarray
    huge: np.ndarray
    order: np.ndarray
    elsewhere: np.ndarray
    runs: dict[int, np.ndarray]

    @property
    def n_vmas(self) -> int:
        return len(self.start)

    @property
    def resident_pages(self) -> int:
        """Pages that count as resident memory; a VM_PFNMAP mapping has none."""
        return int(self.resident[(self.flags & VM_PFNMAP) == 0].sum())

    @property
    def freeable_pages(self) -> int:
        """Resident pages that come back when this mm lets go of them: those that no other mm maps."""
        return self.resident_pages - int(self.elsewhere[(self.flags & VM_PFNMAP) == 0].sum())

    @property
    def locked_pages(self) -> int:
        """Resident pages in VM_LOCKED VMAs."""
        locked = ((self.flags & VM_LOCKED) != 0) & ((self.flags & VM_PFNMAP) == 0)
        return int(self.resident[locked].sum())


COLUMNS = tuple(f.name for f in fields(VmaTable) if f.name != "runs")


def vma_table(rows: Mapping[str, object], runs: dict[int, np.ndarray] | None = None) -> VmaTable:
    """Make a VmaTable from columns or scalars (broadcast to the length of `start`) and validate it.

    Missing columns are zero, except `resident`, which defaults to fully resident.
    Raises InputError naming the first VMA and column that break a rule.
    """
    start = np.atleast_1d(np.asarray(rows["start"], dtype=np.int64))
    columns = {}
    for name in COLUMNS:
        default = rows["pages"] if name == "resident" else 0
        value = np.asarray(rows.get(name, default), dtype=np.int64)
        columns[name] = np.ascontiguousarray(np.broadcast_to(value, start.shape))
    table = VmaTable(**columns, runs=dict(runs or {}))
    check_vma_table(table)
    return table


def check_vma_table(table: VmaTable) -> None:
    """Raise InputError at the first VMA that breaks a rule of the layout."""
    t = table
    aligned = -(-t.start // PAGES_PER_TABLE)
    room = np.maximum((t.start + t.pages) // PAGES_PER_TABLE - aligned, 0)
    rules = [
        ("pages", t.pages < 1, "a VMA has at least one page"),
        ("start", t.start < 0, "addresses are not negative"),
        ("start", t.start + t.pages > MAX_PAGES, f"addresses end below page {MAX_PAGES} (48-bit)"),
        ("kind", (t.kind < 0) | (t.kind > SHMEM), f"kinds are {', '.join(KIND_NAMES)}"),
        ("resident", (t.resident < 0) | (t.resident > t.pages), "resident is between 0 and pages"),
        ("order", (t.order < 0) | (t.order > MAX_ORDER), f"folio order is between 0 and {MAX_ORDER}"),
        ("elsewhere", (t.elsewhere < 0) | (t.elsewhere > t.resident), "elsewhere is between 0 and resident"),
        ("huge", (t.huge < 0) | (t.huge > room), "huge blocks are 2 MiB aligned and lie inside the VMA"),
        ("huge", t.huge * PAGES_PER_TABLE > t.resident, "huge blocks are resident"),
    ]
    if t.n_vmas == 0:
        raise InputError("a victim has at least one VMA; found none.")
    for column, bad, rule in rules:
        if bad.any():
            i = int(np.argmax(bad))
            raise InputError(f"VMA {i}, {column} = {int(getattr(t, column)[i])}: {rule}.")
    overlap = t.start[1:] < t.start[:-1] + t.pages[:-1]
    if overlap.any():
        i = int(np.argmax(overlap)) + 1
        raise InputError(f"VMA {i} starts at page {int(t.start[i])}, inside VMA {i - 1}: VMAs are sorted and disjoint.")
