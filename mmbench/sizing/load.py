"""How busy the reaper is in the long run, and whether there is a long run at all."""

from __future__ import annotations

from dataclasses import dataclass

from mmbench.errors import InputError
from mmbench.sizing.laws import KillLaw
from mmbench.sizing.mixture import Table
from mmbench.sizing.queue import N_WAITS


@dataclass(frozen=True)
class Load:
    """Kills per second times the mean time that the reaper is busy with one.

    idle:    with victims that it takes at once
    backlog: with victims that it takes more than two minutes late, as in a list that grows: stable below 1
    """

    idle: float
    backlog: float


def load_of(kills: KillLaw, table: Table) -> Load:
    """The load of a law of kills on a service table."""
    return Load(*(kills.kills_per_s * table.busy_ps(wait) / 1e12 for wait in (0, N_WAITS - 1)))


def check_steady(kills: KillLaw, table: Table, strategy: str) -> Load:
    """Return the load, or raise InputError when the list would grow without end, saying by how much."""
    load = load_of(kills, table)
    if load.backlog >= 1:
        busy_s = table.busy_ps(N_WAITS - 1) / 1e12
        raise InputError(
            f"{strategy}: the queue has no steady state. {kills.kills_per_s:.3g} kills/s keep the reaper busy "
            f"{busy_s:.3g} s each, a load of {load.backlog:.3g}; allowed are loads below 1. The list grows by "
            f"{kills.kills_per_s - 1 / busy_s:.3g} kills/s. Give fewer kills (--kills), rarer or smaller heavy victims."
        )
    return load
