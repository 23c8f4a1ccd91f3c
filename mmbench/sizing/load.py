"""How busy the reaper is in the long run, and whether there is a long run at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mmbench.errors import InputError
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.queue.mixture import Table
from mmbench.sizing.queue.reaper_list import N_WAITS, NOT_LISTED
from mmbench.sizing.study import Study, play, room_of

PILOTS = 4  # replications looked at for an end of the list
LESS = "Give fewer kills (--kills), rarer or smaller heavy victims."


@dataclass(frozen=True)
class Load:
    """Kills per second times the mean time that the reaper is busy with one.

    idle:    with victims that it takes at once
    backlog: with victims that it takes more than two minutes late: at 1 and above nothing ever ends the list
    """

    idle: float
    backlog: float


def load_of(kills: KillLaw, table: Table, n_reapers: int = 1) -> Load:
    """The load of a law of kills on a service table, of each of n_reapers."""
    return Load(*(kills.kills_per_s * table.busy_ps(wait) / 1e12 / n_reapers for wait in (0, N_WAITS - 1)))


def check_steady(kills: KillLaw, table: Table, strategy: str, n_reapers: int = 1) -> Load:
    """Return the load, or raise InputError when the list would grow without end, saying by how much."""
    load = load_of(kills, table, n_reapers)
    if load.backlog >= 1:
        busy_s = table.busy_ps(N_WAITS - 1) / 1e12 / n_reapers
        raise InputError(
            f"{strategy}: the queue has no steady state. {kills.kills_per_s:.3g} kills/s keep the reaper busy "
            f"{busy_s:.3g} s each, a load of {load.backlog:.3g}; allowed are loads below 1. The list grows by "
            f"{kills.kills_per_s - 1 / busy_s:.3g} kills/s. {LESS}"
        )
    return load


def growth(study: Study) -> tuple[float, float] | None:
    """Kills per second that enter a list without end, and those that leave it; None when the list has an end.

    Who comes last is served first and soon, so the reaper may be busy for good with victims that it takes a little
    late, though it would be done fast with those that wait for ever. Some replications are played: the list has an end
    when in the second half of one a kill finds the reaper idle, or no more kills enter than leave. Domains only hold
    kills back, they do not feed the list, so the replications are played without them.
    """
    study = replace(study, n_domains=0)
    room, came, went, seconds = room_of(study), 0, 0, 0.0
    busy = study.busy
    for replication in range(PILOTS):
        play(study, replication, busy, room)
        gaps, entries, waits = room[:3]
        arrive = np.cumsum(gaps, dtype=np.float64)
        middle, end = arrive[len(arrive) // 2], arrive[-1]
        listed = busy[entries, 0] != NOT_LISTED
        late = listed & (arrive > middle)
        if not late.any() or (waits[late] == 0).any():
            return None
        begun = arrive + waits
        came, went = came + int(late.sum()), went + int((listed & (begun > middle) & (begun <= end)).sum())
        seconds += (end - middle) / 1e12
    return (came / seconds, went / seconds) if came > went else None


def check_growth(study: Study) -> None:
    """Raise InputError when the list has no end, saying by how much it grows."""
    rates = growth(study)
    if rates is not None:
        came, went = rates
        raise InputError(
            f"{study.name}: the queue has no steady state. Newest first, the reaper never comes to the end of its "
            f"list: {came:.3g} kills/s enter it, {went:.3g} leave, a load of {came / went:.3g}; allowed are loads "
            f"below 1. The list grows by {came - went:.3g} kills/s. {LESS}"
        )
