"""One study: laws, service table and seed as arrays; any stretch of its replications can be computed alone.

`run_chunk(study, first, n)` is pure and returns int64 arrays only, which merge by addition: the result does not depend
on how many workers there are, nor on who was first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mmbench.sizing.counting import Counting, Counts
from mmbench.sizing.laws.arrivals import burst_gaps, poisson_gaps, recorded_gaps
from mmbench.sizing.laws.draws import log_table
from mmbench.sizing.laws.entries import draw_entries, draw_next
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.queue.crew import crew_newest, crew_oldest
from mmbench.sizing.queue.domains import draw_domains, serve_domains
from mmbench.sizing.queue.reaper_list import REAPER, fifo, lifo

KEPT_KILLS = 16_384  # of a replication
DOMAINS, VICTIMS, ALL_WAITS, HELD, COST = range(5, 10)  # of room_of
EDGE_KILLS = 1024  # before and after them, simulated and not counted: the list starts empty and ends served


@dataclass(frozen=True)
class Heavy:
    """Which victims of a study are heavy, and what each is when it is not: see mmbench.sizing.worlds.

    first:      the first heavy entry; ordinary ones come before it
    thresholds: uint64 (n ordinary components - 1,), of the ordinary victims alone
    unlocked:   int64 (n entries,), the entry of the same victim with nothing mlocked, itself for an ordinary one
    """

    first: int
    thresholds: np.ndarray
    unlocked: np.ndarray


@dataclass(frozen=True)
class Study:
    """A law of kills, a service table and how victims are drawn from it, one strategy.

    thresholds: uint64 (n components - 1,); components: int64 (n components, N_COMPONENT); see laws.entries
    fields: float64 (n entries, N_WAITS, N_FIELDS), whole picoseconds, see mmbench.sizing.queue.reaper_list
    delay_ps: the reaper's timer; over_ps: kills above this are counted exactly
    newest_first: the kernel's list; False is FIFO, to compare with
    n_reapers: threads that share the list; the kernel has one
    n_domains: domains in which kills wait for each other's MMF_OOM_SKIP; 0 gives every kill one of its own
    heavy: which victims are, where a study asks what they add
    """

    seed: int
    kills: KillLaw
    thresholds: np.ndarray
    components: np.ndarray
    fields: np.ndarray
    delay_ps: int = 0
    over_ps: int = 10**12
    newest_first: bool = True
    n_reapers: int = 1
    n_domains: int = 0
    kept_kills: int = KEPT_KILLS
    edge_kills: int = EDGE_KILLS
    heavy: Heavy | None = None
    name: str = field(default="", compare=False)

    @property
    def busy(self) -> np.ndarray:
        """The table's REAPER column, as the queue takes it: float64 (n entries, N_WAITS)."""
        return np.ascontiguousarray(self.fields[:, :, REAPER])


def fill_gaps(kills: KillLaw, seed: int, first: int, gaps: np.ndarray) -> None:
    """The gaps of a stretch of kills under the study's law. Mutates: gaps."""
    if kills.recorded is not None:
        recorded_gaps(seed, first, kills.recorded, gaps)
    elif kills.size == 1:
        poisson_gaps(seed, first, kills.mean_ps, log_table(), gaps)
    else:
        burst_gaps(seed, first, kills.mean_ps, kills.size, kills.inside_ps, log_table(), gaps)


def room_of(study: Study) -> list[np.ndarray]:
    """Room for a replication: gaps, entries, waits, kills, since; int64 each, with the edges.

    With domains also: the domain of each kill; victims, waits and times held back, of twice as many; whom it costs.
    """
    n = study.kept_kills + 2 * study.edge_kills
    sizes = [n] * 5 + ([n, 2 * n, 2 * n, 2 * n, n] if study.n_domains else [])
    return [np.empty(size, dtype=np.int64) for size in sizes]


def play(study: Study, replication: int, busy: np.ndarray, room: list[np.ndarray]) -> None:
    """Draw the kills of a replication and serve them; busy: the study's. Mutates: room."""
    gaps, entries = room[:2]
    n = len(gaps)
    first = replication * n
    fill_gaps(study.kills, study.seed, first, gaps)
    draw_entries(study.seed, first, study.thresholds, study.components, entries)
    if study.n_domains:
        draw_domains(study.seed, first, study.n_domains, room[DOMAINS])
        ordinary = study.heavy.thresholds if study.heavy else study.thresholds
        draw_next(study.seed, first, ordinary, study.components, room[VICTIMS][n:])
    serve(study, busy, room)


def serve(study: Study, busy: np.ndarray, room: list[np.ndarray]) -> None:
    """Serve kills that were drawn, in the study's order. Mutates: room."""
    gaps, entries, waits, kills, since = room[:5]
    n = len(gaps)
    if study.n_domains:
        room[VICTIMS][:n] = entries
        serve_domains(
            gaps, room[VICTIMS], room[DOMAINS], study.n_domains, study.fields, room[ALL_WAITS], room[HELD], room[COST]
        )
        waits[:] = room[ALL_WAITS][:n]
    elif study.n_reapers == 1 and study.newest_first:
        lifo(gaps, entries, busy, waits, kills, since)
    elif study.n_reapers == 1:
        fifo(gaps, entries, busy, waits)
    elif study.newest_first:
        crew_newest(gaps, entries, busy, np.empty(study.n_reapers, dtype=np.int64), waits, kills, since)
    else:
        crew_oldest(gaps, entries, busy, np.empty(study.n_reapers, dtype=np.int64), waits)


def held_of(study: Study, room: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """How long each counted kill was held back, ps, and who cost a further one: int64 (n,); None without domains."""
    kept = kept_of(study)
    return (room[HELD][: len(room[0])][kept], room[COST][kept]) if study.n_domains else None


def kept_of(study: Study) -> slice:
    """The kills of a replication that count."""
    return slice(study.edge_kills, study.edge_kills + study.kept_kills)


def run_chunk(study: Study, first_replication: int, n_replications: int) -> Counts:
    """The counts of some replications, numbered from 0: int64 arrays that merge by addition."""
    room, kept, busy = room_of(study), kept_of(study), study.busy
    counting = Counting(study.fields, study.delay_ps, study.over_ps, n_replications)
    for r in range(first_replication, first_replication + n_replications):
        play(study, r, busy, room)
        gaps, entries, waits = room[:3]
        counting.add(r, gaps[kept], entries[kept], waits[kept], held_of(study, room))
    return counting.close()
