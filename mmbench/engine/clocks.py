"""The engine's own state in one int64 array, laid out like a world: clocks, causes, milestones, event log.

Header | one row per task | milestones and when each was reached | sample times and what was freed by then |
event log. Compiled code uses the indexes; Python code uses `clock_views`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mmbench.accelerate import njit_inline
from mmbench.machine.work import METER_PRICES, N_METER, N_WORK, PRICED, TIMES, WORK_CAUSES
from mmbench.words import CAUSE, N_CODES, SPREAD

CAUSE_PTL = CAUSE["ptl"].code

# --- header ---------------------------------------------------------------------------------------
S_SKIP_PS = 0  # when MMF_OOM_SKIP was set, or NEVER
S_ZAPPED = 1  # PTE-mapped pages unmapped so far that no other mm maps
S_COLD_AFTER = 2  # pages of an mm that are not cold
S_SEED = 3
S_HOLD_MEAN_PS = 4
S_NEXT_SAMPLE_PS = 5
S_N_TASKS = 6
S_MILESTONES_AT, S_N_MILESTONES, S_REACHED = 7, 8, 9  # S_REACHED: how many milestones were reached
S_SAMPLES_AT, S_N_SAMPLES, S_SAMPLED = 10, 11, 12
S_LOG_AT, S_N_LOG, S_LOGGED, S_DROPPED = 13, 14, 15, 16  # S_DROPPED: entries for which the log had no room
S_KILLED = 17  # collateral kills that the log knows of
ROWS_AT = 18

# --- a task's row: cells relative to row_at(task) -------------------------------------------------
C_NOW = 0  # its clock, ps after the kill
C_SINCE = 1  # start of the current wait, or NEVER
C_STATE = 2  # RUNNABLE ..
C_END = 3  # when it was over, or NEVER
C_PTL_TABLE = 4  # the table whose lock its last step holds, or NO_TABLE
C_PTL_UNTIL = 5  # and until when
C_COLD_PS = 6  # extra cost of one cold page, for this task
C_COLD = 7  # cold pages it has unmapped
C_ENTRY = 8  # log cell of the step it is at, or NO_ENTRY
C_LATEST = 9  # log cell of its latest entry, or NO_ENTRY
C_BLOCKED = 10  # N_CODES cells: ps blocked, by code of the cause
C_METER = C_BLOCKED + N_CODES  # N_METER cells: work done and its prices for this task
N_CELLS = C_METER + N_METER

RUNNABLE, WAITING, OVER = 0, 1, 2
NEVER = -(1 << 62)
NO_TABLE = -1
NO_ENTRY = -1

# --- event log: what repeats is one entry with a count ----------------------------------------------
LOG_TIME, LOG_TASK, LOG_ROW, LOG_KIND = 0, 1, 2, 3  # LOG_TIME: when it first began
LOG_N = 4  # how often
LOG_LAST = 5  # a step: when it was last entered; a wait: when the last one ended
LOG_TOTAL = 6  # ps at this step, or waited, all times together
LOG_PREVIOUS = 7  # the same task's entry before it, or NO_ENTRY
LOG_VMA = 8  # a walk's VMA
LOG_FREED = 9  # what the task had freed by then
LOG_MET = 10  # one cell per cause of SPREAD: ps that the task had met by then
N_LOG_CELLS = LOG_MET + len(SPREAD)
# Work items that are a cause of SPREAD, and the cell of an entry that adds each of them up.
MET = tuple((item, LOG_MET + k) for k, cause in enumerate(SPREAD) for item in WORK_CAUSES[cause])
MET_ITEMS, MET_CELLS = tuple(item for item, _ in MET), tuple(cell for _, cell in MET)
LOG_STEP, LOG_WAIT, LOG_PTL, LOG_WALK, LOG_KILL = range(5)
LOG_KINDS = ("step", "wait", "ptl", "vma", "kill")
LOOK_BACK = 8  # entries of a task among which a repeat is looked for: the longest loop of steps that is folded
STRETCHES = 64  # parts of a walk that the log tells apart: single VMAs, or runs of them


@njit_inline
def row_at(task: int) -> int:
    """Cell where a task's row begins."""
    return ROWS_AT + task * N_CELLS


