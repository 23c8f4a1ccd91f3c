"""Rare tails P(latency > t): importance sampling on page-lock holds, and fixed-effort splitting.

Brute force needs some 100/p runs for a probability p; these need thousands whatever p is. Both take a small simulation
as a function of keys (see mmbench.sizing.stats.keyed), so the result depends on the seed alone.
Sources: Asmussen and Glynn, Stochastic Simulation (2007), VI; Garvels, The splitting method (2000), fixed effort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import NamedTuple

import numpy as np

from mmbench.errors import InputError
from mmbench.sizing.stats.intervals import mean_interval, none_of
from mmbench.sizing.stats.keyed import exponentials, run_keys, uniforms

STREAM_RUN = 201  # keys of the runs of importance sampling
STREAM_STAGE = 202  # keys of the runs of a stage of splitting
STREAM_PARENT = 203  # which state of the stage before a run begins in
STREAM_HOLD = 204  # page-lock holds
STREAM_JUMP = 205  # which of the holds is drawn from the heavier law
RUNS_AT_ONCE = 1 << 16
LONGEST_PS = float(1 << 55)  # ten hours

Keys = np.ndarray  # uint64 (n,)


class Tail(NamedTuple):
    """A rare probability (or mean) with its interval; hits: runs that saw the event, of n."""

    value: float
    low: float
    high: float
    hits: int
    n: int


@dataclass(frozen=True)
class ExponentialHold:
    """Holds with an exponential law."""

    mean_ps: int

    def draw(self, keys: Keys, index: int) -> np.ndarray:
        """Hold `index` of every run, ps: int64 (n,)."""
        return np.asarray(exponentials(keys, STREAM_HOLD, index, self.mean_ps))

    def sample(self, keys: Keys, n_holds: int, over_ps: int) -> tuple[np.ndarray, np.ndarray]:
        """Holds (n, n_holds) with a longer mean, such that their sum is about over_ps, and the weights (n,) for it."""
        tilted = ExponentialHold(max(self.mean_ps, over_ps // n_holds))
        holds = np.stack([tilted.draw(keys, i) for i in range(n_holds)], axis=1)
        rate = 1 / self.mean_ps - 1 / tilted.mean_ps
        return holds, np.exp(n_holds * log(tilted.mean_ps / self.mean_ps) - rate * holds.sum(axis=1))


@dataclass(frozen=True)
class ParetoHold:
    """Holds with P(hold > x) = (smallest / x)**alpha."""

    smallest_ps: int
    alpha: float

    def draw(self, keys: Keys, index: int) -> np.ndarray:
        """Hold `index` of every run, ps: int64 (n,), at most LONGEST_PS."""
        return self.whole_ps(self.times_smallest(keys, index))

    def times_smallest(self, keys: Keys, index: int) -> np.ndarray:
        """Hold `index` of every run in units of the smallest: float64 (n,), not bounded."""
        return np.asarray(uniforms(keys, STREAM_HOLD, index) ** (-1 / self.alpha))

    def whole_ps(self, times: np.ndarray) -> np.ndarray:
        """Multiples of the smallest hold as int64 ps, bounded so that sums do not overflow."""
        return np.minimum(self.smallest_ps * times, LONGEST_PS).astype(np.int64)

    def sample(self, keys: Keys, n_holds: int, over_ps: int) -> tuple[np.ndarray, np.ndarray]:
        """Holds (n, n_holds) of which one is from a heavier law, and the weights (n,) for it.

        Sums of Pareto holds get long through one of them. Which one is drawn, and the weight is that of the mixture,
        never above alpha over the heavier alpha.
        """
        heavier = ParetoHold(self.smallest_ps, min(self.alpha, 1 / max(log(max(over_ps / self.smallest_ps, 1)), 0.1)))
        which = (uniforms(keys, STREAM_JUMP, 0) * n_holds).astype(np.int64)
        times = np.stack([self.times_smallest(keys, i) for i in range(n_holds)], axis=1)
        jumps = np.stack([heavier.times_smallest(keys, i) for i in range(n_holds)], axis=1)
        rows = np.arange(len(keys))
        times[rows, which] = jumps[rows, which]
        densities = heavier.alpha / self.alpha * times ** (self.alpha - heavier.alpha)
        return self.whole_ps(times), 1 / densities.mean(axis=1)


HoldLaw = ExponentialHold | ParetoHold


def tail_of_holds(
    latency: Callable[[np.ndarray], np.ndarray],
    law: HoldLaw,
    n_holds: int,
    over_ps: int,
    n: int,
    seed: int,
    confidence: float = 0.95,
) -> Tail:
    """P(latency > over_ps) of a victim that meets n_holds held pages, by importance sampling of the holds.

    latency: from holds int64 (m, n_holds) to ps int64 (m,), growing with the holds. Raises InputError for a time above
    LONGEST_PS.
    """
    if not 1 <= over_ps <= LONGEST_PS:
        raise InputError(f"P(latency > {over_ps} ps): allowed are 1 ps to 10 hours ({LONGEST_PS:.3g} ps).")

    def simulate(keys: Keys) -> np.ndarray:
        holds, weights = law.sample(keys, n_holds, over_ps)
        return np.where(latency(holds) > over_ps, weights, 0.0)

    return importance(simulate, n, seed, confidence)


def importance(simulate: Callable[[Keys], np.ndarray], n: int, seed: int, confidence: float = 0.95) -> Tail:
    """P(event) from n runs under another law: simulate gives each run's likelihood ratio, 0 where nothing happened."""
    parts = [
        simulate(run_keys(seed, STREAM_RUN, first, min(RUNS_AT_ONCE, n - first))) for first in range(0, n, RUNS_AT_ONCE)
    ]
    return weighted(np.concatenate(parts), confidence)


