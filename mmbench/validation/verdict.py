"""Predictions against measurements: errors with intervals, and pass, fail or undecided per kind of tear-down.

An interval decides, never a point: below the goal is a pass, above it a failure, and one that holds the goal is
undecided, with how many victims would tell. A kind whose measurements scatter more (IQR over median) than what is to
be told apart is undecided, too, and the record says what disturbed them. Page counts need no quiet machine: one that
differs is a failure.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from math import ceil, inf, isnan, log
from typing import NamedTuple

import numpy as np

from mmbench.cost.summary import INCONCLUSIVE_SPREAD, median_spread, summarize
from mmbench.cost.table import BASES
from mmbench.records.measured_types import (
    Compared,
    Config,
    Disturbed,
    Exact,
    Found,
    Judged,
    KindVerdict,
    Prediction,
    Row,
    Sample,
)  # fmt: skip

FORMAT = "mmbench-validation 2"
MOST_LOOKS = 4  # a session judges at most so often before it ends; the intervals are wide enough for all of them
CONFIDENCE = 1.0 - 0.05 / MOST_LOOKS
MOST_REASONS = 4


class Goal(NamedTuple):
    """The largest errors that pass: of the median configuration, and of the one at 95 %."""

    median: float
    p95: float | None


class Bounds(NamedTuple):
    """One statistic of the errors: its value, its interval (no bound: None), its goal, and pass, fail or undecided."""

    name: str
    value: float
    low: float | None
    high: float | None
    goal: float
    n: int

    @property
    def verdict(self) -> str:
        """Pass when the interval lies below the goal, fail when above it."""
        if self.high is not None and self.high <= self.goal:
            return "pass"
        return "fail" if self.low is not None and self.low > self.goal else "undecided"

    @property
    def n_needed(self) -> int | None:
        """About how many victims would tell, if errors go on as they were; None where more would not."""
        if self.high is None:
            return ceil(log((1 - CONFIDENCE) / 2) / log(0.95))  # so many at least, for an upper bound of a p95
        gap = abs(self.value - self.goal)
        half = (self.high - (self.low or 0.0)) / 2
        return ceil(self.n * (half / gap) ** 2) if gap > half / 10 else None

    def __str__(self) -> str:
        low = "0" if self.low is None else f"{100 * self.low:.1f}"
        high = "?" if self.high is None else f"{100 * self.high:.1f}"
        return f"{self.name} error {self.value:.1%} [{low}, {high}], goal {self.goal:.0%}"


GOALS = {
    "exit": Goal(0.03, 0.10),
    "mrelease": Goal(0.04, 0.12),
    "exit_after": Goal(0.10, None),
    "race": Goal(0.15, None),
}


def judge(predictions: list[Prediction], samples: list[Sample]) -> Judged:
    """Hold predictions (of validation.predict) against raw samples of the same configurations.

    Returns a record: ``verdict``, ``held_out`` (kind -> n, median_abs_error, p95_abs_error), ``freed_pages`` (n
    configurations, how many of them exact), ``kinds`` (kind -> verdict, goals, intervals, n_needed, spread, why),
    ``disturbed`` and ``rows`` (one per configuration and kind: measured, model, error).
    """
    summary = summarize(samples)
    measured = {(_key(row["config"]), row["what"]): row for row in summary}
    rows = [
        compared(prediction, measured[key])
        for prediction in predictions
        if (key := (_key(prediction["config"]), prediction["what"])) in measured
    ]
    kinds = {what: judge_kind(what, rows, median_spread(summary, what)) for what in BASES}
    freed = count_exact(predictions, samples)
    verdicts = {kind["verdict"] for kind in kinds.values()}
    if freed["exact"] < freed["n"] or "fail" in verdicts:
        verdict = "fail"
    else:
        verdict = "undecided" if "undecided" in verdicts or not freed["n"] else "pass"
    return {
        "format": FORMAT,
        "verdict": verdict,
        "confidence": CONFIDENCE,
        "held_out": {what: _errors(rows, what) for what in BASES},
        "freed_pages": freed,
        "kinds": kinds,
        "disturbed": disturbances(samples),
        "rows": rows,
    }


def compared(prediction: Prediction, row: Row) -> Compared:
    """One line of the table: measured median and quartiles, the model's time, the relative error of the model."""
    return {
        "config": row["config"],
        "what": row["what"],
        "measured_ns": row["median_ns"],
        "low_ns": row["low_ns"],
        "high_ns": row["high_ns"],
        "model_ns": prediction["model_ns"],
        "error": prediction["model_ns"] / row["median_ns"] - 1.0,
        "n": row["n"],
        "n_disturbed": row["n_disturbed"],
        "spread": row["spread"],
    }


