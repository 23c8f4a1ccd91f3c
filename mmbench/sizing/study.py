"""One study: laws, service table and seed as arrays; any stretch of its replications can be computed alone.

`run_chunk(study, first, n)` is pure and returns int64 arrays only, which merge by addition: the result does not depend
on how many workers there are, nor on who was first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmbench.sizing.laws.arrivals import burst_gaps, poisson_gaps, recorded_gaps
from mmbench.sizing.laws.draws import log_table
from mmbench.sizing.laws.entries import draw_entries
from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.queue.reaper_list import REAPER, fifo, lifo
from mmbench.sizing.queue.tally import (
    BEHIND,
    N_CAUSES,
    N_OVER,
    N_POWERS,
    N_QUANTITIES,
    N_TOTALS,
    PS_PER_NS,
    T_TIME_NS,
    T_TIME_S,
    book_hits,
    close_replication,
    tally_late,
    tally_prompt,
    zero_waits,
)
from mmbench.sizing.stats.histogram import N_BUCKETS

KEPT_KILLS = 16_384  # of a replication
EDGE_KILLS = 1024  # before and after them, simulated and not counted: the list starts empty and ends served
N_BATCHES = 20
NS_PER_S = 10**9
CARRIED = ("totals", "causes", "batch_stats")  # sums of times, which merge as a low half and a high one
CARRY_BITS, HIGH = 32, "_high"
Counts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Study:
    """A law of kills, a service table and how victims are drawn from it, one strategy.

    thresholds: uint64 (n components - 1,); components: int64 (n components, N_COMPONENT); see laws.entries
    fields: float64 (n entries, N_WAITS, N_FIELDS), whole picoseconds, see mmbench.sizing.queue.reaper_list
    delay_ps: the reaper's timer; over_ps: kills above this are counted exactly
    newest_first: the kernel's list; False is FIFO, to compare with
    """

    seed: int
    kills: KillLaw
    thresholds: np.ndarray
    components: np.ndarray
    fields: np.ndarray
    delay_ps: int = 0
    over_ps: int = 10**12
    newest_first: bool = True
    kept_kills: int = KEPT_KILLS
    edge_kills: int = EDGE_KILLS
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


def empty_counts(n_replications: int) -> Counts:
    """Zeroes of the right shapes, and the number of replications."""
    return {
        "replications": np.array([n_replications], dtype=np.int64),
        "sums": np.zeros((N_QUANTITIES, N_BUCKETS), dtype=np.int64),
        "squares": np.zeros((N_QUANTITIES, N_BUCKETS), dtype=np.int64),
        "batches": np.zeros((N_BATCHES, N_BUCKETS), dtype=np.int64),
        "batch_stats": np.zeros((N_BATCHES, 2 + N_OVER), dtype=np.int64),
        "over": np.zeros((2, N_OVER), dtype=np.int64),
        "totals": np.zeros(N_TOTALS, dtype=np.int64),
        "causes": np.zeros((N_POWERS, N_CAUSES + 1), dtype=np.int64),
    }


def room_of(study: Study) -> list[np.ndarray]:
    """Room for a replication: gaps, entries, waits, kills, since; int64 each, with the edges."""
    return [np.empty(study.kept_kills + 2 * study.edge_kills, dtype=np.int64) for _ in range(5)]


def play(study: Study, replication: int, busy: np.ndarray, room: list[np.ndarray]) -> None:
    """Draw the kills of a replication and serve them; busy: the study's. Mutates: room."""
    gaps, entries, waits, kills, since = room
    first = replication * len(gaps)
    fill_gaps(study.kills, study.seed, first, gaps)
    draw_entries(study.seed, first, study.thresholds, study.components, entries)
    if study.newest_first:
        lifo(gaps, entries, busy, waits, kills, since)
    else:
        fifo(gaps, entries, busy, waits)


def run_chunk(study: Study, first_replication: int, n_replications: int) -> Counts:
    """The counts of some replications, numbered from 0: int64 arrays that merge by addition; CARRIED: see `whole`."""
    room = room_of(study)
    gaps, entries, waits, _, since = room
    kept = slice(study.edge_kills, study.edge_kills + study.kept_kills)
    found = empty_counts(n_replications)
    n_entries = len(study.fields)
    busy = study.busy
    zero = (
        np.empty((n_entries, BEHIND), dtype=np.int64),
        np.empty(n_entries, dtype=np.int64),
        np.empty((n_entries, N_OVER), dtype=np.int64),
    )
    zero_waits(study.fields, study.over_ps, *zero)
    hits = np.zeros(n_entries, dtype=np.int64)
    counts = np.zeros((N_QUANTITIES, N_BUCKETS), dtype=np.int64)
    totals, causes = found["totals"], found["causes"]
    for r in range(first_replication, first_replication + n_replications):
        play(study, r, busy, room)
        stats = np.zeros(2 + N_OVER, dtype=np.int64)
        who, waited = entries[kept], waits[kept]
        n_late = tally_prompt(who, waited, zero, counts, hits, stats, since)
        tally_late(
            who, waited, since[:n_late], study.fields, study.delay_ps, study.over_ps, counts, stats, totals, causes
        )
        time_s, time_ns = divmod(int((gaps[kept] // PS_PER_NS).sum()), NS_PER_S)
        totals[T_TIME_S] += time_s
        totals[T_TIME_NS] += time_ns
        batch = r % N_BATCHES
        close_replication(counts, found["sums"], found["squares"], found["batches"][batch])
        found["batch_stats"][batch] += stats
        found["over"][0] += stats[2:]
        found["over"][1] += stats[2:] ** 2
    book_hits(study.fields, hits, study.delay_ps, totals, causes)
    for name in CARRIED:
        found[name + HIGH], found[name] = found[name] >> CARRY_BITS, found[name] & ((1 << CARRY_BITS) - 1)
    return found


def whole(counts: Counts, name: str) -> np.ndarray:
    """Sums of one of CARRIED as Python integers: a chunk's fit int64, those of a long study of long stalls do not."""
    found: np.ndarray = (counts[name + HIGH].astype(object) << CARRY_BITS) + counts[name].astype(object)
    return found


def merged(parts: list[Counts]) -> Counts:
    """The sum of counts."""
    total: dict[str, Any] = {name: array.copy() for name, array in parts[0].items()}
    for part in parts[1:]:
        for name, array in part.items():
            total[name] += array
    return total
