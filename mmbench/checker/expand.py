"""One transition of the checker's graph: machine.apply by one task, then the checker's own bookkeeping.

There is no time, so a RETRY may be the last attempt or not: the checker takes both ways (AGAIN, GIVE_UP) instead
of counting. That reaches exactly the states of a reaper with some number of attempts: failed attempts change
nothing else, so ten in a row can always happen where one can.

Local steps (sleeps, GOTO, opening a gather, ending) touch nothing that another task or a property looks at; the
reduction takes them together with the step before (see search).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inner, shifted
from mmbench.machine.apply import apply
from mmbench.machine.ops import REAPS, Op
from mmbench.machine.status import BLOCKED, N_ROW, ROW_A, ROW_NEXT, ROW_OP
from mmbench.machine.walks import MARKED, SELECT, START, UNMARK
from mmbench.model.invariants import (
    NR_MLOCK_NOT_ZERO,
    PAGE_NOT_FREED_ONCE,
    REAP_AFTER_SKIP,
    SKIP_NEVER_SET,
    UNBALANCED_GATHER,
)
from mmbench.model.world import (
    DONE,
    LIST_LIVE,
    MM_ELSEWHERE,
    MM_FLAGS,
    MM_FREED,
    MM_GATHERS,
    MM_N_TABLES,
    MM_N_TASKS,
    MM_N_VMAS,
    MM_NR_MLOCK,
    MM_RSS,
    MM_USERS,
    MM_VIOLATIONS,
    MM_VMA_LIST,
    MMF_OOM_SKIP,
    MMF_OOM_VICTIM,
    RW_READERS,
    T_PAGE,
    T_PAGES,
    T_PC,
    T_PENDING,
    T_SUB,
    T_TRIES,
    T_VMA,
    T_WAIT,
    T_WAIT_PAGE,
    TABLE_ALLOCATED,
    V_PRESENT,
    WAIT_NONE,
    WAIT_PAGE,
    WHY_GAVE_UP,
    WHY_SKIP_SET,
    table_at,
    task_at,
    vma_at,
)

AGAIN, GIVE_UP = 0, 1
# Violation bits of the checker, beside those of model.invariants.
REAPER_WAITS_FOR_PAGE, TABLE_LEFT, TABLE_FREED_WITHOUT_GATHER, SKIP_TOO_EARLY, LEFT_WITHOUT_REASON = range(10, 15)

RETRY = int(Op.RETRY)
FREE_PGTABLES, LEAVE, END = int(Op.FREE_PGTABLES), int(Op.LEAVE), int(Op.END)
NO_COUNT = -(1 << 40)
NO_OP = 1 << 20  # the step ends a flush; no trait bit is set
MAX_LOCAL_STEPS = 64

# The scalars of a check, one int64 array.
(
    K_LATE,  # the monitor's cell, three bits per task: LATE, GAVE_UP, ACCOUNTED
    K_RESIDENT,
    K_REAPERS,  # bit mask of reaper and process_mrelease tasks
    K_OOM_REAPERS,  # bit mask of reaper tasks
    K_REAPABLE,  # bit mask of VMAs that a reap pass empties
    K_N_FIELDS,
    K_N_WORDS,
    K_N_CELLS,
    K_N_HUGE,
    K_REDUCE,
    K_OWNERS,  # bit mask of tasks that may run exit_mmap: a pass of theirs on an mm without users is its own
) = range(11)
N_KNOBS = 11

# The monitor: bit `what * n_tasks + task` of its cell. LATE: the task took mmap_lock after MMF_OOM_SKIP was set;
# GAVE_UP: its last attempt failed; ACCOUNTED: it has begun a reap pass or said why it leaves.
LATE, GAVE_UP, ACCOUNTED = range(3)


def local_rows(rows: np.ndarray) -> np.ndarray:
    """Which rows are local steps: int64 (n_rows,) of 0 or 1. A loop of nothing but local steps is not."""
    local = np.isin(rows[:, ROW_OP], [int(op) for op in Op if op.spec.is_local])
    for first in range(len(rows)):
        row, n = first, 0
        while local[row] and rows[row, ROW_OP] != int(Op.END) and n <= len(rows):
            row, n = int(rows[row, ROW_NEXT]), n + 1
        local[first] &= n <= len(rows)
    return local.astype(np.int64)


@njit
def choices(w: Any, task: int, rows: Any) -> int:
    """In how many ways the task's next step can go: 0 when it is done, 2 at a RETRY, else 1."""
    t = task_at(task)
    if w.mem[t + T_PC] == DONE:
        return 0
    if w.mem[t + T_PENDING] == 0 and rows[w.mem[t + T_PC] * N_ROW + ROW_OP] == RETRY:
        return 2
    return 1


