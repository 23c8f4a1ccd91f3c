"""What designs did inside a booted kernel, beside the model of the same strategy files.

Alone: pages that a reaper left, exactly, and instructions, with the cost table that was fitted to the kernel's own code
(`lab-<series>`); nothing is fitted to a design. Beside a holder: who else was killed, whether the reaper gave up, what
it left. When exit and reaper began is taken from the record, for the model has no scheduler; what follows is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mmbench.cost.table import CostTable, load_table
from mmbench.engine import run_prepared
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies.load import Loaded, load
from mmbench.validation.forced import meetings
from mmbench.validation.kernel_lab import era_of, summary, total
from mmbench.validation.predict import HELD_PS, Victim

FORMAT = "mmbench-design-comparison 1"
STOCK = "stock"
ALONE = ("exit", "mrelease", "reaper")
NEED_PAGES = 4096  # what the trigger lacks: half of its 32 MiB
OOM_SKIP = 2  # MMF_OOM_SKIP in a row
BASE = {"exit": "exit", "mrelease": "mrelease", "reaper": "mrelease"}  # the same interpreter's pages are reaped

Entry = dict[str, Any]
Row = dict[str, Any]


def compare_designs(record: dict[str, Any], find: Callable[[str], Loaded] = load) -> dict[str, Any]:
    """Hold the model against a record of designs (mmbench.lab.design_record).

    find: design's name -> the strategy; a file of the user's is named as its id. Returns ``cells`` (design, victim,
    what, left, model_left, ns, model_ns, error), their ``errors`` by kind, ``copies`` (how far the kernel's own code is
    from the program of its own design), ``holders`` (what happened beside a holder, and what the model says),
    ``readers`` (seen only: the model has none yet), and ``forced`` (what a caller met at each step of exit).
    """
    era = era_of(record["release"])
    costs = load_table(f"lab-{record['series']}")
    own = load(era)
    designs = {name: with_batch_of(find(name), own) for name in record["programs"]} | {STOCK: own}
    entries = [e for boot in record["boots"] for e in boot["experiments"] if "error" not in e]
    cells = [alone(entry, designs[entry["design"]], costs) for entry in entries if entry["kind"] in ALONE]
    return {
        "format": FORMAT,
        "release": record["release"],
        "era": era,
        "cells": cells,
        "left": {
            "n": sum("left" in cell for cell in cells),
            "exact": sum(cell["left"] == cell["model_left"] for cell in cells if "left" in cell),
        },
        "errors": {what: summary([c["error"] for c in cells if c["what"] == what]) for what in ALONE},
        "copies": copies(cells, era),
        "holders": [
            beside_holder(entry, designs[entry["design"]], costs, rows_of(record, entry["design"]))
            for entry in entries
            if entry["kind"] == "stuck-holder"
        ],
        "readers": [happened(e, rows_of(record, e["design"])) for e in entries if e["kind"] == "reader"],
        "forced": meetings(record),
    }


def with_batch_of(design: Loaded, own: Loaded) -> Loaded:
    """A design with the munlock batch that the kernel's own design has: in a real kernel no program can choose it."""
    batch = max((step.args.get("lru_batch", 0) for role in own.roles.values() for step in role), default=0)
    roles = {
        name: tuple(
            replace(step, args=step.args | {"lru_batch": batch}) if "lru_batch" in step.args else step for step in role
        )
        for name, role in design.roles.items()
    }
    return replace(design, roles=roles)


def alone(entry: Entry, design: Loaded, costs: CostTable) -> Row:
    """One party alone: pages left where it is not exit, and instructions, counted and modelled."""
    what, victim = entry["kind"], Victim(entry["victim"], design)
    who = "exit" if what == "exit" else what
    starts = {"exit_start_ps": HELD_PS, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER} | {f"{who}_start_ps": 0}
    calm = scenario("quiet", starts | {"batch_pages": 2, "oom_victim": int(what == "reaper")})
    found = run_prepared(victim.prepared, design, calm, costs, victim="booted")
    base = costs.base_ps.get(BASE[what], costs.base_ps.get("exit", 0))
    ns, model_ns = min(entry["ns"]), round((found["busy_ps"][who] + base) / 1000)
    row = {"design": entry["design"], "victim": entry["victim"], "what": what, "ns": ns, "model_ns": model_ns}
    row["error"] = model_ns / ns - 1.0
    if what != "exit":
        row |= {"left": total(entry["pages_after"])}
        row |= {"model_left": total(entry["pages_before"]) - int(found["freed_pages"][who])}
    return row


