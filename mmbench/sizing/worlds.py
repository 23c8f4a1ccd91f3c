"""The same kills in other worlds: what would have been without the heavy victims, and with nothing of them mlocked.

All worlds share gaps and ordinary victims (common random numbers), so what differs is what heavy victims do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from mmbench.errors import InputError
from mmbench.model.layout import VM_LOCKED, VM_LOCKONFAULT, VmaTable
from mmbench.sizing.counting import CARRY_BITS, HIGH, N_BATCHES, Counting, Counts
from mmbench.sizing.laws.entries import BASE, HOLD_POINTS, HOLD_STRATA, SEEDS, replace_heavy
from mmbench.sizing.laws.families import Family
from mmbench.sizing.laws.strata import slot_chances
from mmbench.sizing.queue.delay import N_JOINT, compare_kills
from mmbench.sizing.queue.mixture import Part, thresholds_of
from mmbench.sizing.study import Heavy, Study, held_of, kept_of, play, room_of, serve

# with:     as they are
# unlocked: heavy victims of the same size with nothing mlocked, so that no page lock is held against them
# without:  an ordinary victim in place of each heavy one
# own:      heavy kills as in `with`, all others as in `without`: what heavy victims suffer, not what they do to others
WORLDS = ("with", "unlocked", "without", "own")


def compared(parts: list[Part]) -> list[Part]:
    """The parts of a mixture, and after them the heavy families with nothing mlocked, of which nobody is drawn.

    The same parts when there is nothing to compare: no heavy victims, or only heavy ones.
    """
    heavy = {id(part.family): part.family for part in parts if part.heavy}
    if not heavy or all(part.heavy for part in parts):
        return parts
    return [*parts, *(Part(Fraction(0), unlocked(family), heavy=True) for family in heavy.values())]


def check_heavier(parts: list[Part]) -> None:
    """Raise InputError when heavy victims are neither larger nor more mlocked than ordinary ones, in the mean."""
    kinds = [[part for part in parts if part.heavy == heavy] for heavy in (False, True)]
    if not all(kinds):
        return
    sizes, locked = zip(*(_means(of) for of in kinds), strict=True)
    if sizes[1] <= sizes[0] and locked[1] <= locked[0]:
        names = [of[0].family.name for of in kinds]
        raise InputError(
            f"--heavy {names[1]} is not heavier than --ordinary {names[0]}: {sizes[1] / 2**20:,.4g} MiB, "
            f"{locked[1] / 2**20:,.4g} of them mlocked, beside {sizes[0] / 2**20:,.4g} and {locked[0] / 2**20:,.4g} in "
            "the mean. Give a larger or a more mlocked one."
        )


def _means(parts: list[Part]) -> tuple[float, float]:
    """Mean size and mean mlocked bytes of the first part's family; the largest victim tells the mlocked share."""
    family = parts[0].family
    chances = slot_chances(len(family.sizes), family.n_strata)
    size = sum(p * s for p, s in zip(chances, family.sizes, strict=True))
    largest = family.build(family.nodes[-1])
    return size, size * largest.locked_pages / max(largest.resident_pages, 1)


def unlocked(family: Family) -> Family:
    """The same victims with nothing mlocked."""
    return replace(family, name=f"{family.name}, nothing locked", build=_without_locks(family.build))


def _without_locks(build: Callable[[int], VmaTable]) -> Callable[[int], VmaTable]:
    def build_unlocked(size_bytes: int) -> VmaTable:
        vmas = build(size_bytes)
        return replace(vmas, flags=vmas.flags & ~(VM_LOCKED | VM_LOCKONFAULT))

    return build_unlocked


def heavy_of(parts: list[Part], components: np.ndarray, n_entries: int) -> Heavy | None:
    """Which entries of a service table are heavy; None when there is nothing to compare.

    Without the parts that `compared` adds, heavy victims with nothing mlocked are as they are.
    """
    drawn = [c for c, part in enumerate(parts) if part.share and part.heavy]
    if not drawn or drawn[0] == 0:
        return None
    n_drawn = drawn[-1] + 1
    spare = int(components[n_drawn, BASE]) if n_drawn < len(parts) else None
    entry = np.arange(n_entries if spare is None else spare, dtype=np.int64)
    for c in drawn if spare is not None else ():
        base, end = int(components[c, BASE]), int(components[c + 1, BASE])
        n_seeds, n_holds = int(components[c, SEEDS]), int(components[c, HOLD_STRATA] * components[c, HOLD_POINTS])
        slot, seed = np.divmod(np.arange(end - base), n_seeds)
        entry[base:end] = spare + slot // n_holds * n_seeds + seed
    ordinary = [part.share for part in parts[: drawn[0]]]
    shares = [share / sum(ordinary, Fraction(0)) for share in ordinary]
    return Heavy(int(components[drawn[0], BASE]), thresholds_of(shares), entry)


def each_world(
    study: Study, replication: int, busy: np.ndarray, room: list[np.ndarray]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:  # fmt: skip
    """Play a replication in every world: its name, and entries and waits with the edges, until the next is played."""
    heavy = study.heavy
    assert heavy is not None
    play(study, replication, busy, room)
    drawn, waits = room[1].copy(), room[2].copy()
    yield "with", drawn, waits
    room[1][:] = heavy.unlocked[drawn]
    serve(study, busy, room)
    yield "unlocked", room[1], room[2]
    first = replication * len(drawn)
    replace_heavy(study.seed, first, heavy.thresholds, study.components, heavy.first, drawn, room[1])
    serve(study, busy, room)
    yield "without", room[1], room[2]
    yield "own", drawn, np.where(drawn >= heavy.first, waits, room[2])


def run_worlds(study: Study, first_replication: int, n_replications: int) -> Counts:
    """As run_chunk, for every world, its counts under WORLD/NAME; and `joint`, the sums of queue.delay by batch."""
    heavy, busy, kept = study.heavy, study.busy, kept_of(study)
    assert heavy is not None
    countings = {
        world: Counting(study.fields, study.delay_ps, study.over_ps, n_replications) for world in WORLDS
    }  # fmt: skip
    room, joint = room_of(study), np.zeros((N_BATCHES, N_JOINT), dtype=np.int64)
    for r in range(first_replication, first_replication + n_replications):
        drawn = waits = np.empty(0, dtype=np.int64)
        for world, entries, found in each_world(study, r, busy, room):
            countings[world].add(r, room[0][kept], entries[kept], found[kept], held_of(study, room))
            if world == "with":
                drawn, waits = entries[kept], found[kept]
            elif world == "without":
                compare_kills(
                    drawn, waits, found[kept], study.fields, heavy.first, study.over_ps, joint[r % N_BATCHES]
                )  # fmt: skip
    counts = {f"{world}/{name}": array for world in WORLDS for name, array in countings[world].close().items()}
    return counts | {f"joint{HIGH}": joint >> CARRY_BITS, "joint": joint & ((1 << CARRY_BITS) - 1)}


def world_of(counts: Counts, world: str) -> Counts:
    """The counts of one world, as run_chunk has them."""
    return {name.removeprefix(f"{world}/"): array for name, array in counts.items() if name.startswith(f"{world}/")}
