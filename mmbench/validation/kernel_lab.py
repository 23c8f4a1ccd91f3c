"""What a booted kernel answered, beside the model's prediction by the design of that kernel's era.

Pages that a lone reaper leaves are exact or wrong. Times are instructions of the guest (one nanosecond each): the costs
are fitted to the calibration set of the same record, and the held-out victims are predicted by the engine with them.
"""

from __future__ import annotations

import json

import numpy as np

from mmbench.cost.from_fit import OLD_PARTS, PARTS, Part, fit_prices, set_fitted, table_of
from mmbench.cost.table import CostTable, load_table, rescaled, table_from
from mmbench.engine import run_prepared
from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.records.lab_types import Experiment, LabRecord
from mmbench.records.measured_types import (
    Booted,
    Config,
    CostFile,
    Found,
    HeldOut,
    LabComparison,
    LeftBehind,
    NoTable,
    Observation,
)
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies import load
from mmbench.strategies.load import Loaded
from mmbench.validation.geometry import KINDS
from mmbench.validation.lab_races import LEAST_RACES, PRICED, WAITS, predict_races, price_ns, seen
from mmbench.validation.predict import HELD_PS, Answer, Victim, shipped_by

FORMAT = "mmbench-lab-comparison 1"
LONE = ("reaper", "memcg", "mrelease")  # who works alone while the victim is held
TIMED = ("exit", "mrelease", "exit_after", "race")
# Beyond the per-CPU free lists (a few thousand pages of such a small guest) a freed page costs more.
COLD_AFTER_PAGES = tuple(range(2048, 24576, 512))
REFERENCE = "reference"
# Kinds of memory besides the calibration's, fitted after it.
NEW_KINDS = {name: PARTS[name] for name in ("thp", "shmem", "munlock_shmem")}
OLD_KINDS = {"thp": PARTS["thp"], "shmem": PARTS["shmem"], "old_thp": Part(("old_munlock_thp",), "")}


def era_of(release: str) -> str:
    """The design that a kernel release ships. Raises InputError before v4.14."""
    name = shipped_by(release)
    if name is None:
        raise InputError(f"kernel {release!r}: designs of shipped kernels are known from 4.14 on.")
    return name


def compare(record: LabRecord, design: Loaded | None = None) -> LabComparison:
    """Hold the model against one lab record (see mmbench.lab.record).

    design: what this kernel does, when it is a patched one; else the design of its era.

    Returns ``freed_pages`` {n, exact} with one row per victim and party in ``cells``; ``held_out`` (kind -> n,
    median_abs_error, p95_abs_error) with its ``rows``; and ``table``, the cost table in instructions. A race is
    predicted with what the record's other races show.
    """
    design = design or load(era_of(record["release"]))
    cells = freed_cells(record, design)
    table, fitted = fit(record, design)
    rows = predict_all(record, design, table) if table else []
    return {
        "format": FORMAT,
        "series": record["series"],
        "release": record["release"],
        "strategy": design.name,
        "freed_pages": {"n": len(cells), "exact": sum(cell["model_left"] == cell["left"] for cell in cells)},
        "cells": cells,
        "fitted": fitted,
        "held_out": {what: summary([row["error"] for row in rows if row["what"] == what]) for what in TIMED},
        "rows": rows,
        "table": table or NoTable(),
    }


def has_old_munlock(design: Loaded) -> bool:
    """Whether exit_mmap of a design munlocks page by page, as up to v5.17."""
    return any(step.op is Op.UNLOCK_RANGE for step in design.roles["exit"])


def experiments(record: LabRecord, role: str = "") -> list[Experiment]:
    """Experiments that have an answer, of kinds of memory that the model knows."""
    return [
        entry
        for boot in record["boots"]
        for entry in boot["experiments"]
        if role in ("", entry["role"]) and "error" not in entry and entry["victim"]["kind"] in KINDS
    ]


def freed_cells(record: LabRecord, design: Loaded) -> list[LeftBehind]:
    """Per victim and lone party: pages before, pages it left, and what the model says it leaves."""
    cells: list[LeftBehind] = []
    for entry in experiments(record):
        if entry["kind"] in LONE and "pages_after" in entry:
            left, before = total(entry["pages_after"]), total(entry["pages_before"])
            model = before - freed_alone(entry["victim"], entry["kind"], design)
            cells.append(
                {"victim": entry["victim"], "party": entry["kind"], "before": before, "left": left, "model_left": model}
            )
    return cells


def total(pages: int | list[int]) -> int:
    """Pages of the locked part and of the rest, however a record has them."""
    return pages if isinstance(pages, int) else sum(pages)


def freed_alone(config: Config, party: str, design: Loaded) -> int:
    """Pages that a lone reaper, or process_mrelease, frees of a held victim."""
    who = "mrelease" if party == "mrelease" else "reaper"
    starts = {"exit_start_ps": HELD_PS, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER} | {f"{who}_start_ps": 0}
    victim = Victim(config, design)
    found = run_prepared(victim.prepared, design, scenario("quiet", starts), load_table(REFERENCE), victim="booted")
    return int(found["freed_pages"][who])


