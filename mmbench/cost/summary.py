"""Raw samples to one row per configuration and kind of tear-down: medians, spread, and what was disturbed.

A measurement is the median of the victims of one repetition. Quiet victims count; where fewer than three repetitions
have one, all do, and the row says so. Times are wall-clock nanoseconds.
"""

import json

import numpy as np

from mmbench.records.measured_types import Row, Sample

LEAST_QUIET = 3
INCONCLUSIVE_SPREAD = 0.10


def summarize(samples: list[Sample]) -> list[Row]:
    """Group sample records by configuration and ``what`` and return one row for each, in order of first appearance.

    A row has ``config``, ``facts``, ``what``, ``n`` (measurements), ``n_disturbed``, ``is_quiet``, ``median_ns``,
    ``low_ns`` and ``high_ns`` (quartiles), ``spread`` (their distance over the median), ``median_cpu_ns`` (None where
    it is not known), ``freed_pages`` (every number seen) and ``whys`` (what disturbed, each once). Races that were
    none are left out.
    """
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        if not sample["error"]:
            groups.setdefault((json.dumps(sample["config"], sort_keys=True), sample["what"]), []).append(sample)
    return [_row(group) for group in groups.values()]


def _row(group: list[Sample]) -> Row:
    quiet = [sample for sample in group if not sample["disturbed"]]
    is_quiet = len({sample["rep"] for sample in quiet}) >= LEAST_QUIET
    used = quiet if is_quiet else group
    measured = measurements(used)
    low, median, high = (float(x) for x in np.percentile(measured, [25, 50, 75]))
    return {
        "config": group[0]["config"],
        "facts": group[0]["facts"],
        "what": group[0]["what"],
        "n": len(measured),
        "n_disturbed": len(group) - len(quiet),
        "is_quiet": is_quiet,
        "median_ns": median,
        "low_ns": low,
        "high_ns": high,
        "spread": (high - low) / median,
        "median_cpu_ns": _median_cpu_ns(used),
        "freed_pages": sorted({sample["freed_pages"] for sample in group}),
        "whys": sorted({sample["why"] for sample in group if sample["why"]}),
    }


def measurements(samples: list[Sample]) -> list[float]:
    """Median time of the victims of each repetition, ns."""
    by_rep: dict[int, list[int]] = {}
    for sample in samples:
        by_rep.setdefault(sample["rep"], []).append(sample["ns"])
    return [float(np.median(times)) for times in by_rep.values()]


def _median_cpu_ns(used: list[Sample]) -> float | None:
    """Median CPU time of one party alone, or of both together in a race."""
    times = []
    for sample in used:
        parts = sample["parts"]
        one, other = parts.get("mrelease_cpu_ns"), parts.get("exit_cpu_ns")
        both = None if one is None or other is None else one + other
        times.append(sample["cpu_ns"] if sample["what"] != "race" else both)
    known = [time for time in times if time is not None]
    return float(np.median(known)) if known else None


def median_spread(rows: list[Row], what: str) -> float:
    """Return the median over configurations of IQR/median for one kind of tear-down; above 0.10 conclude nothing."""
    spreads = [row["spread"] for row in rows if row["what"] == what]
    return float(np.median(spreads)) if spreads else float("nan")
