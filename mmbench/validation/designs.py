"""What designs did inside a booted kernel, beside the model of the same strategy files.

Alone: pages that a reaper left, exactly, and instructions, with the cost table that was fitted to the kernel's own code
(`lab-<series>`); nothing is fitted to a design. Beside a holder or a reader: see validation.beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from mmbench.cost.table import CostTable, load_table, rescaled, table_names
from mmbench.engine import run_prepared
from mmbench.machine.ops import NO_LRU_BATCH, Op
from mmbench.machine.protocol import Step
from mmbench.records.lab_types import BesideHolder, Cell, Copy, DesignComparison, DesignRecord, Experiment, Told
from mmbench.release import version_of
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies.load import Loaded, load
from mmbench.validation.beside import at_the_zones_price, beside_holder
from mmbench.validation.forced import meetings
from mmbench.validation.kernel_lab import era_of, summary, total
from mmbench.validation.lone_party import after_sleep, base_ps, beside_others, corrected, is_anon, level
from mmbench.validation.predict import HELD_PS, Victim

FORMAT = "mmbench-design-comparison 1"
STOCK = "stock"
ALONE = ("exit", "mrelease", "reaper")


def compare_designs(record: DesignRecord, find: Callable[[str], Loaded] = load) -> DesignComparison:
    """Hold the model against a record of designs (mmbench.lab.design_record).

    find: design's name -> the strategy; a file of the user's is named as its id. Returns ``cells`` (design, victim,
    what, left, model_left, ns, model_ns, error), their ``errors`` by kind, ``copies`` (how far the kernel's own code is
    from the program of its own design), ``holders`` (what happened beside a holder of a page lock, and what the model
    says), ``readers`` (the same beside a reader of mmap_lock), ``late`` (process_mrelease after exit_mm), ``forced``
    (what a caller met at each step of exit).
    """
    era = era_of(record["release"])
    costs = load_table(nearest_table(record["series"]))
    own = load(era)
    designs = {name: with_batch_of(find(name), own) for name in record["programs"]} | {STOCK: own}
    entries = [e for boot in record["boots"] for e in boot["experiments"] if "error" not in e]
    idle = after_sleep(costs, record["release"])
    cells = [
        alone(entry, designs[entry["design"]], idle if entry["kind"] == "reaper" else costs)
        for entry in entries
        if entry["kind"] in ALONE
    ]
    charged = charged_ratio(entries)
    dearer = charged * level([c for c in cells if c["what"] == "exit" and c["design"] == STOCK and is_anon(c)])
    in_cgroup = rescaled(costs, dearer, "this boot, and pages charged to a memory cgroup")
    cells = corrected(cells, designs, STOCK)

    def beside(kind: str) -> list[BesideHolder]:
        asked = [(entry, designs[entry["design"]]) for entry in entries if entry["kind"] == kind]
        rows = [beside_holder(e, one, beside_others(in_cgroup, cells, one), record) for e, one in asked]
        return at_the_zones_price(rows)

    return {
        "format": FORMAT,
        "release": record["release"],
        "era": era,
        "costs": costs.name,
        "cells": cells,
        "left": {
            "n": sum("left" in cell for cell in cells),
            "exact": sum(cell["left"] == cell["model_left"] for cell in cells if "left" in cell),
        },
        "charged": charged,
        "errors": {what: summary([c["error"] for c in cells if c["what"] == what]) for what in ALONE},
        "copies": copies(cells, era),
        "holders": beside("stuck-holder"),
        "readers": beside("reader"),
        "late": [came_late(entry, designs[entry["design"]]) for entry in entries if entry["kind"] == "late"],
        "forced": meetings(record),
    }


def nearest_table(series: str) -> str:
    """The cost table of a series, or that of the nearest one that has one (7.2: of 7.3)."""
    known = [name for name in table_names() if name.startswith("lab-")]
    wanted = version_of(series) or (0, 0)

    def far(name: str) -> tuple[int, int]:
        major, minor = version_of(name.removeprefix("lab-")) or (0, 0)
        return abs(major - wanted[0]), abs(minor - wanted[1])

    return min(known, key=far)


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


def alone(entry: Experiment, design: Loaded, costs: CostTable) -> Cell:
    """One party alone: pages left where it is not exit, and instructions, counted and modelled."""
    what, design = entry["kind"], to_nobody(design)
    victim = Victim(entry["victim"], design)
    who = "exit" if what == "exit" else what
    starts = {"exit_start_ps": HELD_PS, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER} | {f"{who}_start_ps": 0}
    calm = scenario("quiet", starts | {"batch_pages": 2, "oom_victim": int(what == "reaper")})
    found = run_prepared(victim.prepared, design, calm, costs, victim="booted", story=False)
    ns, busy_ns = min(entry["ns"]), found["busy_ps"][who] / 1000
    model_ns = round(busy_ns + base_ps(costs, what) / 1000)
    row: Cell = {
        "design": entry["design"], "victim": entry["victim"], "what": what, "ns": ns, "model_ns": model_ns,
        "busy_ns": busy_ns, "error": model_ns / ns - 1.0,
    }  # fmt: skip
    if what != "exit":
        left = found["mrelease_left_pages" if who == "mrelease" else "reaper_left_pages"]
        row["left"], row["model_left"] = total(entry["pages_after"]), sum(left.values())
    return row


def to_nobody(design: Loaded) -> Loaded:
    """A design whose lone reaper hands over to nobody: before v5.18 its pass is then a plain one.

    The pass that hands over has the munlock batch of v6.9 and no other, which no old kernel can show.
    """
    batches = {step.args["lru_batch"] for role in design.roles.values() for step in role if "lru_batch" in step.args}
    if batches - {NO_LRU_BATCH}:
        return design
    roles = {name: tuple(plain_pass(step) for step in role) for name, role in design.roles.items()}
    return replace(design, roles=roles)


def plain_pass(step: Step) -> Step:
    """A pass in chunks as one without; any other step as it is."""
    if step.op is not Op.REAP_PASS_HANDOVER:
        return step
    args = {"skip": step.args["skip"], "direction": step.args["direction"], "lru_batch": NO_LRU_BATCH}
    return replace(step, op=Op.REAP_PASS, args=args, otherwise="")


def charged_ratio(entries: list[Experiment]) -> float:
    """What exit costs more when its pages are charged to a memory cgroup, by the kernel's own code; 1: not asked."""
    pairs = [(min(e["ns"]), min(e["plain_ns"])) for e in entries if e["kind"] == "charged" and "plain_ns" in e]
    return float(np.median([charged / plain for charged, plain in pairs])) if pairs else 1.0


def copies(cells: list[Cell], era: str) -> list[Copy]:
    """The program of the kernel's own design against the kernel's own code: what the interpreter costs."""
    stock = {(c["what"], str(c["victim"])): c["ns"] for c in cells if c["design"] == STOCK}
    return [
        {"what": c["what"], "victim": c["victim"], "stock_ns": was, "copy_ns": c["ns"], "error": c["ns"] / was - 1.0}
        for c in cells
        if c["design"] == era and (was := stock.get((c["what"], str(c["victim"]))))
    ]


def came_late(entry: Experiment, design: Loaded) -> Told:
    """process_mrelease after exit_mm: whether the kernel answered ESRCH, and whether the design does."""
    finds = any(step.op is Op.FIND_MM and step.args.get("kept") for step in design.roles["mrelease"])
    rss = [step["rss_pages"] for step in entry["steps"][0] if step["role"] == "mrelease"]
    seen = "ESRCH" if entry["lost"][0] else "reaps" if any(b < a for a, b in pairwise(rss)) else "leaves"
    return {"design": entry["design"], "seen": seen, "told": "reaps" if finds else "ESRCH"}