def weighted(weights: np.ndarray, confidence: float = 0.95) -> Tail:
    """The mean of weights >= 0, float64 (n,), most of which may be 0, with an interval that minds their skewness.

    Hits are Poisson, and a hit more of the largest weight seen is allowed for: exact for equal weights, else at least
    as wide as stated in all simulations known (Fay and Feuer, Statistics in Medicine 16, 1997). Without a hit the
    weights are taken as 1.
    """
    from scipy.special import gammaincinv

    n, hits = len(weights), int(np.count_nonzero(weights))
    alpha = (1 - confidence) / 2
    mean, variance = float(weights.sum()) / n, float((weights**2).sum()) / n**2
    largest = (float(weights.max()) if hits else 1.0) / n
    low = float(gammaincinv(mean**2 / variance, alpha)) * variance / mean if hits else 0.0
    more, above = mean + largest, variance + largest**2
    high = float(gammaincinv(more**2 / above, 1 - alpha)) * above / more
    return Tail(mean, low, max(min(high, 1.0), mean), hits, n)


def splitting(
    start: Callable[[Keys], np.ndarray],
    advance: Callable[[np.ndarray, int, Keys], np.ndarray],
    levels: Sequence[int],
    n_runs: int,
    n_replications: int,
    seed: int,
    confidence: float = 0.95,
    reward: Callable[[np.ndarray, Keys], np.ndarray] | None = None,
) -> Tail:
    """P(a run from `start` passes the last level), or its mean reward, by fixed-effort splitting.

    start: states (n, ...) of new runs; advance: carries runs on until each has passed the level or ended, changes the
    states in place, and returns who passed, bool (n,); reward: float64 (n,) of runs that passed the last level, what
    they earn until they end. A run's future must depend on its state alone.

    Every level gets n_runs runs, each from a state drawn from those that passed the level before. The mean of the
    products of shares is unbiased; its interval is Student's t over independent replications. When none passed the
    last level, the upper end is that of the last level that was passed (no bound for a reward).
    """
    chances = np.zeros((n_replications, len(levels)))
    earned, passed = np.zeros(n_replications), 0
    for r in range(n_replications):
        first = r * (len(levels) + 2) * n_runs
        states, chance = start(run_keys(seed, STREAM_STAGE, first, n_runs)), 1.0
        for k, level in enumerate(levels):
            keys = run_keys(seed, STREAM_STAGE, first + (k + 1) * n_runs, n_runs)
            reached = np.flatnonzero(advance(states, level, keys))
            if not len(reached):
                break
            chance *= len(reached) / n_runs
            chances[r, k] = chance
            states = states[reached[(uniforms(keys, STREAM_PARENT, 0) * len(reached)).astype(np.int64)]]
        else:
            passed += len(reached)
            keys = run_keys(seed, STREAM_STAGE, first + (len(levels) + 1) * n_runs, n_runs)
            earned[r] = chance * (1.0 if reward is None else float(reward(states, keys).mean()))
    n = n_runs * n_replications
    if passed:
        found = mean_interval(earned, confidence)
        return Tail(found.value, max(found.low, 0.0), found.high, passed, n)
    return Tail(0.0, 0.0, _unseen(chances, n, confidence) if reward is None else inf, 0, n)


def _unseen(chances: np.ndarray, n: int, confidence: float) -> float:
    """What a level that nobody passed is less likely than: the last level that somebody did pass."""
    seen = np.flatnonzero(chances.any(axis=0))
    return min(mean_interval(chances[:, seen[-1]], confidence).high, 1.0) if len(seen) else none_of(n, confidence)
