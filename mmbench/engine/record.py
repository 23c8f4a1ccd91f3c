"""Turn a finished run into a record: exact integers, named causes, conservation checked."""

from __future__ import annotations

from typing import cast

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.engine.clocks import (
    C_BLOCKED,
    C_END,
    C_METER,
    NEVER,
    S_DROPPED,
    S_SKIP_PS,
    ClockViews,
    busy_ps,
    clock_views,
    spent_ps,
)
from mmbench.engine.clockwork import ALL_DONE
from mmbench.engine.setup import SAMPLE_TIMES_PS, Prepared, task_key
from mmbench.engine.tasks import Task
from mmbench.engine.timeline import timeline
from mmbench.machine.assemble import Program
from mmbench.machine.protocol import RETRIES
from mmbench.machine.work import N_WORK, NAMES, WORK_CAUSES
from mmbench.model.invariants import broken, conserved, pages_in_flight
from mmbench.model.world import (
    DONE,
    MM_COLLATERAL,
    MM_ELSEWHERE,
    MM_RSS,
    T_FREED,
    T_PASSED,
    T_PASSES,
    T_PC,
    T_TRIES,
    WHY_NAMES,
    World,
    task_at,
)
from mmbench.records.types import Moments, Run, Steps
from mmbench.scenarios.scenario import Scenario
from mmbench.strategies.load import Loaded
from mmbench.words import BY_CODE, N_CODES, PARTY_KEYS, PATIENCE_PS, REAPERS

FORMAT = "mmbench-run 1"
PS_PER_SECOND = 10**12


def outcome(w: World, ending: int, tasks: list[Task]) -> str:
    """unsafe: an invariant broke; hung: somebody never finished; gave-up: the reaper did; else completed."""
    if broken(w):
        return "unsafe"
    if ending != ALL_DONE:
        return "hung"
    reaper = [k for k, task in enumerate(tasks) if task.name == "reaper"]
    if any(w.mem[task_at(k) + T_TRIES] >= RETRIES for k in reaper):
        return "gave-up"
    return "completed"


def left_pages(w: World, tasks: list[Task]) -> dict[str, int]:
    """Pages that never came back, by reason, when the run ended."""
    exited = tasks[0].role and w.mem[task_at(0) + T_PC] == DONE
    mapped = "still_mapped" if exited else "exit_blocked"
    left = {
        "mapped_elsewhere": int(w.mem[MM_ELSEWHERE]),
        mapped: int(w.mem[MM_RSS]),
        "in_gather": pages_in_flight(w),
    }
    return {why: n for why, n in left.items() if n}


def passed_over(w: World, task: int) -> dict[str, int]:
    """Pages that a reaping task left to others, by reason."""
    return {why: int(n) for why, n in zip(WHY_NAMES, w.mem[task_at(task) + T_PASSED :], strict=False) if n}


