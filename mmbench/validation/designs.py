"""What designs did inside a booted kernel, beside the model of the same strategy files.

Alone: pages that a reaper left, exactly, and instructions, with the cost table that was fitted to the kernel's own code
(`lab-<series>`); nothing is fitted to a design. Beside a holder: who else was killed, whether the reaper gave up, what
it left. When exit and reaper began is taken from the record, for the model has no scheduler; what follows is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from mmbench.cost.table import CostTable, load_table, rescaled, table_names
from mmbench.engine import run_prepared
from mmbench.machine.ops import Op
from mmbench.machine.protocol import step
from mmbench.model.flags import MMF_OOM_SKIP, WHY_GAVE_UP
from mmbench.records.lab_types import (
    BesideHolder,
    Cell,
    Copy,
    DesignComparison,
    DesignRecord,
    Experiment,
    Happened,
    LabStep,
    Told,
)
from mmbench.release import hides_exiting, version_of
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import MS, NEVER
from mmbench.strategies.load import Loaded, load
from mmbench.validation.forced import REAP_OPS, is_skip, meetings
from mmbench.validation.kernel_lab import era_of, summary, total
from mmbench.validation.lone_party import after_sleep, beside_others, corrected
from mmbench.validation.predict import HELD_PS, Victim

FORMAT = "mmbench-design-comparison 1"
STOCK = "stock"
ALONE = ("exit", "mrelease", "reaper")
NEED_PAGES = 4096  # what the trigger lacks: half of its 32 MiB
PASSES = (*REAP_OPS, "UNMAP_VMAS")
EXIT_MM_NS = 1_000_000  # after the kill, where the log has no step of the victim's: exit_mmap is the reader's
BASE = {"exit": "exit", "mrelease": "mrelease", "reaper": "mrelease"}  # the same interpreter's pages are reaped


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
    cells = corrected(cells, designs, STOCK)
    charged = charged_ratio(entries)
    in_cgroup = rescaled(costs, charged, "pages charged to a memory cgroup")

    def beside(kind: str) -> list[BesideHolder]:
        asked = [(entry, designs[entry["design"]]) for entry in entries if entry["kind"] == kind]
        return [beside_holder(e, one, beside_others(in_cgroup, cells, one), record) for e, one in asked]

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
    what, victim = entry["kind"], Victim(entry["victim"], design)
    who = "exit" if what == "exit" else what
    starts = {"exit_start_ps": HELD_PS, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER} | {f"{who}_start_ps": 0}
    calm = scenario("quiet", starts | {"batch_pages": 2, "oom_victim": int(what == "reaper")})
    found = run_prepared(victim.prepared, design, calm, costs, victim="booted")
    base = costs.base_ps.get(BASE[what], costs.base_ps.get("exit", 0))
    ns, busy_ns = min(entry["ns"]), found["busy_ps"][who] / 1000
    model_ns = round(busy_ns + base / 1000)
    row: Cell = {
        "design": entry["design"], "victim": entry["victim"], "what": what, "ns": ns, "model_ns": model_ns,
        "busy_ns": busy_ns, "error": model_ns / ns - 1.0,
    }  # fmt: skip
    if what != "exit":
        left = found["mrelease_left_pages" if who == "mrelease" else "reaper_left_pages"]
        row["left"], row["model_left"] = total(entry["pages_after"]), sum(left.values())
    return row


def charged_ratio(entries: list[Experiment]) -> float:
    """What exit costs more when its pages are charged to a memory cgroup, by the kernel's own code; 1: not asked."""
    alone_ns = {str(e["victim"]): min(e["ns"]) for e in entries if e["kind"] == "exit" and e["design"] == STOCK}
    pairs = [(min(e["ns"]), alone_ns.get(str(e["victim"]))) for e in entries if e["kind"] == "charged"]
    return max((charged / plain for charged, plain in pairs if plain), default=1.0)


def copies(cells: list[Cell], era: str) -> list[Copy]:
    """The program of the kernel's own design against the kernel's own code: what the interpreter costs."""
    stock = {(c["what"], str(c["victim"])): c["ns"] for c in cells if c["design"] == STOCK}
    return [
        {"what": c["what"], "victim": c["victim"], "stock_ns": was, "copy_ns": c["ns"], "error": c["ns"] / was - 1.0}
        for c in cells
        if c["design"] == era and (was := stock.get((c["what"], str(c["victim"]))))
    ]


