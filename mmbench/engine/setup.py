"""Set up a run: victim, strategy and scenario become a world, a program and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mmbench.accelerate import njit
from mmbench.cost.table import CostTable
from mmbench.engine.clocks import (
    C_ENTRY,
    C_LATEST,
    LOG_KIND,
    LOG_LAST,
    LOG_N,
    LOG_PREVIOUS,
    LOG_ROW,
    LOG_STEP,
    LOG_TASK,
    LOG_TIME,
    N_LOG_CELLS,
    NO_ENTRY,
    S_HOLD_MEAN_PS,
    S_LOG_AT,
    S_LOGGED,
    S_SEED,
    new_clocks,
    row_at,
    set_prices,
)
from mmbench.engine.tasks import MAX_TASKS_OF_A_RUN, Task
from mmbench.errors import InputError
from mmbench.machine.assemble import Program, assemble
from mmbench.model.bits import ONE, ZERO, lowest_bit, popcount
from mmbench.model.build import build
from mmbench.model.layout import TABLE_SHIFT, WORDS_PER_TABLE, VmaTable
from mmbench.model.saved import Saved, restore, save
from mmbench.model.world import (
    DONE,
    MM_FLAGS,
    MM_NR_MLOCK,
    MM_RSS,
    MMF_OOM_VICTIM,
    T_CAPACITY,
    T_HOLD_PS,
    T_LOCK_PAGE,
    T_NEED,
    T_NEXT_VICTIM,
    T_PC,
    T_VMA,
    TABLE_HUGE,
    World,
    views,
)
from mmbench.rng import STREAM_CONTENDED, below
from mmbench.scenarios.scenario import Scenario

CURVE_POINTS = 256
SAMPLE_TIMES_PS = np.array(
    [m * 10**e for e in range(9, 13) for m in (1, 2, 5)] + [10 * 10**12, 15 * 10**12], dtype=np.int64
)  # 1 ms .. 15 s
LOG_EVENTS = 4096
NO_VMA = -1  # no walk begins where its task is already, so that the log has its first VMA too


@dataclass
class Prepared:
    """A victim's world, ready for many runs: the state saved in the template is put back before each.

    resident_pages, locked_pages: what the victim has at the kill
    freeable_pages: those of the resident pages that no other mm maps
    """

    world: World
    template: Saved | None
    resident_pages: int
    locked_pages: int
    freeable_pages: int


def prepare(vmas: VmaTable, *, reuse: bool = True) -> Prepared:
    """Build the world of a victim once. `reuse` keeps a template for further runs."""
    world = build(vmas, MAX_TASKS_OF_A_RUN)
    template = save(world) if reuse else None
    return Prepared(world, template, vmas.resident_pages, vmas.locked_pages, vmas.freeable_pages)


@njit
def find_mlocked(mlocked: Any, nth: int) -> int:
    """Page number of the nth (from 0) mlocked page, or -1. mlocked: uint64 (n_tables, 8)."""
    for table in range(len(mlocked)):
        for word in range(WORDS_PER_TABLE):
            bits = mlocked[table, word]
            n = popcount(bits)
            if nth >= n:
                nth -= n
                continue
            for _ in range(nth):
                bits &= bits - ONE
            return (table << TABLE_SHIFT) + (word << 6) + lowest_bit(bits)
    return -1


@njit
def contend(mlocked: Any, pg_locked: Any, table_state: Any, seed: int, ppm: int) -> None:
    """Set PG_locked on about ppm per million of the mlocked pages; of a huge page only its head can be chosen.

    Mutates: pg_locked.
    """
    for table in range(len(mlocked)):
        for word in range(WORDS_PER_TABLE):
            bits = mlocked[table, word]
            if table_state[table] & TABLE_HUGE:
                bits &= ONE if word == 0 else ZERO
            while bits != ZERO:
                bit = lowest_bit(bits)
                page = (table << TABLE_SHIFT) + (word << 6) + bit
                if below(seed, STREAM_CONTENDED, page, 1_000_000) < ppm:
                    pg_locked[table, word] |= ONE << np.uint64(bit)
                bits &= bits - ONE


def place_tasks(w: World, tasks: list[Task], program: Program, s: Scenario) -> None:
    """Write the tasks' registers and the mm's flags. Mutates: w."""
    cells = views(w).tasks
    cells[:, T_PC] = DONE
    cells[:, T_VMA] = NO_VMA
    for k, task in enumerate(tasks):
        cells[k, T_PC] = program.starts[task_key(tasks, k)]
        cells[k, T_LOCK_PAGE] = task.lock_page
        cells[k, T_HOLD_PS] = task.hold_ps
        cells[k, T_NEED] = task.need_pages
        cells[k, T_NEXT_VICTIM] = task.next_victim_pages
        cells[k, T_CAPACITY] = task.capacity
    w.mem[MM_FLAGS] = MMF_OOM_VICTIM if s.oom_victim else 0


def task_key(tasks: list[Task], k: int) -> str:
    """Unique name of task k (two holders of one crowd get numbers)."""
    same = [j for j, task in enumerate(tasks) if task.name == tasks[k].name]
    return tasks[k].name if len(same) == 1 else f"{tasks[k].name}{same.index(k)}"


def assemble_tasks(tasks: list[Task]) -> Program:
    """One program for all tasks of a run."""
    return assemble({task_key(tasks, k): task.role for k, task in enumerate(tasks)})


@lru_cache(maxsize=256)
def milestones_of(freeable_pages: int) -> np.ndarray:
    """Freed-page thresholds of the curve: the first page, then equal shares up to all that can come back."""
    shares = [-(-freeable_pages * k // CURVE_POINTS) for k in range(1, CURVE_POINTS + 1)]
    extra = [1, -(-freeable_pages * 9 // 10)]
    milestones = np.unique(np.array(shares + extra, dtype=np.int64))
    found = milestones[(milestones > 0) & (milestones <= freeable_pages)]
    found.setflags(write=False)
    return found


def log_starts(state: np.ndarray, tasks: list[Task], program: Program) -> None:
    """Make each task's first step the first entry of its log. Mutates: state."""
    at = int(state[S_LOG_AT])
    for k, task in enumerate(tasks):
        entry, row = at + k * N_LOG_CELLS, row_at(k)
        state[[entry + LOG_TIME, entry + LOG_LAST]] = task.start_ps
        state[entry + LOG_TASK], state[entry + LOG_ROW] = k, program.starts[task_key(tasks, k)]
        state[entry + LOG_KIND], state[entry + LOG_N] = LOG_STEP, 1
        state[entry + LOG_PREVIOUS] = NO_ENTRY
        state[[row + C_ENTRY, row + C_LATEST]] = entry
    state[S_LOGGED] = len(tasks)


