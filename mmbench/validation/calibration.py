"""Raw samples of a calibration to a cost table: the engine's own work counts, fitted to what was measured.

What only a race shows (locks that two share, how much of a page's cost falls outside the page-table lock) is found by
running the race in the engine until it takes as long as it did.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mmbench.cost.fit import TERMS, fit, race_ratios
from mmbench.cost.from_fit import carried_over, fit_prices, set_fitted, table_of
from mmbench.cost.summary import median_spread, summarize
from mmbench.cost.table import CostTable, table_from
from mmbench.errors import InputError
from mmbench.machine.work import NAMES
from mmbench.records.measured_types import CostFile, Errors, Fit, Observation, RaceRatios, Row, Sample
from mmbench.strategies.load import Loaded
from mmbench.validation.geometry import KINDS
from mmbench.validation.predict import Victim

RACE_ITEMS = ("free_contended", "lru_contended", "thp_contended")
UNLOCKED = "free_folio"  # the part of a page's cost that falls outside the page-table lock
UNDER_PTL = ("zap_anon_folio", "zap_shmem_folio", "zap_file_folio")  # what it is split from: the sum stays
MAX_ROUNDS = 120  # each start
STEPS = (1.5, 1.5, 0.5, 0.3)  # of the search, as factors on the reference's prices
# The error has more than one valley: contended or not, more or less of a page outside the page-table lock.
STARTS = ((1.0, 0.1, 1.0, 1.0), (1.0, 2.0, 1.0, 1.0), (0.2, 1.0, 1.0, 1.3), (2.0, 0.5, 1.0, 0.7))
MOST_TIMES = (20.0, 20.0, 20.0, 1.8)
LEAST_BEGIN_PS = 10_000  # a price of 0 would have no scale to search in
MAX_RACES = 32  # configurations that the race costs are fitted to, at most
LEAST_RACES = len(RACE_ITEMS) + 3

Progress = Callable[[int, int, float], None]


class Calibration(NamedTuple):
    """A cost table as JSON, and how well it and the plain formula fit what was measured."""

    table: CostFile
    fits: dict[str, Fit]
    race_ratios: RaceRatios | None
    rows: list[Row]
    errors: dict[str, Errors]
    spread: dict[str, float]
    carried_over: list[str]


def calibrate(samples: list[Sample], reference: CostTable, design: Loaded, where: str) -> Calibration:
    """Turn samples (see mmbench.live.experiment) into a cost table.

    reference: table whose proportions serve for what cannot be told apart; where: kernel and machine, for people.
    Raises InputError when the samples are too few or too alike.
    """
    rows = [row for row in summarize(samples) if row["config"]["kind"] in KINDS]
    if not rows:
        raise InputError("no sample can be used: none is of anon, thp or shmem memory, or all failed.")
    victims = {_key(row): Victim(row["config"], design) for row in rows}
    work = {key: victim.work(reference) for key, victim in victims.items()}
    observations: list[Observation] = [
        {
            "what": row["what"],
            "median_ns": row["median_ns"],
            "spread": row["spread"],
            "work": work[_key(row)][row["what"]],
        }
        for row in rows
        if row["what"] != "race"
    ]
    prices = fit_prices(observations, reference)
    races = [row for row in rows if row["what"] == "race"]
    table = table_of(prices, reference, where)
    errors = {what: _error_summary(found) for what, found in prices.errors.items()}
    if len(races) >= LEAST_RACES:
        found, base_ps, left = fit_races(races, victims, table_from(table))
        how = f"engine run until its races of process_mrelease against exit take as long as measured: {where}"
        table["costs"]["zap_file_folio"]["ps"] = found.pop("zap_file_folio")  # not shown, follows the others
        set_fitted(table, found, how)
        table["base_ps"]["race"] = base_ps
        errors["race"] = _error_summary(left)
    return Calibration(
        table,
        {what: fit(rows, what) for what in TERMS},
        race_ratios(rows) if races else None,
        rows,
        errors,
        {what: median_spread(rows, what) for what in (*TERMS, "race") if any(row["what"] == what for row in rows)},
        carried_over(table),
    )


def _key(row: Row) -> str:
    return json.dumps(row["config"], sort_keys=True)


def _error_summary(errors: Any) -> Errors:
    absolute = np.abs(errors)
    return {"median_abs_error": float(np.median(absolute)), "p95_abs_error": float(np.percentile(absolute, 95))}


def fit_races(races: list[Row], victims: dict[str, Victim], costs: CostTable) -> tuple[dict[str, int], int, Any]:
    """Find the prices of RACE_ITEMS, the share of UNLOCKED, and the base of a race, so that races take as measured.

    Minimises the mean absolute relative error. Returns item -> ps, base ps, and the relative errors that are left.
    """
    from scipy.optimize import minimize

    step = -(-len(races) // MAX_RACES)
    chosen = sorted(races, key=lambda row: row["median_ns"])[::step]
    measured = np.array([row["median_ns"] * 1000.0 for row in chosen])

    def times(factors: Any) -> Any:
        table = with_prices(costs, race_prices(costs, factors))
        return np.array([victims[_key(row)].race(table).ps for row in chosen], dtype=np.float64)

    def error(factors: Any) -> float:
        found = times(factors)
        return float(np.mean(np.abs((found + best_base(found, measured)) / measured - 1.0)))

    bounds = [(0.0, most) for most in MOST_TIMES]
    searches = []
    for start in STARTS:
        simplex = np.array(start) + np.vstack([np.zeros(len(STEPS)), np.diag(STEPS)])
        options = {"maxfev": MAX_ROUNDS, "xatol": 1e-3, "fatol": 1e-5, "initial_simplex": simplex}
        searches.append(minimize(error, simplex[0], method="Nelder-Mead", bounds=bounds, options=options))
    solution = min(searches, key=lambda search: float(search.fun)).x
    found = times(solution)
    base = best_base(found, measured)
    return race_prices(costs, solution), base, (found + base) / measured - 1.0


def race_prices(costs: CostTable, factors: Any) -> dict[str, int]:
    """Prices after RACE_ITEMS and UNLOCKED were scaled; what a page costs in all stays what it was."""
    was = {name: int(costs.prices[NAMES.index(name)]) for name in (*RACE_ITEMS, UNLOCKED, *UNDER_PTL)}
    found = {item: round(max(was[item], LEAST_BEGIN_PS) * factors[i]) for i, item in enumerate(RACE_ITEMS)}
    most = was[UNLOCKED] + min(was[name] for name in UNDER_PTL)
    found[UNLOCKED] = min(round(was[UNLOCKED] * factors[-1]), most)
    return found | {name: was[name] + was[UNLOCKED] - found[UNLOCKED] for name in UNDER_PTL}


def with_prices(costs: CostTable, prices_ps: dict[str, int]) -> CostTable:
    """A copy of a cost table with other prices."""
    table = replace(costs, prices=costs.prices.copy())
    for item, ps in prices_ps.items():
        table.prices[NAMES.index(item)] = ps
    return table


def best_base(found: Any, measured: Any) -> int:
    """The addend, not negative, that brings times nearest to measured ones: the weighted median of what is missing."""
    missing = np.maximum(measured - found, 0.0)
    order = np.argsort(missing)
    weight = np.cumsum(1.0 / measured[order])
    return round(float(missing[order][np.searchsorted(weight, weight[-1] / 2)]))
