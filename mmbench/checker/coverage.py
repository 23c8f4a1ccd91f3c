"""Shipped steps that no named scope reaches, and why: as with surviving mutants, each has a reason."""

from __future__ import annotations

from mmbench.checker.reached import unreached
from mmbench.checker.scope import NAMED, find_scope
from mmbench.checker.search import search
from mmbench.checker.world import start_of
from mmbench.machine.protocol import Role

CHEAPEST = "unlocked"  # most designs are at all of their steps in it already
ONE_REAPER = "only the reaper sets MMF_OOM_SKIP here, and there is one of it for a victim: it never finds it set"

# (role, label) -> why nobody gets there.
REASONS = {
    ("reaper", "unlock, too late"): ONE_REAPER,
    ("reaper", "too late"): ONE_REAPER,
}


def unreached_anywhere(roles: dict[str, Role]) -> tuple[tuple[str, str], ...]:
    """(role, label) of a design's steps that no named scope reaches."""
    missed = tuple((role, s.label) for role, steps in roles.items() for s in steps)
    for name in sorted(NAMED, key=lambda name: name != CHEAPEST):
        here = unreached(search(start_of(find_scope(name), roles)), roles)
        missed = tuple(place for place in missed if place in here)
        if not missed:
            break
    return missed