@njit_inner
def forget(w: Any, task: int) -> None:
    """Put registers that no later step reads to a fixed value. Mutates: mem."""
    t = task_at(task)
    sub = w.mem[t + T_SUB]
    if sub == START or sub == SELECT or sub == MARKED or sub == UNMARK:
        w.mem[t + T_PAGE] = 0
    if sub == START:
        w.mem[t + T_VMA] = 0
    w.mem[t + T_TRIES] = 0
    w.mem[t + T_WAIT] = WAIT_NONE
    w.mem[t + T_WAIT_PAGE] = 0


@njit_inner
def conserved(w: Any, resident: int) -> bool:
    """Freed + mapped elsewhere + still mapped + in flight = resident."""
    n = w.mem[MM_FREED] + w.mem[MM_ELSEWHERE] + w.mem[MM_RSS]
    for task in range(w.mem[MM_N_TASKS]):
        n += w.mem[task_at(task) + T_PAGES] + w.mem[task_at(task) + T_PENDING]
    return n == resident


@njit_inner
def monitor_bit(w: Any, what: int, task: int) -> int:
    """The mask of one bit of the monitor."""
    return 1 << (what * w.mem[MM_N_TASKS] + task)


@njit_inner
def break_property(w: Any, bit: int) -> None:
    """Book a violation. Mutates: mem."""
    w.mem[MM_VIOLATIONS] |= 1 << bit


@njit_inner
def judge_pass(w: Any, task: int, knobs: Any) -> None:
    """A reap pass begins: I4, judged by the lock. Mutates: mem.

    It is broken when the task took mmap_lock after MMF_OOM_SKIP was set, on an mm whose last user is gone. (A pass
    whose task had the lock before is the in-flight one that exit waits for.)
    """
    if knobs[K_OWNERS] >> task & 1 or w.mem[MM_USERS] != 0:
        return
    unlocked = w.mem[RW_READERS] & (1 << task) == 0
    if w.mem[knobs[K_LATE]] & monitor_bit(w, LATE, task) or (unlocked and w.mem[MM_FLAGS] & MMF_OOM_SKIP):
        break_property(w, REAP_AFTER_SKIP)


@njit_inner
def judge_skip(w: Any, task: int, knobs: Any) -> None:
    """MMF_OOM_SKIP has just been set, by a task that did not give up: is there something left to reap? Mutates: mem."""
    if w.mem[knobs[K_LATE]] & monitor_bit(w, GAVE_UP, task):
        return
    for vma in range(w.mem[MM_N_VMAS]):
        if knobs[K_REAPABLE] >> vma & 1 and w.mem[vma_at(w, vma) + V_PRESENT]:
            break_property(w, SKIP_TOO_EARLY)


@njit_inner
def judge_leave(w: Any, task: int, op: int, why: int, knobs: Any) -> None:
    """A reaper says why it leaves pages, or ends: the reason is there, and is true. Mutates: mem."""
    monitor = w.mem[knobs[K_LATE]]
    if op == END:
        reaps = knobs[K_OOM_REAPERS] >> task & 1
        if reaps and w.mem[MM_RSS] and not monitor & monitor_bit(w, ACCOUNTED, task):
            break_property(w, LEFT_WITHOUT_REASON)
        return
    w.mem[knobs[K_LATE]] |= monitor_bit(w, ACCOUNTED, task)
    if why == WHY_GAVE_UP and not monitor & monitor_bit(w, GAVE_UP, task):
        break_property(w, LEFT_WITHOUT_REASON)
    if why == WHY_SKIP_SET and not w.mem[MM_FLAGS] & MMF_OOM_SKIP:
        break_property(w, LEFT_WITHOUT_REASON)


@njit_inner
def note_lock(w: Any, readers: int, knobs: Any) -> None:
    """Move the monitor: who reads mmap_lock now, did not before, and so took it after MMF_OOM_SKIP. Mutates: mem."""
    now = w.mem[RW_READERS]
    fresh = now & ~readers if w.mem[MM_FLAGS] & MMF_OOM_SKIP else 0
    others = w.mem[knobs[K_LATE]] & ~((1 << w.mem[MM_N_TASKS]) - 1)
    w.mem[knobs[K_LATE]] = (w.mem[knobs[K_LATE]] & now) | fresh | others


