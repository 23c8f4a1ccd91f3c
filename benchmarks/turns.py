"""Measure sides in turn and report medians with their quartiles.

Sides take turns, in an order that reverses each time, and must find the same answer. Time is CPU time of the one
thread: a busy neighbour then costs spread, not truth.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Side = Callable[[], tuple[float, Any]]
Report = dict[str, Any]


class WrongAnswerError(Exception):
    """Two sides of a comparison disagree about the answer: no ratio means anything then."""


class Spread(NamedTuple):
    """A median and its quartiles."""

    median: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Median and quartiles of at least one value."""
    ordered = sorted(values)
    if len(ordered) == 1:
        return Spread(ordered[0], ordered[0], ordered[0])
    low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return Spread(median, low, high)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(CPU seconds of this thread, result) of one call."""
    start = time.thread_time()
    result = work()
    return time.thread_time() - start, result


def take_turns(sides: dict[str, Side], turns: int) -> dict[str, list[float]]:
    """Seconds of each side, turn by turn. The first turn, which compiles and touches memory, does not count.

    Raises WrongAnswerError when two sides return different answers.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(turns + 1):
        answers = {}
        for name in names if turn % 2 else reversed(names):
            taken, answers[name] = sides[name]()
            if turn:
                seconds[name].append(taken)
        if any(answer != answers[names[0]] for answer in answers.values()):
            raise WrongAnswerError(f"the sides disagree: {answers}")
    return seconds


def put(report: Report, name: str, found: Spread, **details: Any) -> None:
    """Enter one figure with its spread (the quartiles) and what else is to be known about it."""
    digits = 4 if found.median < 1000 else None
    report[name] = round(found.median, digits)
    report[f"{name}_spread"] = [round(found.low, digits), round(found.high, digits)]
    report["details"][name] = details


def skip(report: Report, name: str, reason: str) -> None:
    """Enter why a figure is missing."""
    report[name] = report[f"{name}_spread"] = None
    report["skipped"][name] = reason