def rows_of(record: DesignRecord, design: str) -> list[list[str]]:
    """A design's rows as words: op, three arguments, next, other; none for the kernel's own code."""
    return [line.split()[1:] for line in record["programs"].get(design, []) if line.startswith("row ")]


def beside_holder(entry: Experiment, design: Loaded, costs: CostTable, record: DesignRecord) -> BesideHolder:
    """An OOM kill beside somebody who holds a page lock or mmap_lock: seen and modelled; times: ms after the kill."""
    rows = rows_of(record, entry["design"])
    steps = entry["steps"][0]
    exits = [step["ns"] for step in steps if step["role"] == "exit"]
    began = entry["reaper_began_ns"][0]
    woken = entry["reaper_woken_ns"][0] if entry["reaper_woken_ns"][0] is not None else began
    began_ns = EXIT_MM_NS if entry["holds"] == "read-users" or not exits else max(0, exits[0])
    starts = {"exit_start_ps": began_ns * 1000, "need_pages": NEED_PAGES}
    starts |= held(entry) | {"killer_blind": killer_blind(record["release"])}
    if entry["hurry"]:
        design = without_delay(design)
        starts["reaper_start_ps"] = (woken if woken is not None else 20_000_000) * 1000
    victim = Victim(entry["victim"], design)
    found = run_prepared(victim.prepared, design, scenario("quiet", starts), costs, victim="booted")
    gave_up = found["outcome"] == "gave-up"
    return {
        **happened(entry, rows),
        "model_kills": int(found["collateral_kills"]),
        "model_gave_up": gave_up,
        "model_reaper_left": sum(found["reaper_left_pages"].values()),
        "model_skip_ms": model_skip_ms(found["time_ps"]["oom_skip"], costs, is_after_pass=not gave_up, rows=rows),
    }


