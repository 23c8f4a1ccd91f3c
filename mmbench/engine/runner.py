"""Run one strategy on one victim in one scenario and report what it measured, as a record."""

from __future__ import annotations

from typing import Any

from mmbench.cost.table import CostTable
from mmbench.engine import clockwork as cw
from mmbench.engine.record import make_record
from mmbench.engine.setup import (
    Prepared,
    assemble_tasks,
    contend,
    held_page,
    place_tasks,
    plan_tasks,
    prepare,
    reset,
    start_clocks,
)
from mmbench.model.layout import PAGES_PER_TABLE, VmaTable
from mmbench.model.world import views
from mmbench.scenarios.scenario import Scenario
from mmbench.strategies.load import Loaded

PATIENCE_PS = 600 * 10**12  # ten minutes of simulated time, and more for a larger victim:
PATIENCE_PER_PAGE_PS = 10_000_000  # ten times what the slowest page costs
WHOLE_TABLE = PAGES_PER_TABLE
CHUNK = 1 << 30


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
) -> dict[str, Any]:
    """Run once and return the record (see mmbench.records). The same inputs give the same record.

    width: pages per page-table step; chunk: steps between two looks at the clocks (speed only);
    until_ps: end of simulated time, after which the run counts as hung (default: ten minutes and 10 us a page,
    times the slowness of exit). Mutates: prepared.world.
    """
    if until_ps is None:
        until_ps = PATIENCE_PS + prepared.resident_pages * PATIENCE_PER_PAGE_PS * scenario.exit_slowness
    w = reset(prepared)
    tasks = plan_tasks(loaded, scenario, prepared.resident_pages, held_page(w, scenario))
    program = assemble_tasks(tasks)
    if scenario.contended_ppm:
        v = views(w)
        contend(v.mlocked, v.pg_locked, v.table_state, seed, scenario.contended_ppm)
    place_tasks(w, tasks, program, scenario)
    clocks = start_clocks(tasks, program, prepared.freeable_pages, costs, seed, scenario)
    n_waited_for = sum(task.waited_for for task in tasks)
    ending = cw.run_clockwork(w, clocks, program.rows, n_waited_for, width, chunk, until_ps)
    return make_record(w, clocks, ending, tasks, program, prepared, loaded, scenario, costs, victim, seed)


def run(vmas: VmaTable, loaded: Loaded, scenario: Scenario, costs: CostTable, **options: Any) -> dict[str, Any]:
    """Build the victim and run once (half the memory of prepare + run_prepared)."""
    return run_prepared(prepare(vmas, reuse=False), loaded, scenario, costs, **options)