def observations(record: LabRecord, role: str) -> list[Booted]:
    """Times of one role, the least of the repetitions: config, what, ns."""
    found: list[Booted] = []
    for entry in experiments(record, role):
        if entry["kind"] not in ("exit", "mrelease"):
            continue
        found.append({"config": entry["victim"], "what": entry["kind"], "ns": min(entry["ns"])})
        if "exit_after_ns" in entry:
            found.append({"config": entry["victim"], "what": "exit_after", "ns": min(entry["exit_after_ns"])})
    return found


def fit(record: LabRecord, design: Loaded) -> tuple[CostFile | None, dict[str, Found]]:
    """Fit a cost table, in instructions, to the calibration set; (None, {}) when the record has too small a one.

    Fitted twice: what no victim shows is carried over from a table in nanoseconds at the rate of a page's cost, which
    only the first fit knows. Huge pages and shared memory follow, with all other prices as they are then.
    """
    reference = load_table(REFERENCE)
    parts, kinds = (OLD_PARTS, OLD_KINDS) if has_old_munlock(design) else (PARTS, NEW_KINDS)
    used = priceable(record, "calibration", design)
    try:
        rate = fit_prices(used, reference, parts=parts, cold_after=COLD_AFTER_PAGES).factors["page"][0]
        reference = rescaled(reference, rate, "a page's instructions for its nanoseconds")
        prices = fit_prices(used, reference, parts=parts, cold_after=COLD_AFTER_PAGES)
    except InputError:
        return None, {}
    where = f"instructions of Linux {record['release']} ({record['package_version']}) in QEMU, 1 ns each"
    table = table_of(prices, reference, where, parts)
    table["name"] = f"lab-{record['series']}"
    others = priceable(record, "kinds", design)
    if others:
        found = fit_prices(others, table_from(table), parts=kinds, cold_after=()).factors
        was = {item: table["costs"][item]["ps"] for part in found for item in kinds[part].items}
        new = {item: round(was[item] * found[part][0]) for part in found for item in kinds[part].items}
        set_fitted(table, new, f"model fitted to huge pages and shared memory: {where}")
    return table, {what: summary(errors.tolist()) for what, errors in prices.errors.items()}


def priceable(record: LabRecord, role: str, design: Loaded) -> list[Observation]:
    """What a fit of prices takes: times of one role, and the model's work for them."""
    reference, found = load_table(REFERENCE), observations(record, role)
    configs = {json.dumps(o["config"], sort_keys=True): o["config"] for o in found}
    work = {key: Victim(config, design).work(reference) for key, config in configs.items()}
    return [
        {
            "what": o["what"],
            "median_ns": float(o["ns"]),
            "spread": 0.0,
            "work": work[json.dumps(o["config"], sort_keys=True)][o["what"]],
        }
        for o in found
    ]


def predict_all(record: LabRecord, design: Loaded, table: CostFile) -> list[HeldOut]:
    """Rows of held-out victims and of races; what the races cost goes into the table. Mutates: table."""
    races = seen([e for e in experiments(record, "race") if e["kind"] == "race"], design, table_from(table))
    rows = predict(record, design, table_from(table)) + predict_races(races)
    if len(races) >= LEAST_RACES:
        source = f"model fitted to races of process_mrelease and exit on two CPUs: {table['machine']}"
        set_fitted(table, {PRICED: round(price_ns(races) * 1000)}, source)
        set_fitted(table, dict.fromkeys(WAITS, 0), f"a wait takes no instructions: {table['machine']}")
    return rows


def predict(record: LabRecord, design: Loaded, costs: CostTable) -> list[HeldOut]:
    """Held-out victims: instructions counted, the model's, and the relative error."""
    rows: list[HeldOut] = []
    answers: dict[str, dict[str, Answer]] = {}
    for found in observations(record, "held-out"):
        key = json.dumps(found["config"], sort_keys=True)
        if key not in answers:
            victim = Victim(found["config"], design)
            answers[key] = {answer.what: answer for answer in (victim.exit(costs), *victim.mrelease(costs))}
        answer = answers[key][found["what"]]
        model = round((answer.ps + costs.base_ps.get(found["what"], 0)) / 1000)
        rows.append({**found, "model_ns": model, "error": model / found["ns"] - 1.0})
    return rows


def summary(errors: list[float]) -> Found:
    """n, median and 95th percentile of absolute relative errors."""
    if not errors:
        return {"n": 0, "median_abs_error": None, "p95_abs_error": None}
    median, p95 = (float(x) for x in np.percentile(np.abs(errors), [50, 95]))
    return {"n": len(errors), "median_abs_error": median, "p95_abs_error": p95}
