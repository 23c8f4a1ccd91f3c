"""Twins of the page kernels: a table is three sets of page offsets."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """One PTE table: offsets 0..511 of pages that are present, mlocked, page-locked, mapped elsewhere."""

    present: set[int] = field(default_factory=set)
    mlocked: set[int] = field(default_factory=set)
    pg_locked: set[int] = field(default_factory=set)
    elsewhere: set[int] = field(default_factory=set)


def unmap(table: Table, first: int, end: int) -> tuple[int, int]:
    """Unmap what is present in [first, end): (unmapped, of those mlocked)."""
    gone = {page for page in table.present if first <= page < end}
    mlocked = gone & table.mlocked
    table.present -= gone
    table.mlocked -= gone
    return len(gone), len(mlocked)


def unmap_last_mappings(table: Table, first: int, end: int, keeps_all: bool) -> tuple[int, int]:
    """As unmap before v5.18: what is mapped elsewhere stays mlocked; (unmapped, of those no longer mlocked)."""
    gone = {page for page in table.present if first <= page < end}
    last = set() if keeps_all else (gone - table.elsewhere) & table.mlocked
    table.present -= gone
    table.mlocked -= last
    return len(gone), len(last)


def mark_elsewhere(table: Table, first: int, end: int, huge: bool) -> int:
    """Mlock again what is mapped elsewhere in [first, end): pages marked."""
    marked = set(range(512)) if huge and table.elsewhere else table.elsewhere
    marked = {page for page in marked - table.mlocked if first <= page < end}
    table.mlocked |= marked
    return len(marked)


def unmap_uncontended(table: Table, first: int, end: int) -> tuple[int, int, int]:
    """As unmap, but mlocked pages whose page lock is held stay: (unmapped, mlocked, left)."""
    here = {page for page in table.present if first <= page < end}
    left = here & table.mlocked & table.pg_locked
    gone = here - left
    mlocked = gone & table.mlocked
    table.present -= gone
    table.mlocked -= gone
    return len(gone), len(mlocked), len(left)


def first_contended(table: Table, first: int, end: int) -> int:
    """Where an old munlock walk must wait, or `end`."""
    return min((page for page in table.present & table.mlocked & table.pg_locked if first <= page < end), default=end)


def munlock(table: Table, first: int, end: int) -> tuple[int, int]:
    """Clear PG_mlocked in [first, end): (munlocked, positions without a page)."""
    touched = {page for page in table.present & table.mlocked if first <= page < end}
    absent = [page for page in range(first, end) if page not in table.present]
    table.mlocked -= touched
    return len(touched), len(absent)


def batches(table: Table, first: int, end: int) -> list[list[int]]:
    """The batches of the old pass over [first, end): at most 15 neighbours each."""
    found: list[list[int]] = []
    for page in range(first, end):
        if page in table.present:
            if not found or found[-1][-1] != page - 1 or len(found[-1]) == 15:
                found.append([])
            found[-1].append(page)
    return found


def munlock_walk(table: Table, first: int, end: int) -> tuple[int | None, list[int]]:
    """The old pass over [first, end): (the page it sleeps on, pages of its batch yet to lock), or (None, []).

    Phase 1 of a batch clears PG_mlocked of all its pages; phase 2 takes their locks in turn.
    """
    for batch in batches(table, first, end):
        taken = [page for page in batch if page in table.mlocked]
        table.mlocked -= set(taken)
        for k, page in enumerate(taken):
            if page in table.pg_locked:
                return page, taken[k:]
    return None, []


def pagevecs(table: Table, first: int, end: int) -> int:
    """Batches of at most 15 neighbours in which the old pass takes [first, end)."""
    n_pagevecs, room = 0, 0
    for page in range(first, end):
        if page not in table.present:
            room = 0
        elif room:
            room -= 1
        else:
            n_pagevecs, room = n_pagevecs + 1, 14
    return n_pagevecs


def elsewhere(table: Table, first: int, end: int) -> int:
    """Present pages of [first, end) that another mm maps."""
    return len([page for page in table.present & table.elsewhere if first <= page < end])
