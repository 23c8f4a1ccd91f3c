"""Predictions against measurements: errors with intervals, and pass, fail or inconclusive per kind of tear-down.

A kind is inconclusive when its measurements scatter more (IQR over median) than what is to be told apart, and then
the verdict says what disturbed them. Page counts need no quiet machine: one that differs is a failure.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from mmbench.cost.summary import INCONCLUSIVE_SPREAD, median_spread, summarize
from mmbench.cost.table import BASES

FORMAT = "mmbench-validation 1"
N_BOOTSTRAP = 1000
INTERVAL_PERCENT = (2.5, 97.5)
MOST_REASONS = 4


class Goal(NamedTuple):
    """The largest errors that pass: of the median configuration, and of the one at 95 %."""

    median: float
    p95: float | None


GOALS = {
    "exit": Goal(0.03, 0.10),
    "mrelease": Goal(0.04, 0.12),
    "exit_after": Goal(0.10, None),
    "race": Goal(0.15, None),
}


def judge(predictions: list[dict[str, Any]], samples: list[dict[str, Any]], seed: int = 1) -> dict[str, Any]:
    """Hold predictions (of validation.predict) against raw samples of the same configurations.

    Returns a record: ``verdict``, ``held_out`` (kind -> n, median_abs_error, p95_abs_error), ``freed_pages`` (n
    configurations, how many of them exact), ``kinds`` (kind -> verdict, goal, interval, spread, why), ``disturbed``
    and ``rows`` (one per configuration and kind: measured, model, error).
    """
    summary = summarize(samples)
    measured = {(_key(row["config"]), row["what"]): row for row in summary}
    rows = [
        compared(prediction, measured[key])
        for prediction in predictions
        if (key := (_key(prediction["config"]), prediction["what"])) in measured
    ]
    kinds = {what: judge_kind(what, rows, median_spread(summary, what), seed) for what in BASES}
    freed = count_exact(predictions, samples)
    verdicts = [kind["verdict"] for kind in kinds.values()]
    if freed["exact"] < freed["n"] or "fail" in verdicts:
        verdict = "fail"
    else:
        verdict = "inconclusive" if "inconclusive" in verdicts or not freed["n"] else "pass"
    return {
        "format": FORMAT,
        "verdict": verdict,
        "held_out": {what: _errors(rows, what) for what in BASES},
        "freed_pages": freed,
        "kinds": kinds,
        "disturbed": disturbances(samples),
        "rows": rows,
    }


def compared(prediction: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
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


def judge_kind(what: str, rows: list[dict[str, Any]], spread: float, seed: int) -> dict[str, Any]:
    """Judge one kind of tear-down: its verdict, the goal, the 95 % interval of the median error, and why."""
    goal, found = GOALS[what], _errors(rows, what)
    absolute = np.array([abs(row["error"]) for row in rows if row["what"] == what])
    judged: dict[str, Any] = {
        "goal_median": goal.median,
        "goal_p95": goal.p95,
        "spread": None if np.isnan(spread) else spread,
        "median_interval": None,
    }
    if not len(absolute):
        return judged | {"verdict": "inconclusive", "why": "it was not measured"}
    draw = np.random.default_rng(seed)
    medians = np.median(draw.choice(absolute, (N_BOOTSTRAP, len(absolute))), axis=1)
    judged["median_interval"] = [float(x) for x in np.percentile(medians, INTERVAL_PERCENT)]
    if spread > INCONCLUSIVE_SPREAD:
        why = f"measurements scatter by {spread:.0%} (IQR/median); at most {INCONCLUSIVE_SPREAD:.0%} can be judged"
        return judged | {"verdict": "inconclusive", "why": why}
    misses = []
    if found["median_abs_error"] > goal.median:
        misses.append(f"median error {found['median_abs_error']:.1%}, goal {goal.median:.0%}")
    if goal.p95 is not None and found["p95_abs_error"] > goal.p95:
        misses.append(f"p95 error {found['p95_abs_error']:.1%}, goal {goal.p95:.0%}")
    return judged | {"verdict": "fail" if misses else "pass", "why": "; ".join(misses)}


def count_exact(predictions: list[dict[str, Any]], samples: list[dict[str, Any]]) -> dict[str, int]:
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


def disturbances(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """What got in the way: samples in all and disturbed, the busy share of others, and the most frequent reasons."""
    shares = [sample["foreign_share"] for sample in samples]
    reasons = Counter(_reason(sample["why"]) for sample in samples if sample["why"])
    return {
        "n_samples": len(samples),
        "n_disturbed": sum(bool(sample["disturbed"]) for sample in samples),
        "median_foreign_share": float(np.median(shares)) if shares else None,
        "reasons": [{"why": why, "n": n} for why, n in reasons.most_common(MOST_REASONS)],
    }


def _errors(rows: list[dict[str, Any]], what: str) -> dict[str, Any]:
    absolute = [abs(row["error"]) for row in rows if row["what"] == what]
    if not absolute:
        return {"n": 0, "median_abs_error": None, "p95_abs_error": None}
    median, p95 = (float(x) for x in np.percentile(absolute, [50, 95]))
    return {"n": len(absolute), "median_abs_error": median, "p95_abs_error": p95}


def _key(config: dict[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)


def _reason(why: str) -> str:
    """A reason without its numbers, so that the same one counts once."""
    return re.sub(r"\d+", "..", why)
