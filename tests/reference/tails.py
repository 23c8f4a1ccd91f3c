"""Closed forms of rare tails, and small simulations as functions of keys."""

from __future__ import annotations

from decimal import Decimal, getcontext
from math import exp

import numpy as np

from mmbench.sizing.stats.keyed import uniforms


def erlang_sum(n: int, mean: float, t: float) -> float:
    """P(sum of n exponentials > t): fewer than n events of a Poisson process up to t."""
    term, total = exp(-t / mean), 0.0
    for k in range(n):
        total += term
        term *= t / mean / (k + 1)
    return total


def pareto_pair(smallest: float, alpha: float, t: float) -> float:
    """P(sum of two Pareto values > t), t > 2 smallest, by the trapezoid rule in the logarithm of the first."""
    ends = np.geomspace(smallest, t - smallest, 400_001)
    cdf = 1 - (smallest / ends) ** alpha
    other = (smallest / np.maximum(t - ends, smallest)) ** alpha
    return float((smallest / (t - smallest)) ** alpha + np.sum(np.diff(cdf) * (other[1:] + other[:-1]) / 2))


def mm1_wait(load: float, t: float) -> float:
    """P(wait > t) in M/M/1, service mean 1."""
    return load * exp(-(1 - load) * t)


def md1_wait(load: float, t: int) -> float:
    """P(wait > t) in M/D/1, service 1, t whole (Erlang 1909); the terms alternate, so many digits."""
    getcontext().prec = 120
    rate, below, term_of = Decimal(repr(load)), Decimal(0), Decimal(1)
    for k in range(t + 1):
        term_of = term_of * k if k else Decimal(1)
        power = (rate * (k - t)) ** k if k else Decimal(1)
        below += power / term_of * (rate * (t - k)).exp()
    return float(1 - (1 - rate) * below)


def ruin(load: float, n: int) -> float:
    """P(a busy period of M/M/1 has n kills in the system at some moment): the gambler's ruin from 1."""
    ratio = 1 / load
    return (ratio - 1) / (ratio**n - 1)


class Ruin:
    """Kills in the system of M/M/1, step by step, until none is left; states: int64 (n,)."""

    def __init__(self, load: float) -> None:
        self.up = load / (1 + load)

    def start(self, keys: np.ndarray) -> np.ndarray:
        return np.ones(len(keys), dtype=np.int64)

    def advance(self, states: np.ndarray, level: int, keys: np.ndarray) -> np.ndarray:
        on, step = np.flatnonzero((states > 0) & (states < level)), 0
        while len(on):
            states[on] += np.where(uniforms(keys[on], 1, step) < self.up, 1, -1)
            on, step = on[(states[on] > 0) & (states[on] < level)], step + 1
        return states >= level


class Waits:
    """Waits of the kills of a busy period of M/M/1 or M/D/1, service mean 1 in units of 2**-20; states: int64 (n,)."""

    UNIT = 1 << 20

    def __init__(self, load: float, deterministic: bool) -> None:
        self.load, self.deterministic = load, deterministic

    def start(self, keys: np.ndarray) -> np.ndarray:
        return np.zeros(len(keys), dtype=np.int64)

    def next_wait(self, waits: np.ndarray, keys: np.ndarray, step: int) -> np.ndarray:
        """Lindley's recursion; -1 when the next kill finds nobody."""
        gap = -np.log(uniforms(keys, 1, step)) / self.load
        service = 1.0 if self.deterministic else -np.log(uniforms(keys, 2, step))
        later = waits + np.floor((service - gap) * self.UNIT).astype(np.int64)
        return np.where(later > 0, later, -1)

    def advance(self, states: np.ndarray, level: int, keys: np.ndarray) -> np.ndarray:
        on, step = np.flatnonzero((states >= 0) & (states <= level)), 0
        while len(on):
            states[on] = self.next_wait(states[on], keys[on], step)
            on, step = on[(states[on] >= 0) & (states[on] <= level)], step + 1
        return states > level

    def kills_over(self, level: int):
        """How many kills of the rest of the busy period, this one included, wait longer than the level."""

        def reward(states: np.ndarray, keys: np.ndarray) -> np.ndarray:
            states, count, on, step = states.copy(), np.zeros(len(states)), np.arange(len(states)), 0
            while len(on):
                count[on] += states[on] > level
                states[on] = self.next_wait(states[on], keys[on], step)
                on, step = on[states[on] >= 0], step + 1
            return count

        return reward


def tilted_wait(load: float, t: float, deterministic: bool):
    """A run of the random walk of waits under the tilt that makes it climb: its likelihood ratio on passing t.

    The wait of a kill in the long run has the law of the walk's maximum (Siegmund 1976).
    """
    theta = 1 - load if not deterministic else md1_root(load)

    def simulate(keys: np.ndarray) -> np.ndarray:
        level, on, step = np.zeros(len(keys)), np.arange(len(keys)), 0
        while len(on):
            gap = -np.log(uniforms(keys[on], 1, step)) / (load + theta)
            service = 1.0 if deterministic else -np.log(uniforms(keys[on], 2, step)) / load
            level[on] += service - gap
            on, step = on[level[on] <= t], step + 1
        return np.exp(-theta * level)

    return simulate


def md1_root(load: float) -> float:
    """The theta > 0 with E exp(theta * (1 - gap)) = 1."""
    low, high = 1e-9, 50.0
    while high - low > 1e-13:
        middle = (low + high) / 2
        low, high = (middle, high) if exp(middle) * load < load + middle else (low, middle)
    return low
