"""Races of process_mrelease against exit in a guest with two CPUs, as the model predicts them.

The CPUs of such a guest take turns on one clock, so a race takes what both do together, not what the slower of the two
does; and a wait costs nothing, because who spins gives its turn away. One price only a race shows: that of a page which
the caller frees on a CPU that did not allocate it (most likely that CPU's list of free pages is full).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.machine.work import NAMES, UNPRICED
from mmbench.records.lab_types import Experiment
from mmbench.records.measured_types import Config, HeldOut
from mmbench.strategies.load import Loaded
from mmbench.validation.calibration import with_prices
from mmbench.validation.predict import Victim

PRICED = "free_contended"
WAITS = ("lru_contended", "thp_contended", "full_flush")  # of these a guest with one clock shows nothing
LEAST_RACES = 3


class Race(NamedTuple):
    """A victim's races: what was counted (median of the repetitions that were not lost), and the model's work."""

    config: Config
    ns: float
    spread: float
    known_ns: float
    n_priced: int


def seen(entries: list[Experiment], design: Loaded, costs: CostTable) -> list[Race]:
    """Run each race of a record in the engine. known_ns: both parties' work without PRICED, and the base of an exit.

    entries: experiments of kind "race". Races that process_mrelease lost, because it came too late, are left out.
    spread: from the least to the most, over the median.
    """
    costs = with_prices(costs, dict.fromkeys(WAITS, 0))
    found = []
    for entry in entries:
        ns = [t for t, lost in zip(entry["ns"], entry["lost"], strict=True) if not lost]
        if ns:
            work = Victim(entry["victim"], design).race(costs).work
            known = sum(n * int(costs.prices[NAMES.index(i)]) for i, n in work.items() if i not in (PRICED, *UNPRICED))
            median = float(np.median(ns))
            known_ns = (known + costs.base_ps["exit"]) / 1000
            found.append(Race(entry["victim"], median, (max(ns) - min(ns)) / median, known_ns, work.get(PRICED, 0)))
    return found


def price_ns(races: list[Race]) -> float:
    """The price of PRICED that fits races best, by squares of relative errors; not negative."""
    n = np.array([race.n_priced / race.ns for race in races])
    missing = np.array([(race.ns - race.known_ns) / race.ns for race in races])
    return max(float(n @ missing / (n @ n)), 0.0) if n.any() else 0.0


def predict_races(races: list[Race]) -> list[HeldOut]:
    """Each race with the price that the others show: config, what, ns, spread, model_ns, error. [] for too few."""
    rows: list[HeldOut] = []
    for i, race in enumerate(races if len(races) >= LEAST_RACES else []):
        model = round(race.known_ns + race.n_priced * price_ns(races[:i] + races[i + 1 :]))
        rows.append({
            "config": race.config, "what": "race", "ns": round(race.ns), "spread": race.spread, "model_ns": model,
            "error": model / race.ns - 1.0,
        })  # fmt: skip
    return rows
