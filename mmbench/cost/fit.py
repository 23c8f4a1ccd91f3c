"""Measured tear-downs to cost terms: a non-negative fit of relative errors, with bootstrap intervals.

time = base + page_unlocked + page_locked + table + vma + batch + cold + thp + shmem, each times what the victim has
of it. Every configuration counts by its relative error, so a 64 MiB victim weighs as much as a 4 GiB one. Values are
picoseconds.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mmbench.errors import InputError
from mmbench.records.measured_types import Fit, RaceRatios, Ratio, Row

COLD_BEGINS_PAGES = 131_072  # 512 MiB: beyond it the memory of a victim's own page structs leaves the caches
N_BOOTSTRAP = 400
INTERVAL_PERCENT = (2.5, 97.5)
FITTED_KINDS = ("anon", "thp", "shmem")  # the cost of file mappings follows folio sizes that nobody can ask for

Floats = npt.NDArray[np.float64]
Feature = Callable[[dict[str, int], str, str], float]


def _private(facts: dict[str, int], kind: str, name: str) -> float:
    return float(facts[name]) if kind == "anon" else 0.0


FEATURES: dict[str, Feature] = {
    "base": lambda facts, kind, what: 1.0,
    "page_unlocked": lambda facts, kind, what: _private(facts, kind, "n_unlocked_pages"),
    "page_locked": lambda facts, kind, what: _private(facts, kind, "n_locked_pages"),
    "table": lambda facts, kind, what: _private(facts, kind, "n_tables"),
    # the reaper looks at a shared VMA and skips it: next to nothing
    "vma": lambda facts, kind, what: 0.0 if (kind, what) == ("shmem", "mrelease") else float(facts["n_vmas"]),
    "batch": lambda facts, kind, what: _private(facts, kind, "n_batched_vmas"),
    "cold": lambda facts, kind, what: max(0.0, _private(facts, kind, "n_pages") - COLD_BEGINS_PAGES),
    "thp": lambda facts, kind, what: float(facts["n_thps"]),
    "shmem": lambda facts, kind, what: float(facts["n_pages"]) if kind == "shmem" else 0.0,
}
TERMS: dict[str, list[str]] = {
    # one gather for all of exit, one per VMA for the reaper: only the reaper pays `batch` per VMA
    "exit": ["base", "page_unlocked", "page_locked", "table", "vma", "cold", "thp", "shmem"],
    # shared memory is not reaped at all, so no `shmem`
    "mrelease": ["base", "page_unlocked", "page_locked", "table", "vma", "batch", "cold", "thp"],
    # what the reaper has emptied is walked once more
    "exit_after": ["base", "page_unlocked", "page_locked", "table", "vma", "thp", "shmem"],
}


def fit(rows: list[Row], what: str, seed: int = 1) -> Fit:
    """Fit one kind of tear-down ("exit", "mrelease", "exit_after") to rows of :func:`mmbench.cost.summary.summarize`.

    Returns ``what``, ``terms`` (name -> value_ps, low_ps, high_ps: the 95 % interval), ``not_seen`` (terms that no
    configuration shows), ``n_configs``, ``median_abs_error``, ``p95_abs_error``, ``max_abs_error`` and ``residuals``
    (one per configuration). Raises InputError when the configurations are too few or too alike to tell the terms
    apart.
    """
    used = [row for row in rows if row["what"] == what and row["config"]["kind"] in FITTED_KINDS]
    names, matrix = _design(used, what)
    measured_ps = np.array([row["median_ns"] for row in used]) * 1000.0
    values_ps = _non_negative(matrix, measured_ps)
    fitted_ps = matrix @ values_ps
    errors = fitted_ps / measured_ps - 1.0
    low_ps, high_ps = _bootstrap(matrix, fitted_ps, errors, seed)
    absolute = np.abs(errors)
    return {
        "what": what,
        "terms": {
            name: {"value_ps": round(values_ps[i]), "low_ps": round(low_ps[i]), "high_ps": round(high_ps[i])}
            for i, name in enumerate(names)
        },
        "not_seen": [name for name in TERMS[what] if name not in names],
        "n_configs": len(used),
        "median_abs_error": float(np.median(absolute)),
        "p95_abs_error": float(np.percentile(absolute, 95)),
        "max_abs_error": float(absolute.max()),
        "residuals": [
            {"config": row["config"], "measured_ps": round(m), "fitted_ps": round(f), "error": float(e)}
            for row, m, f, e in zip(used, measured_ps, fitted_ps, errors, strict=True)
        ],
    }


def evaluate_ps(fitted: Fit, facts: dict[str, int], kind: str) -> int:
    """Return what a fit says one victim takes, in picoseconds: the formula, not the model."""
    terms = fitted["terms"].items()
    return round(sum(term["value_ps"] * FEATURES[name](facts, kind, fitted["what"]) for name, term in terms))


def race_ratios(rows: list[Row], seed: int = 1) -> RaceRatios:
    """Compare racing with exit alone, configuration by configuration.

    Returns ``n_configs`` and, each with ``value``, ``low``, ``high`` (median and 95 % interval over configurations):
    ``total``, the wall-clock time of both at once over that of exit alone, and ``cpu``, the CPU time of both over
    that of exit alone.
    """
    alone = {str(row["config"]): row for row in rows if row["what"] == "exit"}
    pairs = [(row, alone[str(row["config"])]) for row in rows if row["what"] == "race" and str(row["config"]) in alone]
    if not pairs:
        raise InputError("no configuration was measured both racing and exiting alone; measure modes exit and race.")
    total = np.array([race["median_ns"] / exit_["median_ns"] for race, exit_ in pairs])
    times = [(race["median_cpu_ns"], exit_["median_cpu_ns"]) for race, exit_ in pairs]
    cpu = np.array([both / one for both, one in times if both and one])
    return {
        "n_configs": len(pairs),
        "total": _median_with_interval(total, seed),
        "cpu": _median_with_interval(cpu, seed),
    }


def _design(used: list[Row], what: str) -> tuple[list[str], Floats]:
    """Return the names of the terms that show, and the matrix of how much of each a configuration has."""
    if what not in TERMS:
        raise InputError(f"cannot fit {what!r}; allowed: {', '.join(TERMS)}.")
    columns = {}
    for name in TERMS[what]:
        column = [FEATURES[name](row["facts"], row["config"]["kind"], what) for row in used]
        if any(column):
            columns[name] = column
    matrix = np.array(list(columns.values()), dtype=np.float64).T.reshape(len(used), len(columns))
    scaled = matrix / np.maximum(np.linalg.norm(matrix, axis=0), 1e-300)
    if len(used) <= len(columns) or np.linalg.matrix_rank(scaled, tol=1e-6) < len(columns):
        raise InputError(
            f"{len(used)} configurations of {what!r} cannot tell {len(columns)} terms apart ({', '.join(columns)}). "
            "Measure more, of different sizes, locked shares, VMA counts and strides."
        )
    return list(columns), matrix


def _non_negative(matrix: Floats, measured_ps: Floats) -> Floats:
    """Minimise the sum of squared relative errors over non-negative coefficients; scaling is for the solver only."""
    from scipy.optimize import nnls

    relative = matrix / measured_ps[:, None]
    scale = np.linalg.norm(relative, axis=0)
    solution, _ = nnls(relative / scale, np.ones(len(measured_ps)))
    return np.asarray(solution / scale, dtype=np.float64)


def _bootstrap(matrix: Floats, fitted_ps: Floats, errors: Floats, seed: int) -> tuple[Floats, Floats]:
    """Refit fitted times that were given other configurations' relative errors; return 95 % bounds per term.

    Residuals carry both the noise of the medians and what the formula misses. Drawing configurations instead would
    lose the few that show a term such as thp.
    """
    n_rows, n_terms = matrix.shape
    widened = np.maximum(errors * np.sqrt(n_rows / (n_rows - n_terms)), -0.9)
    draw = np.random.default_rng(seed)
    refits = [
        _non_negative(matrix, fitted_ps / (1.0 + widened[draw.integers(0, n_rows, n_rows)])) for _ in range(N_BOOTSTRAP)
    ]
    low, high = np.percentile(refits, INTERVAL_PERCENT, axis=0)
    return low, high


def _median_with_interval(ratios: Floats, seed: int) -> Ratio:
    if not len(ratios):
        return {"value": None, "low": None, "high": None}
    draw = np.random.default_rng(seed)
    medians = [np.median(draw.choice(ratios, len(ratios))) for _ in range(N_BOOTSTRAP)]
    low, high = np.percentile(medians, INTERVAL_PERCENT)
    return {"value": float(np.median(ratios)), "low": float(low), "high": float(high)}