def judge_kind(what: str, rows: list[Compared], spread: float) -> KindVerdict:
    """Judge one kind of tear-down by the intervals of its errors: verdict, goals, intervals, and why."""
    goal = GOALS[what]
    absolute = [abs(row["error"]) for row in rows if row["what"] == what]
    judged: KindVerdict = {
        "verdict": "undecided",
        "why": "it was not measured",
        "goal_median": goal.median,
        "goal_p95": goal.p95,
        "spread": None if isnan(spread) else spread,
        "median_interval": None,
        "p95_interval": None,
        "n_needed": None,
    }
    if not absolute:
        return judged
    found = [bounds_of("median", absolute, 0.5, goal.median)]
    if goal.p95 is not None:
        found.append(bounds_of("p95", absolute, 0.95, goal.p95))
        judged["p95_interval"] = [found[1].low, found[1].high]
    judged["median_interval"] = [found[0].low, found[0].high]
    if spread > INCONCLUSIVE_SPREAD:
        why = f"measurements scatter by {spread:.0%} (IQR/median); at most {INCONCLUSIVE_SPREAD:.0%} can be judged"
        return judged | {"verdict": "undecided", "why": why}
    verdict = next((v for v in ("fail", "undecided") if any(b.verdict == v for b in found)), "pass")
    deciding = [bounds for bounds in found if bounds.verdict == verdict]
    if verdict == "undecided":
        needed = [bounds.n_needed for bounds in deciding]
        judged["n_needed"] = None if None in needed else max(n for n in needed if n is not None)
    return judged | {"verdict": verdict, "why": "" if verdict == "pass" else "; ".join(map(str, deciding))}


def bounds_of(name: str, absolute: list[float], p: float, goal: float) -> Bounds:
    """The p-quantile of absolute errors with its exact order-statistic interval at CONFIDENCE, two-sided.

    A bound that so few errors cannot give is None.
    """
    from scipy.stats import quantile_test

    interval = quantile_test(absolute, p=p).confidence_interval(CONFIDENCE)
    low, high = (None if isnan(x) or abs(x) == inf else float(x) for x in interval)
    return Bounds(name, float(np.percentile(absolute, 100 * p)), low, high, goal, len(absolute))


def count_exact(predictions: list[Prediction], samples: list[Sample]) -> Exact:
    """Of the configurations reaped while their victim was held: how many there are, and how many were exact.

    Exact: process_mrelease freed, and left to exit, what the model says, in every sample.
    """
    said = {(_key(p["config"]), p["what"]): p["freed_pages"] for p in predictions}
    is_exact: dict[str, bool] = {}
    for sample in samples:
        key = _key(sample["config"])
        if sample["what"] in ("mrelease", "exit_after") and not sample["error"] and (key, sample["what"]) in said:
            is_exact[key] = is_exact.get(key, True) and sample["freed_pages"] == said[key, sample["what"]]
    return {"n": len(is_exact), "exact": sum(is_exact.values())}


def disturbances(samples: list[Sample]) -> Disturbed:
    """What got in the way: samples in all and disturbed, the busy share of others, and the most frequent reasons."""
    shares = [sample["foreign_share"] for sample in samples]
    reasons = Counter(_reason(sample["why"]) for sample in samples if sample["why"])
    return {
        "n_samples": len(samples),
        "n_disturbed": sum(bool(sample["disturbed"]) for sample in samples),
        "median_foreign_share": float(np.median(shares)) if shares else None,
        "reasons": [{"why": why, "n": n} for why, n in reasons.most_common(MOST_REASONS)],
    }


def _errors(rows: list[Compared], what: str) -> Found:
    absolute = [abs(row["error"]) for row in rows if row["what"] == what]
    if not absolute:
        return {"n": 0, "median_abs_error": None, "p95_abs_error": None}
    median, p95 = (float(x) for x in np.percentile(absolute, [50, 95]))
    return {"n": len(absolute), "median_abs_error": median, "p95_abs_error": p95}


def _key(config: Config) -> str:
    return json.dumps(config, sort_keys=True)


def _reason(why: str) -> str:
    """A reason without its numbers, so that the same one counts once."""
    return re.sub(r"\d+", "..", why)
