"""The event log: what every task came to, in bounded room, because what repeats becomes one entry with a count.

An allocation that polls every 4 ms, or 100,000 waits for page locks, are a few entries from first to last.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.engine.clocks import (
    C_ENTRY,
    C_LATEST,
    C_METER,
    C_NOW,
    LOG_FREED,
    LOG_KILL,
    LOG_KIND,
    LOG_LAST,
    LOG_N,
    LOG_PREVIOUS,
    LOG_ROW,
    LOG_STEP,
    LOG_TASK,
    LOG_TIME,
    LOG_TOTAL,
    LOG_VMA,
    LOG_WALK,
    LOOK_BACK,
    MET_CELLS,
    MET_ITEMS,
    N_LOG_CELLS,
    NO_ENTRY,
    S_DROPPED,
    S_KILLED,
    S_LOG_AT,
    S_LOGGED,
    S_N_LOG,
    STRETCHES,
    row_at,
)
from mmbench.machine import work as wk
from mmbench.model.world import MM_COLLATERAL, MM_N_VMAS, T_FREED, T_PC, T_VMA, task_at


@njit_inner
def paid(s: Any, task: int, item: int) -> int:
    """What a task has paid for a work item so far, ps."""
    meter = row_at(task) + C_METER
    return s[meter + item] * s[meter + wk.METER_PRICES + item]


@njit_inner
def new_entry(w: Any, s: Any, task: int, row: int, kind: int, time: int) -> int:
    """Append an entry that happens once, at `time`. Returns its cell, or NO_ENTRY when the log is full. Mutates: s."""
    if s[S_LOGGED] == s[S_N_LOG]:
        s[S_DROPPED] += 1
        return NO_ENTRY
    at = s[S_LOG_AT] + s[S_LOGGED] * N_LOG_CELLS
    s[S_LOGGED] += 1
    s[at + LOG_TIME] = time
    s[at + LOG_TASK] = task
    s[at + LOG_ROW] = row
    s[at + LOG_KIND] = kind
    s[at + LOG_N] = 1
    s[at + LOG_LAST] = time
    s[at + LOG_PREVIOUS] = s[row_at(task) + C_LATEST]
    s[at + LOG_VMA] = w.mem[task_at(task) + T_VMA]
    for k in range(len(MET_ITEMS)):
        s[at + MET_CELLS[k]] += paid(s, task, MET_ITEMS[k])
    s[at + LOG_FREED] = w.mem[task_at(task) + T_FREED]
    s[row_at(task) + C_LATEST] = at
    return at


@njit_inner
def recent(s: Any, task: int, row: int, kind: int) -> int:
    """Cell of the entry that (row, kind) repeats, or NO_ENTRY.

    Waits of one VMA are not joined with those of another, so that each lies inside its VMA.
    """
    at = s[row_at(task) + C_LATEST]
    for _ in range(LOOK_BACK):
        if at == NO_ENTRY or (s[at + LOG_KIND] == LOG_WALK and kind != LOG_STEP):
            return NO_ENTRY
        if s[at + LOG_ROW] == row and s[at + LOG_KIND] == kind:
            return at
        at = s[at + LOG_PREVIOUS]
    return NO_ENTRY


@njit_inner
def note_step(w: Any, s: Any, task: int) -> None:
    """The task is at another step now; what it left is booked. Mutates: s."""
    c = row_at(task)
    now, left = s[c + C_NOW], s[c + C_ENTRY]
    if left != NO_ENTRY:
        s[left + LOG_TOTAL] += now - s[left + LOG_LAST]
    row = w.mem[task_at(task) + T_PC]
    at = recent(s, task, row, LOG_STEP)
    if at == NO_ENTRY:
        at = new_entry(w, s, task, row, LOG_STEP, now)
    else:
        s[at + LOG_N] += 1
        s[at + LOG_LAST] = now
    s[c + C_ENTRY] = at


@njit_inner
def note_wait(w: Any, s: Any, task: int, row: int, kind: int, since: int, until: int) -> None:
    """The task waited at `row`. kind: LOG_WAIT, or LOG_PTL for a page-table lock. Mutates: s."""
    at = recent(s, task, row, kind)
    if at == NO_ENTRY:
        at = new_entry(w, s, task, row, kind, since)
    else:
        s[at + LOG_N] += 1
    if at != NO_ENTRY:
        s[at + LOG_LAST] = until
        s[at + LOG_TOTAL] += until - since


@njit_inner
def note_vma(w: Any, s: Any, task: int, row: int, vma: int) -> None:
    """The walk at `row` went on from `vma` to another one; of many VMAs, STRETCHES runs are told apart. Mutates: s."""
    n = w.mem[MM_N_VMAS]
    if w.mem[task_at(task) + T_VMA] * STRETCHES // n != vma * STRETCHES // n:
        new_entry(w, s, task, row, LOG_WALK, s[row_at(task) + C_NOW])


@njit_inner
def note_kill(w: Any, s: Any, task: int, row: int) -> None:
    """The task has just killed another process. Mutates: s."""
    s[S_KILLED] = w.mem[MM_COLLATERAL]
    new_entry(w, s, task, row, LOG_KILL, s[row_at(task) + C_NOW])
