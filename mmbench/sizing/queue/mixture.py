"""The mixture of victims: ordinary ones, and now and then a heavy one; with or without a page lock held against it.

Each part is a family of victims under one law of holds. Together with a strategy they make a study's service table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from mmbench.errors import InputError
from mmbench.sizing.laws import spoken
from mmbench.sizing.laws.families import Family
from mmbench.sizing.laws.spoken import HoldLaw
from mmbench.sizing.laws.strata import slot_chances
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER
from mmbench.sizing.queue.service import Runs, Setting, family_runs, sized

MAX_TABLE_BYTES = 2 << 30


@dataclass(frozen=True)
class Part:
    """A share of all victims: a family, and the law of the page locks held against it (None: nobody holds one).

    A share of 0 means that nobody is drawn from it: a study compares with such victims. They come last in a mixture.
    """

    share: Fraction
    family: Family
    hold: HoldLaw | None = None
    heavy: bool = False

    @property
    def n_holds(self) -> int:
        """Slots of the hold axis."""
        return len(self.hold.points_ps) if self.hold else 1


@dataclass(frozen=True)
class Table:
    """The service table of a mixture under one strategy, as a study takes it.

    fields: float64 (n entries, N_WAITS, N_FIELDS); components, thresholds: see mmbench.sizing.laws.entries
    chances: float64 (n entries,), probability of each entry
    """

    fields: np.ndarray
    components: np.ndarray
    thresholds: np.ndarray
    chances: np.ndarray

    def busy_ps(self, wait: int) -> float:
        """Mean time that the reaper is busy with a victim, 0 for one that never enters the list; wait: index."""
        busy = self.fields[:, wait, REAPER]
        listed = self.fields[:, 0, REAPER] != NOT_LISTED
        return float((self.chances * np.where(listed, busy, 0.0)).sum())


def mixture(
    ordinary: Family, heavy: Family | None, rarity: Fraction, hold: HoldLaw | None, held: Fraction
) -> list[Part]:
    """Parts of positive probability. Page locks are held against victims with mlocked pages only.

    Raises InputError when a law of holds is given and no victim has mlocked pages.
    """
    whole = [Part(1 - rarity if heavy else Fraction(1), ordinary)] + (
        [Part(rarity, heavy, heavy=True)] if heavy else []
    )
    parts, holdable = [], False
    for part in whole:
        locked = hold is not None and part.family.n_locked_pages() > 0
        holdable |= locked
        parts += [replace(part, share=part.share * (1 - held)), replace(part, share=part.share * held, hold=hold)] \
            if locked else [part]  # fmt: skip
    if hold is not None and not holdable:
        raise InputError(
            f"--holds {hold.name}: no victim of this study has mlocked pages, so no page lock can be held "
            "against it. Give --heavy or --ordinary-locked, or leave out --holds."
        )
    return [part for part in parts if part.share > 0]


def node_tables(parts: list[Part], setting: Setting, tick: Callable[[], None]) -> list[Runs]:
    """Engine runs of every part. Ticks once per node."""
    return [family_runs(part.family, setting, part.hold, tick) for part in parts]


def n_nodes(parts: list[Part]) -> int:
    """How often node_tables ticks."""
    return sum(len(part.family.nodes) for part in parts)


def service_table(parts: list[Part], runs: list[Runs], setting: Setting) -> Table:
    """Put the parts one after another. Raises InputError for a table beyond MAX_TABLE_BYTES."""
    n_bytes = sum(8 * of.rows[0].size * len(part.family.sizes) for part, of in zip(parts, runs, strict=True))
    if n_bytes > MAX_TABLE_BYTES:
        raise InputError(
            f"the service table would take {n_bytes >> 20} MiB; allowed are {MAX_TABLE_BYTES >> 20}. Give a law of "
            "sizes to one of --ordinary and --heavy only, or leave out --holds or --contended."
        )
    rows, components, chances, base = [], [], [], 0
    for part, found in zip(parts, runs, strict=True):
        family = part.family
        of_part = sized(found, family.sizes, setting)
        n_seeds = of_part.shape[2]
        n_strata = spoken.N_STRATA if part.n_holds > 1 else 1
        components.append(
            [base, family.n_strata, len(family.sizes) // family.n_strata, n_strata, part.n_holds // n_strata, n_seeds]
        )
        size, held = slot_chances(len(family.sizes), family.n_strata), slot_chances(part.n_holds, n_strata)
        chances.append(float(part.share) * np.outer(np.outer(size, held), np.full(n_seeds, 1 / n_seeds)).ravel())
        rows.append(of_part.reshape(-1, *of_part.shape[3:]))
        base += len(rows[-1])
    return Table(
        np.concatenate(rows).astype(np.float64),
        np.array(components, dtype=np.int64),
        thresholds_of([part.share for part in parts if part.share]),
        np.concatenate(chances),
    )


def thresholds_of(shares: list[Fraction]) -> np.ndarray:
    """Cumulated probabilities but the last, in units of 2**-64, rounded: uint64 (n - 1,)."""
    cumulated = [sum(shares[: k + 1], Fraction(0)) for k in range(len(shares) - 1)]
    return np.array([min(round(c * 2**64), 2**64 - 1) for c in cumulated], dtype=np.uint64)