def start_clocks(
    tasks: list[Task], program: Program, freeable_pages: int, costs: CostTable, seed: int, s: Scenario
) -> np.ndarray:
    """The engine's state at the kill."""
    starts = [task.start_ps for task in tasks]
    slowness = [task.slowness for task in tasks]
    state = new_clocks(starts, milestones_of(freeable_pages), SAMPLE_TIMES_PS, LOG_EVENTS)
    set_prices(state, slowness, costs.prices, costs.cold_page_ps, costs.cold_after_pages)
    log_starts(state, tasks, program)
    state[S_SEED] = seed
    state[S_HOLD_MEAN_PS] = s.hold_mean_ps
    return state


def held_page(w: World, s: Scenario) -> int:
    """The page that the scenario's holder locks: the mlocked page at holder_at_ppm, or -1 when none is mlocked."""
    n = int(w.mem[MM_NR_MLOCK])
    return int(find_mlocked(views(w).mlocked, n * s.holder_at_ppm // 1_000_000)) if n else -1


def reset(prepared: Prepared) -> World:
    """The victim's world as it was at the kill. Raises InputError when it was prepared for one run only."""
    if prepared.template is not None:
        restore(prepared.world, prepared.template)
    elif int(prepared.world.mem[MM_RSS]) != prepared.resident_pages:
        raise InputError("this victim was prepared for one run (reuse=False); prepare it again.")
    return prepared.world
