"""A saved schedule taken again: in the checker, which breaks what it says, and in the timed engine, at a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmbench.checker.counterexample import Counterexample
from mmbench.checker.properties import read_property
from mmbench.checker.replay import read, replay
from mmbench.checker.search import unsearched
from mmbench.checker.world import Start, start_of
from mmbench.cost.table import CostTable, load_table
from mmbench.engine.clocks import C_NOW, new_clocks, row_at, set_prices
from mmbench.engine.single_step import take_step
from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.machine.status import BLOCKED, ROW_A, ROW_OP
from mmbench.model.invariants import broken
from mmbench.model.world import T_PC, T_TRIES, World, clone, views
from mmbench.strategies import load


class Retaken(NamedTuple):
    """A schedule taken again; in the timed engine, when its last step is over, and which moment invariants break.

    Other properties are the checker's to judge.
    """

    schedule: Counterexample
    end_ps: int
    broken_timed: list[str]


def retaken(path: Path, strategies: Sequence[str] = (), own_property: str | None = None) -> Retaken:
    """Take the schedule of a file again, by the steps of its design, or of the one named.

    Raises InputError for a file that holds none, for another design, and where nothing breaks.
    """
    old = read(path)
    if len(strategies) > 1:
        raise InputError("--replay takes the schedule of one strategy; give at most one.")
    loaded = load(strategies[0] if strategies else old.spec)
    if loaded.name != old.strategy:
        raise InputError(f"{path} is a schedule of {old.strategy!r}, not of {loaded.name!r}.")
    found = unsearched(start_of(old.scope, loaded.roles))
    again = replay(path, old, found, read_property(Path(own_property)) if own_property else None)
    world, end_ps = replay_timed(found.start, [(row.task, row.choice) for row in again.rows], load_table())
    return Retaken(again, end_ps, broken(world))


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
