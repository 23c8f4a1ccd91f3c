"""The inverse question: how large, or how frequent, may heavy victims be for a promise to hold?

Sizes (or rarities) of a ladder are tried by bisection on the same kills. A step holds when the upper end of the
promised percentile's interval is below the limit, fails when the lower end is above it, and is undecided in between:
then more kills are simulated, up to the budget. Only what holds counts. The answer may be that nothing does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Protocol

from mmbench.errors import InputError
from mmbench.sizing.laws.spoken import parse_time
from mmbench.sizing.queue.tally import QUANTITIES
from mmbench.sizing.sample import Estimate, Refused

_SLO = re.compile(r"\s*(?:(\w+)\s+)?p(\d{1,2}(?:\.\d{1,6})?)\s*<\s*([0-9.]+\s*[a-z]+)\s*", re.ASCII)
ADDED = "added"  # what heavy victims add to the time to MMF_OOM_SKIP
ALLOWED = (
    f'"p99.9<2s", or "all p99.9<2s" for another latency ({", ".join(QUANTITIES)}; skip when none is named), '
    f'or "{ADDED} p99.9<100ms" for what heavy victims add'
)


class Asked(Protocol):
    """Whatever can be asked for a percentile: a Sample, or what heavy victims add."""

    @property
    def n(self) -> int:
        """Kills counted."""

    def quantile(self, quantity: str, p: float) -> Estimate | Refused:
        """The p-quantile in ps, with its interval."""


class Verdict(Enum):
    """What the kills so far say about one step of the ladder."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Slo:
    """A promise: this percentile of this latency, or what heavy victims add to it, stays below the limit."""

    text: str
    quantity: str
    p: float
    limit_ps: int


@dataclass(frozen=True)
class Step:
    """One rung that was tried."""

    rung: int
    verdict: Verdict
    value_ps: float
    low_ps: float
    high_ps: float
    kills: int


def parse_slo(text: str) -> Slo:
    """The promise that `text` makes. Raises InputError."""
    found = _SLO.fullmatch(text)
    if found is None or not 0 < float(found[2]) < 100 or (found[1] or "skip") not in (*QUANTITIES, ADDED):
        raise InputError(f"--slo {text!r} is not a promise. Allowed: {ALLOWED}.")
    limit = parse_time(found[3], f"--slo {text!r}:")
    if not limit:
        raise InputError(f"--slo {text!r}: nothing takes less than no time; give a limit above 0.")
    return Slo(text.strip(), found[1] or "skip", float(Fraction(found[2]) / 100), limit)


def judge(slo: Slo, sample: Asked, rung: int) -> Step:
    """What a sample says about the promise."""
    found = sample.quantile(slo.quantity, slo.p)
    if isinstance(found, Refused):
        return Step(rung, Verdict.UNDECIDED, 0.0, 0.0, 0.0, sample.n)
    verdict = Verdict.UNDECIDED
    if found.high < slo.limit_ps:
        verdict = Verdict.HOLDS
    elif found.low >= slo.limit_ps:
        verdict = Verdict.FAILS
    return Step(rung, verdict, found.value, found.low, found.high, sample.n)


def decide(slo: Slo, rung: int, sample_of: Callable[[int, int], Asked | None], kills: int, budget: int) -> Step:
    """Judge one rung with `kills`, four times as many while undecided, up to the budget.

    sample_of(rung, kills) is None where the queue has no steady state: that fails.
    """
    while True:
        sample = sample_of(rung, min(kills, budget))
        if sample is None:
            return Step(rung, Verdict.FAILS, float("inf"), float("inf"), float("inf"), 0)
        step = judge(slo, sample, rung)
        if step.verdict is not Verdict.UNDECIDED or kills >= budget:
            return step
        kills *= 4


def highest(
    slo: Slo, n_rungs: int, sample_of: Callable[[int, int], Asked | None], kills: int, budget: int
) -> tuple[int | None, list[Step]]:
    """The highest rung of 0 .. n_rungs - 1 that holds, or None, and every step tried, in order.

    Rungs must get worse upwards; the one above the answer was tried and does not hold.
    """
    steps = [decide(slo, 0, sample_of, kills, budget)]
    if steps[0].verdict is not Verdict.HOLDS:
        return None, steps
    low, high = 0, n_rungs
    while high - low > 1:
        middle = n_rungs - 1 if high == n_rungs and low == 0 else (low + high) // 2
        steps.append(decide(slo, middle, sample_of, kills, budget))
        if steps[-1].verdict is Verdict.HOLDS:
            low = middle
        else:
            high = middle
    return low, steps
