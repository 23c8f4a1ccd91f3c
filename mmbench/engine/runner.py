"""Run one strategy on one victim in one scenario and report what it measured, as a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.engine import clockwork as cw
from mmbench.engine.clocks import C_NOW, C_STATE, RUNNABLE, clock_views
from mmbench.engine.record import make_record
from mmbench.engine.setup import (
    Prepared,
    assemble_tasks,
    contend,
    held_page,
    place_tasks,
    prepare,
    reset,
    start_clocks,
)
from mmbench.engine.tasks import as_designed, plan_tasks
from mmbench.model.layout import PAGES_PER_TABLE, VmaTable
from mmbench.model.world import MM_N_TABLES, MM_N_VMAS, MM_VMAS_AT, World, views
from mmbench.records.types import Run
from mmbench.scenarios.scenario import Scenario
from mmbench.strategies.load import Loaded

PATIENCE_PS = 600 * 10**12  # ten minutes of simulated time, and more for a larger victim:
PATIENCE_PER_PAGE_PS = 10_000_000  # ten times what the slowest page costs
WHOLE_TABLE = PAGES_PER_TABLE
CHUNK = 1 << 30
STEPS_BETWEEN_LOOKS = 1 << 23  # a fraction of a second: then Ctrl-C is heard
LONGEST_ROUND = 256  # steps of a loop that is looked for
STEPS_PER_PLACE = 8  # more than any walk takes at one page, table or VMA


def earliest_ps(clocks: np.ndarray) -> int:
    """The earliest clock of those who can run; FOREVER when nobody can."""
    rows = clock_views(clocks).rows
    return int(rows[rows[:, C_STATE] == RUNNABLE, C_NOW].min(initial=cw.FOREVER))


def goes_round(w: World, stretch: Callable[[int], int]) -> int:
    """Let the only task that runs take a few steps: DEADLOCK when it comes back to where it was, else as they ended.

    Where it was: every lock, flag, counter and cursor as before; whoever changes a plane or a VMA moves one of them.
    stretch: the clockwork, for so many steps. Mutates: w.
    """
    shared = w.mem[: int(w.mem[MM_VMAS_AT])]
    before = shared.copy()
    for _ in range(LONGEST_ROUND):
        ending = stretch(1)
        if ending != cw.LOOKS_UP:
            return ending
        if np.array_equal(shared, before):
            return cw.DEADLOCK
    return cw.LOOKS_UP


def run_to_its_end(
    w: World, clocks: np.ndarray, rows: np.ndarray, n_waited_for: int, width: int, chunk: int, until_ps: int
) -> int:
    """Run the clockwork, looking up now and then, and return how it ended.

    Steps of no time are allowed, a loop of them is not: when no clock has moved for more steps than every step of the
    program at every page, table and VMA would be, no time will pass any more, and nobody can move (DEADLOCK). The same
    is said of the only task that runs when it goes round, however little time a round takes. Mutates: w, clocks.
    """

    def stretch(n_steps: int) -> int:
        return int(cw.run_clockwork(w, clocks, rows, n_waited_for, width, chunk, until_ps, n_steps))

    places = int(w.mem[MM_N_TABLES]) * (PAGES_PER_TABLE // width + 1) + int(w.mem[MM_N_VMAS]) + 1
    patience, still = len(rows) * places * STEPS_PER_PLACE, 0
    now = earliest_ps(clocks)
    while True:
        ending = stretch(STEPS_BETWEEN_LOOKS)
        if ending == cw.LOOKS_UP and (clock_views(clocks).rows[:, C_STATE] == RUNNABLE).sum() == 1:
            ending = goes_round(w, stretch)
        if ending != cw.LOOKS_UP:
            return ending
        before, now = now, earliest_ps(clocks)
        still = still + STEPS_BETWEEN_LOOKS if now == before else 0
        if still > patience:
            return cw.DEADLOCK


def run_prepared(
    prepared: Prepared,
    loaded: Loaded,
    scenario: Scenario,
    costs: CostTable,
    *,
    victim: str,
    seed: int = 1,
    width: int = WHOLE_TABLE,
    chunk: int = CHUNK,
    until_ps: int | None = None,
    story: bool = True,
) -> Run:
    """Run once and return the record (see mmbench.records). The same inputs give the same record.

    width: pages per page-table step; chunk: steps between two looks at the clocks (speed only);
    until_ps: end of simulated time, after which the run counts as hung (default: ten minutes and 10 us a page,
    times the slowness of the slowest); story: with the timeline, which takes as long as a short run does.
    Mutates: prepared.world.
    """
    w = reset(prepared)
    scenario = as_designed(loaded, scenario)
    tasks = plan_tasks(loaded, scenario, prepared.resident_pages, held_page(w, scenario))
    if until_ps is None:
        slowest = max(task.slowness for task in tasks)
        until_ps = PATIENCE_PS + prepared.resident_pages * PATIENCE_PER_PAGE_PS * slowest
    program = assemble_tasks(tasks)
    if scenario.contended_ppm:
        v = views(w)
        contend(v.mlocked, v.pg_locked, v.table_state, seed, scenario.contended_ppm)
    place_tasks(w, tasks, program, scenario)
    clocks = start_clocks(tasks, program, prepared.freeable_pages, costs, seed, scenario)
    n_waited_for = sum(task.waited_for for task in tasks)
    ending = run_to_its_end(w, clocks, program.rows, n_waited_for, width, chunk, until_ps)
    return make_record(w, clocks, ending, tasks, program, prepared, loaded, scenario, costs, victim, seed, story)


def run(vmas: VmaTable, loaded: Loaded, scenario: Scenario, costs: CostTable, **options: Any) -> Run:
    """Build the victim and run once (half the memory of prepare + run_prepared)."""
    return run_prepared(prepare(vmas, reuse=False), loaded, scenario, costs, **options)