def copies(cells: list[Row], era: str) -> list[Row]:
    """The program of the kernel's own design against the kernel's own code: what the interpreter costs."""
    stock = {(c["what"], str(c["victim"])): c["ns"] for c in cells if c["design"] == STOCK}
    return [
        {"what": c["what"], "victim": c["victim"], "stock_ns": was, "copy_ns": c["ns"], "error": c["ns"] / was - 1.0}
        for c in cells
        if c["design"] == era and (was := stock.get((c["what"], str(c["victim"]))))
    ]


def rows_of(record: dict[str, Any], design: str) -> list[list[str]]:
    """A design's rows as words: op, three arguments, next, other; none for the kernel's own code."""
    return [line.split()[1:] for line in record["programs"].get(design, []) if line.startswith("row ")]


def beside_holder(entry: Entry, design: Loaded, costs: CostTable, rows: list[list[str]]) -> Row:
    """An OOM kill beside the holder of a page lock: seen and modelled; times are ms after the kill."""
    steps = entry["steps"][0]
    exits = [step["ns"] for step in steps if step["role"] == "exit"]
    began = entry["reaper_began_ns"][0]
    woken = entry["reaper_woken_ns"][0] if entry["reaper_woken_ns"][0] is not None else began
    starts = {"exit_start_ps": max(0, exits[0] if exits else 0) * 1000, "need_pages": NEED_PAGES}
    starts |= {"holder_needs_pages": NEED_PAGES, "holder_at_ppm": held_ppm(entry)}
    if entry["hurry"]:
        starts["reaper_start_ps"] = (woken if woken is not None else 20_000_000) * 1000
    found = run_prepared(
        Victim(entry["victim"], design).prepared, design, scenario("stuck-holder", starts), costs, victim="booted"
    )
    skip_ps = found["time_ps"]["oom_skip"]
    return happened(entry, rows) | {
        "model_kills": int(found["collateral_kills"]),
        "model_gave_up": found["outcome"] == "gave-up",
        "model_reaper_left": sum(found["reaper_left_pages"].values()),
        "model_skip_ms": None if skip_ps is None or skip_ps < 0 else skip_ps / 1e9,
    }


def happened(entry: Entry, rows: list[list[str]]) -> Row:
    """What was seen beside a holder: who died, whether the reaper gave up, what it left, when MMF_OOM_SKIP was set."""
    steps = entry["steps"][0]
    return {
        "design": entry["design"],
        "victim": entry["victim"],
        "holds": entry["holds"],
        "held_page": entry["held_page"],
        "kills": len(entry["further_kills"]),
        "killed": [kill["who"] for kill in entry["further_kills"]],
        "gave_up": entry["gave_up_ns"][0] is not None,
        "reaper_left": reaper_left(steps),
        "skip_ms": in_ms(skip_ns(entry, steps, rows)),
        "trigger": entry["trigger"],
        "sleeps_in": entry["stacks"][-1][:3] if entry["stacks"] else [],
    }


def held_ppm(entry: Entry) -> int:
    """Where among the locked pages the held one lies, as a scenario says it."""
    n_locked = round(entry["victim"]["span_bytes"] / 4096 * entry["victim"]["locked_share"])
    return min(999_999, entry["held_page"] * 1_000_000 // max(1, n_locked))


def reaper_left(steps: list[Row]) -> int | None:
    """Pages still mapped when the reaper's pass ended; None when it never began."""
    passes = [step for step in steps if step["role"] == "reaper"]
    return passes[-1]["rss_pages"] if len(passes) > 1 else None


def skip_ns(entry: Entry, steps: list[Row], rows: list[list[str]]) -> int | None:
    """When MMF_OOM_SKIP was set: by exit (the step is in the log), by the reaper after its pass, or when it gave up."""
    setting = [i for i, row in enumerate(rows) if row[0] == "SET_FLAG" and int(row[1]) & OOM_SKIP]
    by_exit = [step["ns"] for step in steps if step["role"] == "exit" and step["row"] in setting]
    found = [*by_exit, entry["reaper_ended_ns"][0], entry["gave_up_ns"][0]]
    return min((ns for ns in found if ns is not None), default=None)


def in_ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6
