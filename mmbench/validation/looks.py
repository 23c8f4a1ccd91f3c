"""Measure until the intervals tell: the same judgement after ever more victims, until it decides or time is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    says so in ``looks`` (victims at each) and ``stopped`` ("decided", "time", "victims"). Victims are measured n_first
    at a time; those at which time is up were measured less often than the others: their samples are kept, not judged.
    """
    begun, samples, record = monotonic(), list[Sample](), judge([], [])
    seen: list[int] = []

    def left_s() -> float | None:
        return None if budget_s is None else budget_s - (monotonic() - begun)

    def is_over() -> bool:
        return (left := left_s()) is not None and left <= 0

    n_whole = 0
    for n_look in _ends(n_first, len(configs)):
        while n_whole < n_look and not is_over():
            part, left = configs[n_whole : min(n_whole + n_first, n_look)], left_s()
            samples += measure(part, left if left is None else max(1.0, left))
            if not is_over() or not n_whole:
                n_whole += len(part)
        if [n_whole] != seen[-1:]:
            names = [config.to_dict() for config in configs[:n_whole]]
            record = judge([p for p in predictions if p["config"] in names], samples)
            seen.append(n_whole)
        if record["verdict"] != "undecided":
            return record | {"looks": seen, "stopped": "decided"}, samples
        if is_over():
            return record | {"looks": seen, "stopped": "time"}, samples
    return record | {"looks": seen, "stopped": "victims"}, samples


def _ends(n_first: int, n_all: int) -> list[int]:
    return sorted({min(end, n_all) for end in looks(n_first)})


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
