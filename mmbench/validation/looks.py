"""Measure until the intervals tell: the same judgement after ever more victims, until it decides or time is up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from mmbench.records.measured_types import Judged, Prediction, Sample
from mmbench.validation.verdict import MOST_LOOKS, judge


def looks(n_first: int) -> list[int]:
    """How many victims there are at each look: twice as many each time, MOST_LOOKS times."""
    return [n_first << k for k in range(MOST_LOOKS)]


def judge_in_looks(
    configs: Sequence[Any],
    predictions: Sequence[Prediction],
    measure: Callable[[Sequence[Any], float | None], list[Sample]],
    n_first: int,
    budget_s: float | None,
) -> tuple[Judged, list[Sample]]:
    """Return the record of the last look and all samples.

    configs: victims with a to_dict(); predictions: of all of them, made before anything is measured
    measure: takes victims and the seconds left (None: no bound) and returns raw samples
    It ends when every kind passes or one fails, when more victims would not tell, or when budget_s is over; the record
    says so in ``looks`` (victims at each) and ``stopped`` ("decided", "time", "victims").
    """
    begun, samples, record = monotonic(), list[Sample](), judge([], [])
    seen: list[int] = []
    for begin, end in _stages(n_first, len(configs)):
        left_s = None if budget_s is None else max(1.0, budget_s - (monotonic() - begun))
        samples += measure(configs[begin:end], left_s)
        names = [config.to_dict() for config in configs[:end]]
        record = judge([p for p in predictions if p["config"] in names], samples)
        seen.append(end)
        if record["verdict"] != "undecided":
            return record | {"looks": seen, "stopped": "decided"}, samples
        if budget_s is not None and monotonic() - begun >= budget_s:
            return record | {"looks": seen, "stopped": "time"}, samples
    return record | {"looks": seen, "stopped": "victims"}, samples


def _stages(n_first: int, n_all: int) -> Iterator[tuple[int, int]]:
    begin = 0
    for end in looks(n_first):
        if begin < n_all:
            yield begin, min(end, n_all)
            begin = min(end, n_all)


def what_more_would_buy(record: Judged, seconds: float) -> str:
    """One sentence for an undecided record: how many victims would tell, and about how long that takes from here."""
    if record["verdict"] != "undecided":
        return ""
    needed = [kind["n_needed"] for kind in record["kinds"].values() if kind["n_needed"]]
    n_now = max((found["n"] for found in record["held_out"].values()), default=0)
    if not needed or not n_now:
        return "undecided: more victims would not tell; a quieter machine might."
    n = max(needed)
    minutes = max(0.0, seconds * (n - n_now) / n_now) / 60
    return (
        f"undecided: about {n} victims would tell, {minutes:.0f} more minutes at this pace (--held-out {n}, --budget)."
    )
