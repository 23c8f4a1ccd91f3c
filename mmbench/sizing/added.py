"""What heavy victims add to everybody's time to MMF_OOM_SKIP: worlds with and without them, on the same kills.

What they suffer themselves and what they do to others add up to it: a world in which heavy victims suffer and nobody
else notices lies between the two. What mlock alone does is the difference to the same victims with nothing locked.
"""

from __future__ import annotations

from math import atanh, sqrt, tanh
from typing import cast

import numpy as np

from mmbench.records.study_types import AddedByHeavy, Counted, Delayed, Effect, Range, Withheld
from mmbench.sizing.answers import PERCENTILES, percentile_name, refusal
from mmbench.sizing.choosing import batch_means_ps, batch_quantiles_ps
from mmbench.sizing.counting import N_BATCHES, Counts, whole
from mmbench.sizing.queue.delay import JOINT
from mmbench.sizing.sample import Estimate, Refused, Sample
from mmbench.sizing.stats.intervals import Interval, clopper_pearson, paired, skewed_mean, student_t
from mmbench.sizing.worlds import WORLDS, world_of

EFFECTS = {"added": ("with", "without"), "suffered": ("own", "without"), "to_others": ("with", "own"),
           "by_mlock": ("with", "unlocked")}  # fmt: skip
ALMOST = 1 - 1e-9


def samples_of(counts: Counts, confidence: float) -> dict[str, Sample]:
    """A sample for each of WORLDS."""
    return {world: Sample(world_of(counts, world), confidence) for world in WORLDS}


class Added:
    """What heavy victims add to a percentile, to be asked like a sample (see mmbench.sizing.inverse)."""

    def __init__(self, counts: Counts, confidence: float) -> None:
        self.worlds = samples_of(counts, confidence)
        self.n = self.worlds["with"].n

    def quantile(self, quantity: str, p: float) -> Estimate | Refused:
        """With less without heavy victims; refused where so few kills cannot bound one of the two."""
        ends = [self.worlds[world].quantile("skip", p) for world in EFFECTS["added"]]
        refused = [end for end in ends if isinstance(end, Refused)]
        if refused:
            return refused[0]
        more, less = (self.worlds[world] for world in EFFECTS["added"])
        found = quantile_difference(more, less, p)
        return Estimate(*found, self.n, min(end.effective for end in ends))


def added(counts: Counts, confidence: float, percentiles: tuple[float, ...] = PERCENTILES) -> AddedByHeavy:
    """What heavy victims do to kill to MMF_OOM_SKIP, from the counts of run_worlds, as a record; times in ps.

    n_heavy, n_others: kills; effects: for the mean and for each percentile, `with` and `without` heavy victims, and
    EFFECTS with intervals; of_over: heavy victims' share of the kills above the asked-for time; later, earlier: share
    of all others that their presence delays, or hastens (newest first, somebody gains), and by how much in the mean
    """
    worlds = samples_of(counts, confidence)
    joint = dict(zip(JOINT, whole(counts, "joint").T, strict=True))
    n_heavy = int(joint["heavy"].sum())
    n_others = worlds["with"].n - n_heavy
    batch_n = np.array(whole(worlds["with"].counts, "batch_stats")[:, 0] - joint["heavy"], dtype=np.float64)
    over = whole(worlds["with"].counts, "batch_stats")

    def delayed(name: str) -> Delayed:
        by = ratio(1000.0 * joint[f"{name}_ns"].astype(np.float64), joint[name], confidence)
        return {**share(joint[name], batch_n, confidence), "by_ps": as_dict(by)}

    return {
        "n_heavy": n_heavy,
        "n_others": n_others,
        "effects": {"mean": of_means(worlds), **{percentile_name(p): of_quantiles(worlds, p) for p in percentiles}},
        "of_over": {
            name: share(joint[f"heavy_over_{name}"], over[:, column], confidence)
            for name, column in (("skip", 2), ("reaper", 3))
        },
        "later": delayed("later"),
        "earlier": delayed("earlier"),
    }


def of_means(worlds: dict[str, Sample]) -> Effect:
    """The mean with and without, and EFFECTS: paired over batches."""
    means = {world: batch_means_ps(sample) for world, sample in worlds.items()}
    own = {world: worlds[world].mean("skip_ns") for world in ("with", "without", "unlocked")}
    return cast(Effect, own | {
        effect: as_dict(paired(means[more], means[less], worlds["with"].confidence))
        for effect, (more, less) in EFFECTS.items()
    })  # fmt: skip


