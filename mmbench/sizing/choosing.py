"""Which strategy is better on the same kills: paired differences with intervals, and how sure a ranking is.

Strategies of one seed see the same gaps and the same victims (common random numbers), so the difference of a batch is
free of what the kills have in common. Student's t over N_BATCHES independent batches; a ranking of several divides the
risk among all pairs (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np

from mmbench.records.study_types import Ranking
from mmbench.sizing.counting import N_BATCHES, whole
from mmbench.sizing.sample import Sample
from mmbench.sizing.stats.histogram import bounds_of
from mmbench.sizing.stats.intervals import Interval, paired


def is_decided(found: Interval) -> bool:
    """Is the sign of a difference known at its confidence?"""
    return found.low > 0 or found.high < 0


def batch_means_ps(sample: Sample) -> np.ndarray:
    """Mean time from kill to MMF_OOM_SKIP in each batch, ps: float64 (N_BATCHES,)."""
    stats = whole(sample.counts, "batch_stats").astype(np.float64)
    return 1000.0 * stats[:, 1] / np.maximum(stats[:, 0], 1)


def batch_quantiles_ps(sample: Sample, p: float) -> np.ndarray:
    """The p-quantile of kill to MMF_OOM_SKIP in each batch, ps: float64 (N_BATCHES,), straight within a bucket."""
    return np.array([histogram_quantile(row, p) for row in sample.counts["batches"]])


def histogram_quantile(counts: np.ndarray, p: float) -> float:
    """The p-quantile of one histogram in ps; counts: int64 (N_BUCKETS,)."""
    up_to = np.cumsum(counts)
    n = int(up_to[-1])
    if not n:
        return 0.0
    at = int(np.searchsorted(up_to, p * n))
    low, high = bounds_of(at)
    before = int(up_to[at]) - int(counts[at])
    return low + (high - low) * (p * n - before) / int(counts[at])


def difference(first: Sample, second: Sample, measure: float | None, confidence: float) -> Interval:
    """Paired difference of the `measure` quantile, or of the mean for None, in ps.

    Raises ValueError for samples that do not share their kills batch by batch.
    """
    a, b = (whole(sample.counts, "batch_stats")[:, 0] for sample in (first, second))
    if not np.array_equal(a, b) or len(a) != N_BATCHES:
        raise ValueError("the samples do not have the same kills in every batch")
    if measure is None:
        return paired(batch_means_ps(first), batch_means_ps(second), confidence)
    return paired(batch_quantiles_ps(first, measure), batch_quantiles_ps(second, measure), confidence)


def ranking(
    samples: dict[str, Sample], measure: float | None, confidence: float, unsafe: Collection[str] = ()
) -> Ranking:
    """Strategies best first, with every pair's difference and which neighbours are decided.

    Outcome before speed: whoever gives up, kills another or leaves memory in any kill, and whoever is `unsafe`, comes
    after all that do not, whatever its times are; `flawed` names them. Before those come the `early`: their
    MMF_OOM_SKIP says in some kill what is not true yet, so its time is no answer. measure: as in `difference`. All
    differences hold together with the confidence.
    """
    names = list(samples)
    values = {
        name: float(np.mean(batch_means_ps(s) if measure is None else batch_quantiles_ps(s, measure)))
        for name, s in samples.items()
    }
    flawed = {name for name in names if name in unsafe or samples[name].total("flawed")}
    early = {name for name in names if samples[name].total("early")} - flawed
    tier = {name: 2 * (name in flawed) + (name in early) for name in names}
    order = sorted(names, key=lambda name: (tier[name], values[name]))
    n_pairs = max(len(names) * (len(names) - 1) // 2, 1)
    each = 1 - (1 - confidence) / n_pairs
    pairs = {(a, b): difference(samples[a], samples[b], measure, each) for a, b in combinations(order, 2)}
    ranks, rank = {}, 1
    for k, name in enumerate(order):
        better = [o for o in order[:k] if is_decided(pairs[o, name]) or tier[name] > tier[o]]
        rank = 1 + len(better)
        ranks[name] = rank
    return {
        "confidence": confidence,
        "order": order,
        "rank": ranks,
        "flawed": [name for name in order if name in flawed],
        "early": [name for name in order if name in early],
        "value_ps": {name: values[name] for name in order},
        "differences_ps": [
            {"first": a, "second": b, "value": d.value, "low": d.low, "high": d.high, "decided": is_decided(d)}
            for (a, b), d in pairs.items()
        ],
    }