def without_delay(design: Loaded) -> Loaded:
    """A design whose reaper's timer runs out at once, as that of a hurried one does.

    Whoever has no timer gets the kernel's, which all of the lab have: when it runs out it tests MMF_OOM_SKIP.
    """
    reaper = design.roles["reaper"]
    if reaper[0].op is not Op.SLEEP:
        test = step("still needed?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="too late")
        reaper = (step("timer", Op.SLEEP, ps=1), test, *reaper)
    at_once = tuple(replace(s, args={"ps": 1}) if s.op is Op.SLEEP else s for s in reaper)
    return replace(design, roles=design.roles | {"reaper": at_once})


def held(entry: Experiment) -> dict[str, int]:
    """What the bystander of an experiment holds, as values of a scenario."""
    if entry["holds"] == "lock-page":
        return {"holder_needs_pages": NEED_PAGES, "holder_at_ppm": held_ppm(entry)}
    kind = "writer_hold_ps" if entry["holds"] == "write-count" else "reader_hold_ps"
    return {kind: entry["hold_ms"] * MS} | (
        {"reader_pins_users": int(entry["holds"] == "read-users")} if kind == "reader_hold_ps" else {}
    )


def killer_blind(release: str) -> int:
    """What a memory cgroup's OOM killer of a release does not see: see scenarios.bystanders.allocator."""
    return 2 if hides_exiting(release) else 1


def model_skip_ms(skip_ps: int | None, costs: CostTable, is_after_pass: bool, rows: list[list[str]]) -> float | None:
    """When the model sets MMF_OOM_SKIP; a pass over the victim meets the pages of its interpreter, too (base_ps)."""
    if skip_ps is None or skip_ps < 0:
        return None
    base_ps = costs.base_ps.get("mrelease", costs.base_ps.get("exit", 0))
    return (skip_ps + (base_ps if is_after_pass and not hides_first(rows) else 0)) / 1e9


def hides_first(rows: list[list[str]]) -> bool:
    """Whether exit sets MMF_OOM_SKIP before it has unmapped or reaped anything."""
    at = next((i for i, row in enumerate(rows) if is_skip(row)), len(rows))
    return not any(row[0] in PASSES for row in rows[:at])


def happened(entry: Experiment, rows: list[list[str]]) -> Happened:
    """What was seen: who died, whether the reaper gave up, what it left, when MMF_OOM_SKIP was set.

    ``skip_ms`` is the guest's clock; ``skip_own_ms`` leaves out how long the task that set it had waited for a CPU, for
    the parties share one and the model gives each its own; None where the record does not tell, and where exit and
    reaper shared the work: nobody's own clock says when that was done. ``kills`` leaves out the trigger, whose own
    death the model has not.
    """
    steps = entry["steps"][0]
    when = skip_ns(entry, steps, rows)
    return {
        "design": entry["design"],
        "victim": entry["victim"],
        "holds": entry["holds"],
        "held_page": entry["held_page"],
        "kills": sum(kill["who"] != "trigger" for kill in entry["further_kills"]),
        "killed": [kill["who"] for kill in entry["further_kills"]],
        "gave_up": entry["gave_up_ns"][0] is not None or left_it(steps, rows),
        "reaper_left": reaper_left(steps),
        "skip_ms": in_ms(None if when is None else when[0]),
        "skip_own_ms": None if when is None or worked_at_once(steps, when[0], rows) else in_ms(when[1]),
        "trigger": entry["trigger"],
        "sleeps_in": entry["stacks"][-1][:3] if entry["stacks"] else [],
    }


def came_late(entry: Experiment, design: Loaded) -> Told:
    """process_mrelease after exit_mm: whether the kernel answered ESRCH, and whether the design does."""
    finds = any(step.op is Op.FIND_MM and step.args.get("kept") for step in design.roles["mrelease"])
    rss = [step["rss_pages"] for step in entry["steps"][0] if step["role"] == "mrelease"]
    seen = "ESRCH" if entry["lost"][0] else "reaps" if any(b < a for a, b in pairwise(rss)) else "leaves"
    return {"design": entry["design"], "seen": seen, "told": "reaps" if finds else "ESRCH"}


def held_ppm(entry: Experiment) -> int:
    """Where among the locked pages the held one lies, as a scenario says it."""
    n_locked = round(entry["victim"]["span_bytes"] / 4096 * entry["victim"]["locked_share"])
    return min(999_999, entry["held_page"] * 1_000_000 // max(1, n_locked))


def reaper_left(steps: list[LabStep]) -> int | None:
    """Pages still mapped when the reaper's pass ended; None when it never began."""
    passes = [step for step in steps if step["role"] == "reaper"]
    return passes[-1]["rss_pages"] if len(passes) > 1 else None


def skip_ns(entry: Experiment, steps: list[LabStep], rows: list[list[str]]) -> tuple[int, int | None] | None:
    """When MMF_OOM_SKIP was set, by the guest's clock and by the own one of whoever set it.

    By exit (the step is in the log), by the reaper after its pass, or when it gave up.
    """
    setting = [i for i, row in enumerate(rows) if is_skip(row)]
    exits = [step for step in steps if step["role"] == "exit"]
    passed = [step for step in steps if step["role"] == "reaper"]
    found: list[tuple[int, int | None]] = []
    for n, one in enumerate(exits):
        if one["row"] in setting:
            found.append((one["ns"], own_ns(one["ns"], exits[: n + 1])))
    if entry["reaper_ended_ns"][0] is not None:
        found.append((entry["reaper_ended_ns"][0], own_ns(entry["reaper_ended_ns"][0], passed)))
    if entry["gave_up_ns"][0] is not None:
        found.append((entry["gave_up_ns"][0], entry["gave_up_ns"][0]))
    return min(found, key=lambda one: one[0], default=None)


def left_it(steps: list[LabStep], rows: list[list[str]]) -> bool:
    """Whether the reaper gave up by a step of the design's own, which no kernel prints: after a hand-over."""
    own = [rows[s["row"]] for s in steps if s["role"] == "reaper"]
    return any(row[0] == "LEAVE" and int(row[1]) == WHY_GAVE_UP for row in own)


def worked_at_once(steps: list[LabStep], when: int, rows: list[list[str]]) -> bool:
    """Whether exit and reaper were both inside a pass over the VMAs before a moment."""
    begun = {
        s["role"]: (s["ns"], n) for n, s in enumerate(steps) if s["ns"] < when and rows and rows[s["row"]][0] in PASSES
    }
    if not {"exit", "reaper"} <= begun.keys():
        return False
    (first, n), (second, _) = sorted(begun.values())
    after = next((s["ns"] for s in steps[n + 1 :] if s["role"] == steps[n]["role"]), when)
    return first <= second < after


def own_ns(ns: int, steps: list[LabStep]) -> int | None:
    """A time by the guest's clock less what the task has waited for a CPU between its first step and its last."""
    if not steps or "waited_ns" not in steps[0]:
        return None
    return int(ns - (steps[-1]["waited_ns"] - steps[0]["waited_ns"]))


def in_ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6