def of_quantiles(worlds: dict[str, Sample], p: float) -> Effect | Withheld:
    """The p-quantile with and without, and EFFECTS; refused where so few kills cannot bound it in every world."""
    own: dict[str, float] = {}
    for world in WORLDS:
        found = worlds[world].quantile("skip", p)
        if isinstance(found, Refused):
            return refusal(found)
        own |= {world: found.value} if world != "own" else {}
    return cast(Effect, own | {
        effect: as_dict(quantile_difference(worlds[more], worlds[less], p)) for effect, (more, less) in EFFECTS.items()
    })  # fmt: skip


def quantile_difference(first: Sample, second: Sample, p: float) -> Interval:
    """The p-quantile of the first to MMF_OOM_SKIP less that of the second, of two samples that share their kills, ps.

    Each has its exact interval from order statistics, and the two are put together for the correlation that their
    batches show (MOVER: Zou, Donner, Statistics in Medicine 27, 2008), taken a standard error lower than it was seen.
    An interval of batch quantiles alone would be wrong where so few kills reach the quantile, or where it jumps.
    Raises ValueError where one of the two cannot be bounded.
    """
    a, b = first.quantile("skip", p), second.quantile("skip", p)
    if isinstance(a, Refused) or isinstance(b, Refused):
        raise ValueError("a quantile that cannot be bounded has no difference")
    r = correlation(batch_quantiles_ps(first, p), batch_quantiles_ps(second, p))
    value = a.value - b.value

    def reach(one: float, other: float) -> float:
        return sqrt(max(one * one + other * other - 2 * r * one * other, 0.0))

    return Interval(
        value, value - reach(a.value - a.low, b.high - b.value), value + reach(a.high - a.value, b.value - b.low)
    )


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two rows of batches, one standard error lower than it was seen, at least 0."""
    if np.array_equal(first, second):
        return 1.0
    if not first.std() or not second.std():
        return 0.0
    seen = min(float(np.corrcoef(first, second)[0, 1]), ALMOST)
    return max(tanh(atanh(seen) - 1 / sqrt(len(first) - 3)), 0.0) if seen > 0 else 0.0


def ratio(tops: np.ndarray, bottoms: np.ndarray, confidence: float) -> Interval:
    """Sum over sum, numbers (N_BATCHES,): the mean of their linearised errors, at least 0; see errors_of_ratio."""
    value, off = errors_of_ratio(tops, bottoms)
    found = skewed_mean(off, confidence)
    return Interval(value, max(value + found.low, 0.0), value + found.high)


def errors_of_ratio(tops: np.ndarray, bottoms: np.ndarray) -> tuple[float, np.ndarray]:
    """Sum over sum, and how far each batch is off, linearised (Cochran, Sampling Techniques, 6.3); zeros for 0 / 0."""
    top, bottom = (np.array(values, dtype=np.float64) for values in (tops, bottoms))
    if not bottom.sum():
        return 0.0, np.zeros(len(bottom))
    value = float(top.sum() / bottom.sum())
    return value, (top - value * bottom) / bottom.mean()


def share(hits: np.ndarray, trials: np.ndarray, confidence: float) -> Counted:
    """Hits of trials, numbers (N_BATCHES,): Clopper-Pearson for as many independent trials as the batches show.

    Batches tell little about their variance: Student's t enters squared (Korn, Graubard, as in mmbench.sizing.sample).
    """
    n_hits, n = int(sum(hits)), int(sum(trials))
    if not n:
        return {"value": 0.0, "low": 0.0, "high": 1.0, "hits": 0, "of": 0}
    value, off = errors_of_ratio(hits, trials)
    effective = float(n)
    if 0 < n_hits < n:
        variance = float(off.var(ddof=1)) / N_BATCHES
        few = student_t(confidence, N_BATCHES - 1) / student_t(confidence, 10**6)
        effective = min(value * (1 - value) / variance, float(n)) / few**2 if variance else float(n)
    low, high = clopper_pearson(value * effective, effective, confidence, one_sided=not 0 < n_hits < n)
    return {"value": value, "low": low, "high": high, "hits": n_hits, "of": n}


def as_dict(found: Interval) -> Range:
    """An interval, as records have it."""
    return {"value": found.value, "low": found.low, "high": found.high}
