"""Take a counterexample's schedule in the timed engine: the same steps in the same order, at a price."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mmbench.checker.world import Start
from mmbench.cost.table import CostTable
from mmbench.engine.clocks import C_NOW, new_clocks, row_at, set_prices
from mmbench.engine.single_step import take_step
from mmbench.machine.ops import Op
from mmbench.machine.status import BLOCKED, ROW_A, ROW_OP
from mmbench.model.world import T_PC, T_TRIES, World, clone, views


def engine_clocks(start: Start, costs: CostTable) -> np.ndarray:
    """The engine's state for the tasks of a check, all of them runnable at the kill."""
    n = len(start.names)
    clocks = new_clocks([0] * n, np.array([1], dtype=np.int64), np.array([10**15], dtype=np.int64), 4096)
    set_prices(clocks, [1] * n, costs.prices, costs.cold_page_ps, costs.cold_after_pages)
    return clocks


def replay_timed(start: Start, moves: Iterable[tuple[int, int]], costs: CostTable) -> tuple[World, int]:
    """Take (task, choice) moves in the engine; returns the world and when the last one was over, ps.

    A reaper's attempts are counted here, so a give-up is made by setting its counter, as the checker does.
    """
    world, clocks = clone(start.world), engine_clocks(start, costs)
    rows, now = start.program.rows, 0
    flat = np.ascontiguousarray(rows.reshape(-1))
    for task, choice in moves:
        cells = views(world).tasks[task]
        row = rows[int(cells[T_PC])]
        if row[ROW_OP] == int(Op.RETRY):
            cells[T_TRIES] = row[ROW_A] if choice else 0
        began = max(int(clocks[row_at(task) + C_NOW]), now)
        status = take_step(world, clocks, flat, task, now)
        now = began if status == BLOCKED else max(began, now)
    return world, max(int(clocks[row_at(task) + C_NOW]) for task in range(len(start.names)))
