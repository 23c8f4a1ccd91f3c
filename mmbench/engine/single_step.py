"""One step of a chosen task, at a price: for replaying a schedule that somebody else chose."""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit, pointer
from mmbench.engine.clocks import C_NOW, C_PTL_UNTIL, C_STATE, RUNNABLE, S_N_TASKS, row_at
from mmbench.engine.clockwork import step_task
from mmbench.model.world import pointers


@njit
def take_step(world: Any, clocks: Any, rows: Any, task: int, not_before_ps: int) -> int:
    """One step of `task` in the engine, not before a given time and after any page-table lock it needs is free.

    Returns its status. Mutates: world, clocks.
    """
    w, s = pointers(world), pointer(clocks)
    c = row_at(task)
    s[c + C_STATE] = RUNNABLE
    s[c + C_NOW] = max(s[c + C_NOW], not_before_ps)
    for other in range(s[S_N_TASKS]):
        s[c + C_NOW] = max(s[c + C_NOW], s[row_at(other) + C_PTL_UNTIL]) if other != task else s[c + C_NOW]
    return step_task(w, s, pointer(rows), task, 1)
