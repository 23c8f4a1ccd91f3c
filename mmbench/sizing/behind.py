"""Rare waits: how likely is it that a kill spends longer than a time behind other victims?

Fixed-effort splitting over busy periods of the study's own queue and service table. The way to a long wait is how long
the oldest kill on the list is sure to wait; by renewal, P(a kill waits longer) is the mean number of such kills in a
period over the mean number of kills in one. Poisson kills only: others remember more than the list.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np

from mmbench.records.study_types import BruteForce, Rare
from mmbench.sizing.laws.entries import BASE
from mmbench.sizing.queue.period import KILLS, LIST, NO_LEVEL, OVER, OVERFLOW, PEAK, begin, run_on
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER
from mmbench.sizing.sample import Sample
from mmbench.sizing.stats.histogram import N_BUCKETS, bucket_of
from mmbench.sizing.stats.intervals import Interval, mean_interval
from mmbench.sizing.stats.keyed import run_keys
from mmbench.sizing.stats.tails import Keys, splitting
from mmbench.sizing.study import Study

STREAM_PERIOD = 222
N_RUNS, N_REPLICATIONS = 8000, 20
N_PERIODS, N_GROUPS = 400_000, 20
N_HALVES, N_STEPS = 11, 16
LONGEST_LIST = 1024


class OverflowedError(Exception):
    """A list grew longer than LONGEST_LIST."""


class Periods:
    """Busy periods of a study as splitting takes them; over_ps: waits to count.

    kind: the component of the mixture that every period begins with, None for any of them
    """

    def __init__(self, study: Study, over_ps: int, kind: int | None = None) -> None:
        self.study, self.over_ps, self.kind = study, over_ps, kind
        self.busy = study.busy
        room = int(min(max(8 * study.kills.kills_per_s * over_ps / 1e12, 64), LONGEST_LIST))
        self.width = LIST + 2 * room

    def start(self, keys: Keys) -> np.ndarray:
        """States of periods that just began."""
        states = np.zeros((len(keys), self.width), dtype=np.int64)
        thresholds, components = self.study.thresholds, self.study.components
        if self.kind is not None:
            thresholds, components = thresholds[:0], components[self.kind : self.kind + 1]
        begin(keys, thresholds, components, self.busy, states)
        return states

    def run(self, states: np.ndarray, level: int, keys: Keys) -> np.ndarray:
        """Carry states on in place; int64 (n, 4), see run_on. Raises OverflowedError."""
        told = np.zeros((len(keys), 4), dtype=np.int64)
        study = self.study
        run_on(
            states, keys, level, self.over_ps, study.kills.mean_ps, study.thresholds, study.components, self.busy, told
        )
        if told[:, OVERFLOW].any():
            raise OverflowedError
        return told

    def advance(self, states: np.ndarray, level: int, keys: Keys) -> np.ndarray:
        """Who passed the level."""
        passed: np.ndarray = self.run(states, level, keys)[:, PEAK] > level
        return passed

    def reward(self, states: np.ndarray, keys: Keys) -> np.ndarray:
        """Kills of the rest of the period that wait longer than over_ps."""
        return self.run(states.copy(), int(NO_LEVEL), keys)[:, OVER].astype(np.float64)


def levels_of(over_ps: int) -> list[int]:
    """Halves of halves at the bottom, where one long stall does it; equal steps above, where many add up."""
    halves = {over_ps >> k for k in range(5, N_HALVES)} - {0}
    return sorted({0} | halves | {over_ps * k // N_STEPS for k in range(1, N_STEPS + 1)})


def behind(study: Study, sample: Sample, over_ps: int) -> Rare:
    """P(a kill waits longer than over_ps behind others) by splitting, and what the study's own kills say.

    Refused, with the reason, for kills that are not Poisson, for lists too long, and where replications disagree.
    """
    beside: Rare = {"brute_force": brute_force(sample, over_ps)}
    if study.n_reapers > 1 or not study.newest_first:
        return beside | {"refused": "splitting knows the kernel's list only: one reaper, the newest first"}
    if study.n_domains:
        return beside | {"refused": "splitting knows no domains that hold kills back"}
    if study.kills.recorded is not None or study.kills.size > 1:
        return beside | {"refused": "splitting needs Poisson kills; bursts and records remember more than the list"}
    if (study.fields[:, 0, REAPER] == NOT_LISTED).all():
        return beside | {"method": "no victim ever enters the list", "value": 0.0, "low": 0.0, "high": 0.0}
    try:
        return split(study, over_ps, sample.confidence, beside)
    except OverflowedError:
        return beside | {"refused": f"more than {LONGEST_LIST} kills on the list at once, and no room for them"}


def shares_of(study: Study) -> list[float]:
    """Probability of each component that a study draws from."""
    ends = [0, *(int(t) for t in study.thresholds), 1 << 64]
    return [(high - low) / 2.0**64 for low, high in pairwise(ends)]


def is_listed(study: Study, kind: int) -> bool:
    """Does any victim of a component enter the list?"""
    ends = [*study.components[:, BASE].tolist(), len(study.fields)]
    return bool((study.fields[ends[kind] : ends[kind + 1], 0, REAPER] != NOT_LISTED).any())


def split(study: Study, over_ps: int, confidence: float, beside: Rare) -> Rare:
    """Kills of a period that wait longer, over kills of a period; each interval takes half of the risk.

    Stratified starts: as many periods begin with each kind of victim, however rare it is, and count by its share. No
    interval knows of kinds of which no period came so far; `unseen` names them, by their place in the mixture.
    """
    half, levels, shares = 1 - (1 - confidence) / 2, levels_of(over_ps), shares_of(study)
    value = square = 0.0
    hits = n = 0
    unseen: list[int] = []
    for kind, share in enumerate(shares):
        periods = Periods(study, over_ps, kind)
        found = splitting(
            periods.start, periods.advance, levels, N_RUNS // len(shares), N_REPLICATIONS, study.seed + kind, half,
            reward=periods.reward,
        )  # fmt: skip
        unseen += [kind] if not found.hits and is_listed(study, kind) else []
        value, hits, n = value + share * found.value, hits + found.hits, n + found.n
        square += (share * (found.high - found.value)) ** 2 if found.hits else 0.0
    if value <= sqrt(square):  # Student's t is right for means that look normal; one replication in ten does not
        few = f"{hits:,} hits, but in too few of {N_REPLICATIONS} replications for an interval"
        return beside | {"refused": few if hits else f"none of {n:,} runs came so far"}
    kills = kills_per_period(Periods(study, over_ps), half)
    low, high = (value - sqrt(square)) / kills.high, min((value + sqrt(square)) / max(kills.low, 1.0), 1.0)
    return beside | {
        "method": "fixed-effort splitting", "value": value / kills.value, "low": low, "high": high, "hits": hits,
        "runs": n, "levels": len(levels), "kinds": len(shares), "unseen": unseen, "kills_per_period": kills.value,
    }  # fmt: skip


def kills_per_period(periods: Periods, confidence: float) -> Interval:
    """Mean kills of a busy period, Student's t over groups of periods."""
    n = N_PERIODS // N_GROUPS
    means = []
    for g in range(N_GROUPS):
        keys = run_keys(periods.study.seed, STREAM_PERIOD, g * n, n)
        means.append(float(periods.run(periods.start(keys), int(NO_LEVEL), keys)[:, KILLS].mean()))
    return mean_interval(np.array(means), confidence)


def brute_force(sample: Sample, over_ps: int) -> BruteForce:
    """The study's own kills that waited longer: counted in buckets, so between two counts."""
    bucket = int(bucket_of(over_ps))
    most = sample.longer("behind", bucket)
    least = sample.longer("behind", min(bucket + 1, N_BUCKETS - 1))
    return {"value": least.value, "low": least.low, "high": most.high, "hits": least.hits or 0, "kills": sample.n}
