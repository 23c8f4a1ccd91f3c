"""Counts of a study: what the kills of its replications say, as int64 arrays that merge by addition.

Whoever plays kills hands them over a replication at a time; who waits for whom is not known here.
"""

from __future__ import annotations

import numpy as np

from mmbench.sizing.queue.tally import (
    BEHIND,
    N_OVER,
    N_POWERS,
    N_QUANTITIES,
    N_SHARES,
    N_TOTALS,
    PS_PER_NS,
    T_TIME_NS,
    T_TIME_S,
    book_hits,
    close_replication,
    split_by_wait,
    square_up,
    tally_late,
    tally_prompt,
    time_ns,
    zero_waits,
)
from mmbench.sizing.stats.histogram import N_BUCKETS

N_BATCHES = 20
NS_PER_S = 10**9
CARRIED = ("totals", "causes", "batch_stats", "held")  # sums of times, which merge as a low half and a high one
N_HELD = 3  # kills held back, ns in all, and kills that cost a further victim
CARRY_BITS, HIGH = 32, "_high"
Counts = dict[str, np.ndarray]


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
        "held": np.zeros((N_BATCHES, N_HELD), dtype=np.int64),
        "causes": np.zeros((N_POWERS, N_SHARES + 1), dtype=np.int64),
    }


class Counting:
    """One world's counts in the making: fields, delay_ps and over_ps are the study's."""

    def __init__(self, fields: np.ndarray, delay_ps: int, over_ps: int, n_replications: int) -> None:
        self.fields, self.delay_ps, self.over_ps = fields, delay_ps, over_ps
        self.found = empty_counts(n_replications)
        self.counts = np.zeros((N_QUANTITIES, N_BUCKETS), dtype=np.int64)
        self.hits, self.prompt = (np.zeros(len(fields), dtype=np.int64) for _ in range(2))
        self.late = np.empty(0, dtype=np.int64)
        self.zero = (
            np.empty((len(fields), BEHIND), dtype=np.int64),
            np.empty(len(fields), dtype=np.int64),
            np.empty((len(fields), N_OVER), dtype=np.int64),
        )
        zero_waits(fields, over_ps, *self.zero)

    def add(
        self, replication: int, gaps: np.ndarray, entries: np.ndarray, waits: np.ndarray,
        held: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        """Count a replication's kills: int64 (n,) each. held: ps that each was held back; who cost a further one."""
        found, totals = self.found, self.found["totals"]
        if len(self.late) < len(entries):
            self.late = np.empty(len(entries), dtype=np.int64)
        stats = np.zeros(2 + N_OVER, dtype=np.int64)
        late = self.late[: split_by_wait(entries, waits, self.prompt, self.late)]
        tally_prompt(entries, self.prompt, self.zero, self.counts, self.hits, stats)
        tally_late(
            entries, waits, late, self.fields, self.delay_ps, self.over_ps, self.counts, stats, totals, found["causes"]
        )
        seconds, ns = divmod(int(time_ns(gaps)), NS_PER_S)
        totals[T_TIME_S] += seconds
        totals[T_TIME_NS] += ns
        batch = replication % N_BATCHES
        close_replication(self.counts, found["sums"], found["squares"], found["batches"][batch])
        found["batch_stats"][batch] += stats
        found["over"][0] += stats[2:]
        found["over"][1] += stats[2:] ** 2
        if held is not None:
            found["held"][batch] += (np.count_nonzero(held[0]), held[0].sum() // PS_PER_NS, held[1].sum())

    def close(self) -> Counts:
        """The counts; CARRIED: see `whole`. Nothing is to be added any more."""
        found = self.found
        book_hits(self.fields, self.hits, self.delay_ps, found["totals"], found["causes"])
        found["squares"] = square_up(found["squares"])
        for name in CARRIED:
            found[name + HIGH], found[name] = found[name] >> CARRY_BITS, found[name] & ((1 << CARRY_BITS) - 1)
        return found


def whole(counts: Counts, name: str) -> np.ndarray:
    """Sums of one of CARRIED as Python integers: a chunk's fit int64, those of a long study of long stalls do not."""
    found: np.ndarray = (counts[name + HIGH].astype(object) << CARRY_BITS) + counts[name].astype(object)
    return found


def merged(parts: list[Counts]) -> Counts:
    """The sum of counts."""
    total = {name: array.copy() for name, array in parts[0].items()}
    for part in parts[1:]:
        for name, array in part.items():
            total[name] += array
    return total