class ClockViews(NamedTuple):
    """NumPy views of the engine's state.

    rows: int64 (n_tasks, N_CELLS); milestones, reached_ps: int64 (n,); samples_ps, freed_pages: int64 (n,)
    log: int64 (entries so far, N_LOG_CELLS)
    """

    header: np.ndarray
    rows: np.ndarray
    milestones: np.ndarray
    reached_ps: np.ndarray
    samples_ps: np.ndarray
    freed_pages: np.ndarray
    log: np.ndarray


def clock_views(s: np.ndarray) -> ClockViews:
    """Look at the engine's state."""

    def pair(at: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        return s[at : at + n], s[at + n : at + 2 * n]

    n_tasks = int(s[S_N_TASKS])
    log_at = int(s[S_LOG_AT])
    return ClockViews(
        s[:ROWS_AT],
        s[ROWS_AT : ROWS_AT + n_tasks * N_CELLS].reshape(n_tasks, N_CELLS),
        *pair(int(s[S_MILESTONES_AT]), int(s[S_N_MILESTONES])),
        *pair(int(s[S_SAMPLES_AT]), int(s[S_N_SAMPLES])),
        s[log_at : log_at + int(s[S_LOGGED]) * N_LOG_CELLS].reshape(-1, N_LOG_CELLS),
    )


def new_clocks(starts_ps: list[int], milestones: np.ndarray, samples_ps: np.ndarray, n_log: int) -> np.ndarray:
    """State at the kill: every task runnable at its start time, nothing priced yet.

    milestones, samples_ps: increasing int64; n_log: entries that the log has room for.
    """
    n_tasks = len(starts_ps)
    milestones_at = ROWS_AT + n_tasks * N_CELLS
    samples_at = milestones_at + 2 * len(milestones)
    log_at = samples_at + 2 * len(samples_ps)
    s = np.zeros(log_at + n_log * N_LOG_CELLS, dtype=np.int64)
    s[S_SKIP_PS] = NEVER
    s[S_N_TASKS] = n_tasks
    s[S_MILESTONES_AT : S_REACHED + 1] = milestones_at, len(milestones), 0
    s[S_SAMPLES_AT : S_SAMPLED + 1] = samples_at, len(samples_ps), 0
    s[S_LOG_AT : S_DROPPED + 1] = log_at, n_log, 0, 0
    v = clock_views(s)
    v.rows[:, C_NOW] = starts_ps
    v.rows[:, C_SINCE] = NEVER
    v.rows[:, C_END] = NEVER
    v.rows[:, C_PTL_TABLE] = NO_TABLE
    v.rows[:, [C_ENTRY, C_LATEST]] = NO_ENTRY
    v.milestones[:] = milestones
    v.reached_ps[:] = NEVER
    v.samples_ps[:] = samples_ps
    v.freed_pages[:] = NEVER
    s[S_NEXT_SAMPLE_PS] = samples_ps[0]
    return s


def set_prices(s: np.ndarray, slowness: list[int], prices: np.ndarray, cold_page_ps: int, cold_after: int) -> None:
    """Give every task its prices: work costs `slowness` times more, a picosecond asleep is a picosecond.

    prices: int64 (N_WORK,). Mutates: s.
    """
    s[S_COLD_AFTER] = cold_after
    rows = clock_views(s).rows
    for task, factor in enumerate(slowness):
        meter = rows[task, C_METER:]
        meter[METER_PRICES : METER_PRICES + N_WORK] = prices * factor
        meter[[METER_PRICES + item for item in TIMES]] = 1
        rows[task, C_COLD_PS] = cold_page_ps * factor


def spent_ps(row: np.ndarray, items: Iterable[int]) -> int:
    """What a task paid for some work items in all. row: one row of ClockViews.rows."""
    meter = row[C_METER:].tolist()
    return sum(meter[k] * meter[METER_PRICES + k] for k in items)


def busy_ps(row: np.ndarray) -> int:
    """Time that a task worked, asleep and blocked left out."""
    return spent_ps(row, PRICED) + int(row[C_COLD]) * int(row[C_COLD_PS])