def times(c: ClockViews, freeable_pages: int) -> Moments:
    """When the first, half, 90 % and all of the pages that can come back were free, and MMF_OOM_SKIP set."""

    def at(pages: int) -> int | None:
        k = int(np.searchsorted(c.milestones, pages))
        found = int(c.reached_ps[k]) if pages and k < len(c.reached_ps) else NEVER
        return found if found != NEVER else None

    skip = int(c.header[S_SKIP_PS])
    return {
        "first": at(min(1, freeable_pages)),
        "half": at(-(-freeable_pages // 2)),
        "p90": at(-(-freeable_pages * 9 // 10)),
        "all": at(freeable_pages),
        "oom_skip": skip if skip != NEVER else None,
    }


def curve(c: ClockViews) -> Steps:
    """Freed pages over time: the milestones that were reached."""
    n = int((c.reached_ps >= 0).sum())
    return {"time_ps": c.reached_ps[:n].tolist(), "freed_pages": c.milestones[:n].tolist()}


def blocked_ps(row: np.ndarray) -> dict[str, int]:
    """Time a task was blocked, by cause: waits for locks, contended lock holds, sleeps between attempts."""
    waited = row[C_BLOCKED : C_BLOCKED + N_CODES].tolist()
    by_cause = {c.key: waited[c.code] + spent_ps(row, WORK_CAUSES.get(c.key, ())) for c in BY_CODE if c.counts}
    return {cause: ps for cause, ps in by_cause.items() if ps}


def work_done(row: np.ndarray) -> dict[str, int]:
    """How much of each work item a task did."""
    return {NAMES[k]: int(n) for k, n in enumerate(row[C_METER : C_METER + N_WORK]) if n}


def who_freed(w: World, names: list[str]) -> dict[str, int]:
    """Pages given back by each party of a design, and by whoever else gave some back."""
    freed = dict.fromkeys(PARTY_KEYS, 0)
    for task, name in enumerate(names):
        n = int(w.mem[task_at(task) + T_FREED])
        if n or name in freed:
            freed[name] = freed.get(name, 0) + n
    return freed


def end_of(c: ClockViews, task: int) -> int | None:
    """When a task was over; None: never."""
    return int(c.rows[task, C_END]) if c.rows[task, C_END] != NEVER else None


def rate(pages: int, ps: int) -> int:
    """Pages per second of simulated time, rounded down; 0 when no time passed."""
    return pages * PS_PER_SECOND // ps if ps > 0 else 0


def make_record(
    w: World,
    clocks: np.ndarray,
    ending: int,
    tasks: list[Task],
    program: Program,
    prepared: Prepared,
    loaded: Loaded,
    scenario: Scenario,
    costs: CostTable,
    victim: str,
    seed: int,
    story: bool = True,
) -> Run:
    """The record of one run. Raises AssertionError if pages were lost, which is a bug here and never input.

    story: with the timeline; without it is empty, for those who want numbers of many runs.
    """
    if not conserved(w, prepared.resident_pages):
        raise AssertionError("pages are not conserved")
    c = clock_views(clocks)
    names = [task_key(tasks, k) for k in range(len(tasks))]
    freed = who_freed(w, names)
    total = sum(freed.values())
    time_ps = times(c, prepared.freeable_pages)
    last_freed = int(c.reached_ps.max()) if total else 0
    waited_for = [(i, name) for i, name in enumerate(names) if tasks[i].waited_for]
    parties = [(names.index(name), name) for name in freed if name in names]
    blocked = {name: blocked_ps(c.rows[i]) for i, name in waited_for}
    need_ps = int(c.rows[names.index("allocator"), C_END]) if "allocator" in names else None
    record = {
        "format": FORMAT,
        "kind": "model",
        "strategy": loaded.name,
        "status": loaded.strategy.status,
        "params": loaded.params,
        "scenario": scenario.name,
        "scenario_params": scenario.params(),
        "victim": victim,
        "seed": seed,
        "costs": costs.name,
        "resident_pages": prepared.resident_pages,
        "locked_pages": prepared.locked_pages,
        "outcome": outcome(w, ending, tasks),
        "violations": broken(w),
        "freed_pages": freed,
        "left_pages": left_pages(w, tasks),
        **{f"{who}_left_pages": passed_over(w, names.index(who)) if who in names else {} for who in REAPERS},
        "blocked_ps": blocked,
        "busy_ps": {name: busy_ps(c.rows[i]) for i, name in waited_for},
        "end_ps": {name: end_of(c, i) if tasks[i].role else None for i, name in waited_for},
        "reap_passes": {name: int(w.mem[task_at(i) + T_PASSES]) for i, name in parties},
        "time_ps": time_ps,
        "throughput_pages_per_s": rate(total, last_freed),
        "throughput_by_task": {name: rate(freed[name], busy_ps(c.rows[i])) for i, name in parties},
        "collateral_kills": int(w.mem[MM_COLLATERAL]),
        "patience_kills": {
            who: int(need_ps is not None and (need_ps < 0 or need_ps > ps)) for who, ps in PATIENCE_PS.items()
        },
        "curve": curve(c),
        "freed_at": {
            "time_ps": SAMPLE_TIMES_PS.tolist(),
            "freed_pages": [int(n) if n >= 0 else total for n in c.freed_pages],
        },
        "work": {name: work_done(c.rows[i]) for i, name in parties},
        "timeline": timeline(w, c, program, tasks) if story else [],
        "timeline_dropped": int(c.header[S_DROPPED]),
    }
    return cast(Run, record)  # ask.runs holds it against the rules
