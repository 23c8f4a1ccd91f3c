"""Twins of the ops that walk VMAs: what each does, from its first step to its last, to sets of pages.

Nobody else runs meanwhile, and no page is mapped elsewhere. `skips` and `held` are what the op and the scenario say:
whether areas are skipped for VM_LOCKED, and whose page lock somebody has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Area:
    """One VMA: the pages that are present, those of them that are mlocked, and whether it is VM_LOCKED."""

    present: set[int]
    mlocked: set[int]
    locked: bool


@dataclass
class Mm:
    """A victim's areas, its allocated PTE tables, and the pages whose lock somebody has."""

    areas: list[Area]
    tables: set[int]
    held: set[int] = field(default_factory=set)
    skips: bool = False


def empty(area: Area) -> None:
    """Unmap all of it."""
    area.present, area.mlocked = set(), set()


def reap(mm: Mm) -> None:
    """A reap pass takes every area that it does not skip."""
    for area in mm.areas:
        if not (mm.skips and area.locked):
            empty(area)


def reap_but_contended_pages(mm: Mm) -> None:
    """Mlocked pages whose lock somebody has stay."""
    for area in mm.areas:
        if not (mm.skips and area.locked):
            stay = area.mlocked & mm.held
            area.present, area.mlocked = stay, set(stay)


def reap_but_contended_areas(mm: Mm) -> None:
    """A VM_LOCKED area is munlocked page by page, and left at its first contended page."""
    for area in mm.areas:
        if mm.skips and area.locked:
            continue
        stop = min(area.mlocked & mm.held, default=None) if area.locked else None
        if stop is None:
            empty(area)
        else:
            area.mlocked = {page for page in area.mlocked if page >= stop}


def unmap(mm: Mm) -> None:
    """Exit takes everything."""
    for area in mm.areas:
        empty(area)


def munlock(mm: Mm) -> None:
    """Old munlock of every VM_LOCKED area; nothing is unmapped."""
    for area in mm.areas:
        if area.locked:
            area.mlocked = set()


def free_tables(mm: Mm) -> None:
    """Every table goes, whatever it holds."""
    mm.tables = set()


# Op -> its twin.
TWINS: dict[str, Callable[[Mm], None]] = {
    "REAP_PASS": reap,
    "REAP_PASS_TRYLOCK_PAGES": reap_but_contended_pages,
    "REAP_PASS_TRYLOCK_VMAS": reap_but_contended_areas,
    "REAP_PASS_HANDOVER": reap,
    "UNMAP_VMAS": unmap,
    "UNLOCK_RANGE": munlock,
    "FREE_PGTABLES": free_tables,
}
