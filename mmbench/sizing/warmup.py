"""How long the reaper's list remembers, so that no kill counts before the list has forgotten that it began empty.

A queue forgets at the pace of a random walk with the drift of its spare capacity: in heavy traffic a correlation falls
to 1/e within 2 var(service - gap) / (mean gap - mean service)**2 kills (Whitt, Planning queueing simulations,
Management Science 35, 1989). Newest first, a kill may be on the list for as long as a busy period, which has the same
time constant, so as many kills follow those that count.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf
from typing import NamedTuple

import numpy as np

from mmbench.errors import InputError
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.queue.reaper_list import SKIP, services
from mmbench.sizing.queue.tally import BEHIND
from mmbench.sizing.queue.worst import read_kills
from mmbench.sizing.study import EDGE_KILLS, KEPT_KILLS, Study, kept_of, play, room_of

FORGOTTEN = 8  # times the time constant: what is left of a beginning then is 1/3000
MOST_EDGE_KILLS = 1 << 20
PILOTS = 4
LONG_GAP = 10  # mean gaps: a longer one empties the list as well as one of this length


def settled(study: Study) -> Study:
    """The study with edges long enough for its own list, and twice as many kills between them.

    Pilots are played until the edge is as long as what they show asks for. Raises InputError when it would be longer
    than MOST_EDGE_KILLS: the load is too near 1, or above it.
    """
    while True:
        needed = max(needed_edges(study), key=lambda needed: needed.kills)
        if needed.kills <= study.edge_kills:
            return study
        if study.edge_kills == MOST_EDGE_KILLS:
            raise InputError(too_near(study, needed))
        longer = max(1 << ceil(min(needed.kills, MOST_EDGE_KILLS) - 1).bit_length(), 4 * study.edge_kills)
        study = with_edge(study, min(longer, MOST_EDGE_KILLS))


def with_edge(study: Study, edge_kills: int) -> Study:
    """The study with edges of so many kills: several studies are on the same kills when they have the same edges."""
    return replace(study, edge_kills=edge_kills, kept_kills=max(KEPT_KILLS, 2 * edge_kills))


class Needed(NamedTuple):
    """Who is busy, for which share of the time, and how many kills it takes to forget how that began."""

    who: str
    load: float
    kills: float


def needed_edges(study: Study) -> list[Needed]:
    """What pilots of a study show of its reaper, and of its domains where it has some; at least EDGE_KILLS each."""
    room, busy, gap_ps = room_of(study), study.busy, 0.0
    found, read = np.empty((PILOTS, study.kept_kills)), np.empty((BEHIND, study.kept_kills), dtype=np.int64)
    skips = np.empty((PILOTS, study.kept_kills))
    for replication in range(PILOTS):
        play(study, replication, busy, room)
        gaps, entries, waits = (array[kept_of(study)] for array in room[:3])
        services(busy, entries, waits, found[replication])
        if study.n_domains:
            read_kills(entries, waits, study.fields, read)
            skips[replication] = read[SKIP]
        gap_ps += float(gaps.mean(dtype=np.float64)) / PILOTS
    found /= study.n_reapers  # together they are as fast as one that takes a share of the time
    uneven = dispersion(study.kills)
    needed = [Needed("the reaper is busy", *edge_of(float(found.mean()), float(found.var()), gap_ps, uneven))]
    if study.n_domains:
        n = study.n_domains
        load, kills = edge_of(float(skips.mean()), float(skips.var()), gap_ps * n, uneven)
        needed.append(Needed("a domain waits for MMF_OOM_SKIP", load, kills * n))
    return needed


def edge_of(service_ps: float, variance_ps2: float, gap_ps: float, gaps: float) -> tuple[float, float]:
    """(load, kills to forget) for services with this mean and variance, mean gap, and dispersion of gaps."""
    load = service_ps / gap_ps
    if load >= 1:
        return load, inf
    constant = 2 * (variance_ps2 / gap_ps**2 + gaps * min(load, 1.0)) / (1 - load) ** 2
    return load, max(FORGOTTEN * constant, float(EDGE_KILLS))


def dispersion(kills: KillLaw) -> float:
    """How unevenly kills come: 1 for Poisson, kills of a burst for bursts, that of the gaps for a record."""
    if kills.recorded is None:
        return float(kills.size)
    gaps = np.minimum(kills.recorded, LONG_GAP * kills.recorded.mean())
    return max(float(gaps.var() / gaps.mean() ** 2), 1.0)


def too_near(study: Study, needed: Needed) -> str:
    """Why a study is refused."""
    so_many = f"{needed.kills:,.0f}" if needed.kills < inf else "endlessly many"
    more = ", more domains (--domains)" if study.n_domains else ""
    return (
        f"{study.name}: {needed.who} {needed.load:.4%} of the time. It takes {so_many} kills to forget how that "
        f"began; allowed are {MOST_EDGE_KILLS:,}, beyond which no interval would be right. Give fewer kills "
        f"(--kills){more}, rarer or smaller heavy victims."
    )