@njit
def step(w: Any, task: int, rows: Any, choice: int, knobs: Any, meter: Any) -> int:
    """One step of one task with width 1 and the checker's bookkeeping. Returns its status. Mutates: w, meter."""
    t = task_at(task)
    row = shifted(rows, w.mem[t + T_PC] * N_ROW)
    op = row[ROW_OP] if w.mem[t + T_PENDING] == 0 else NO_OP
    begins_pass = op & REAPS != 0 and w.mem[t + T_SUB] == START
    readers, flags = w.mem[RW_READERS], w.mem[MM_FLAGS]
    if op == RETRY:
        w.mem[t + T_TRIES] = row[ROW_A] if choice == GIVE_UP else NO_COUNT
        if choice == GIVE_UP:
            w.mem[knobs[K_LATE]] |= monitor_bit(w, GAVE_UP, task)
    status = apply(w, task, rows, 1, meter)
    if status == BLOCKED and w.mem[t + T_WAIT] == WAIT_PAGE and knobs[K_REAPERS] >> task & 1:
        break_property(w, REAPER_WAITS_FOR_PAGE)
    w.mem[MM_VIOLATIONS] &= ~(1 << REAP_AFTER_SKIP)  # the model's own, stricter test: it counts the in-flight pass too
    note_lock(w, readers, knobs)
    if begins_pass:
        judge_pass(w, task, knobs)
        w.mem[knobs[K_LATE]] |= monitor_bit(w, ACCOUNTED, task) if knobs[K_OOM_REAPERS] >> task & 1 else 0
    if op == LEAVE or op == END:
        judge_leave(w, task, op, row[ROW_A], knobs)
    if w.mem[MM_FLAGS] & ~flags & MMF_OOM_SKIP:
        judge_skip(w, task, knobs)
    if op == FREE_PGTABLES and w.mem[MM_GATHERS] == 0:
        break_property(w, TABLE_FREED_WITHOUT_GATHER)
    if not conserved(w, knobs[K_RESIDENT]):
        break_property(w, PAGE_NOT_FREED_ONCE)
    forget(w, task)
    return status


@njit_inner
def is_local(w: Any, task: int, local: Any) -> bool:
    """True when the task's next step is a local one."""
    t = task_at(task)
    return w.mem[t + T_PC] != DONE and w.mem[t + T_PENDING] == 0 and local[w.mem[t + T_PC]] == 1


@njit_inner
def transition(w: Any, task: int, rows: Any, local: Any, choice: int, knobs: Any, meter: Any) -> int:
    """A step and, in a reduced search, the local steps that follow it. Returns the step's status. Mutates: w, meter."""
    status = step(w, task, rows, choice, knobs, meter)
    if knobs[K_REDUCE]:
        for _ in range(MAX_LOCAL_STEPS):
            if not is_local(w, task, local):
                break
            step(w, task, rows, AGAIN, knobs, meter)
    return status


@njit
def audit(w: Any) -> int:
    """Violation bits of a state in which every task is done."""
    bits = 0
    torn_down = w.mem[MM_VMA_LIST] != LIST_LIVE
    if w.mem[MM_RSS] != 0:
        bits |= 1 << PAGE_NOT_FREED_ONCE
    if w.mem[MM_FLAGS] & MMF_OOM_VICTIM and not w.mem[MM_FLAGS] & MMF_OOM_SKIP:
        bits |= 1 << SKIP_NEVER_SET
    for table in range(w.mem[MM_N_TABLES]):
        if torn_down and w.mem[table_at(w, table)] & TABLE_ALLOCATED:
            bits |= 1 << TABLE_LEFT
    if torn_down and w.mem[MM_NR_MLOCK] != 0:
        bits |= 1 << NR_MLOCK_NOT_ZERO
    if torn_down and w.mem[MM_GATHERS] != 0:
        bits |= 1 << UNBALANCED_GATHER
    return bits


@njit
def all_done(w: Any) -> bool:
    """True when no task has a step left."""
    for task in range(w.mem[MM_N_TASKS]):
        if w.mem[task_at(task) + T_PC] != DONE or w.mem[task_at(task) + T_PENDING]:
            return False
    return True
