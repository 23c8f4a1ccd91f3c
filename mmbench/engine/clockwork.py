"""The clockwork: the task with the earliest clock takes the next step, and its cost moves its clock.

Ties go to the lower task id. A step acts at its start and lasts for its cost; what a step frees is credited at
its end. Page-table locks are the engine's: a step that zaps a table waits for whoever zaps that table now.
All times are int64 picoseconds, so every machine computes the same run.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit, njit_inline, njit_inner, pointer, shifted
from mmbench.engine.clocks import (
    C_BLOCKED,
    C_COLD,
    C_COLD_PS,
    C_END,
    C_METER,
    C_NOW,
    C_PTL_TABLE,
    C_PTL_UNTIL,
    C_SINCE,
    C_STATE,
    CAUSE_PTL,
    LOG_PTL,
    LOG_WAIT,
    NEVER,
    NO_TABLE,
    OVER,
    RUNNABLE,
    S_COLD_AFTER,
    S_HOLD_MEAN_PS,
    S_KILLED,
    S_MILESTONES_AT,
    S_N_MILESTONES,
    S_N_SAMPLES,
    S_N_TASKS,
    S_NEXT_SAMPLE_PS,
    S_REACHED,
    S_SAMPLED,
    S_SAMPLES_AT,
    S_SEED,
    S_SKIP_PS,
    S_ZAPPED,
    WAITING,
    row_at,
)
from mmbench.engine.log import note_kill, note_step, note_vma, note_wait
from mmbench.machine import work as wk
from mmbench.machine.apply import apply
from mmbench.machine.status import BLOCKED, FINISHED, RAN, WOKE
from mmbench.machine.walks import TRY_MUNLOCK, ZAP
from mmbench.model.layout import TABLE_SHIFT
from mmbench.model.world import (
    MM_COLLATERAL,
    MM_ELSEWHERE,
    MM_FLAGS,
    MM_FREED,
    MMF_OOM_SKIP,
    T_PAGE,
    T_PAGE_HELD,
    T_PC,
    T_PENDING,
    T_SUB,
    T_VMA,
    T_WAIT,
    T_ZAPPING,
    pointers,
    task_at,
)
from mmbench.rng import STREAM_HOLD, exponential

FOREVER = 1 << 62

# How a stretch of a run can end; LOOKS_UP: its steps are used up, call again.
ALL_DONE, DEADLOCK, OUT_OF_TIME, LOOKS_UP = range(4)


# --- page-table locks -------------------------------------------------------------------------------


@njit_inline
def wanted_table(w: Any, task: int) -> int:
    """The table whose lock the task's next step takes, or -1."""
    t = task_at(task)
    if w.mem[t + T_ZAPPING] and w.mem[t + T_SUB] in (ZAP, TRY_MUNLOCK) and not w.mem[t + T_PENDING]:
        return w.mem[t + T_PAGE] >> TABLE_SHIFT
    return -1


@njit_inline
def wait_for_table(w: Any, s: Any, task: int, table: int) -> bool:
    """Wait for whoever holds the lock of `table` now. Returns True when the clock moved. Mutates: s."""
    c = row_at(task)
    until = s[c + C_NOW]
    for other in range(s[S_N_TASKS]):
        o = row_at(other)
        if other != task and s[o + C_PTL_TABLE] == table:
            until = max(until, s[o + C_PTL_UNTIL])
    if until == s[c + C_NOW]:
        return False
    s[c + C_BLOCKED + CAUSE_PTL] += until - s[c + C_NOW]
    note_wait(w, s, task, w.mem[task_at(task) + T_PC], LOG_PTL, s[c + C_NOW], until)
    s[c + C_NOW] = until
    return True


# --- what a step costs ------------------------------------------------------------------------------


@njit_inline
def last_mappings(n_zapped: int, n_elsewhere: int) -> int:
    """PTE-mapped pages that a step took the last mapping of, so that they go to the allocator.

    n_zapped: those it unmapped; n_elsewhere: pages of the step that another mm maps too, of a huge page as well.
    """
    return n_zapped - n_elsewhere if n_zapped else 0


@njit_inline
def cold_pages(s: Any, c: int, n: int) -> int:
    """How many of n PTE-mapped pages that go to the allocator lie beyond the first S_COLD_AFTER of this mm.

    Mutates: s.
    """
    s[S_ZAPPED] += n
    cold = max(min(n, s[S_ZAPPED] - s[S_COLD_AFTER]), 0)
    s[c + C_COLD] += cold
    return cold


@njit_inner
def drawn_hold(w: Any, s: Any, task: int) -> int:
    """How long the page lock that a task of the crowd has just taken over is still held, ps."""
    page = w.mem[task_at(task) + T_PAGE_HELD] - 1
    return exponential(s[S_SEED], STREAM_HOLD, page, s[S_HOLD_MEAN_PS])


@njit_inline
def spend(s: Any, task: int, table: int, zapped: int) -> None:
    """Move the task's clock by the cost of the step it has just taken. Mutates: s."""
    c = row_at(task)
    start = s[c + C_NOW]
    held = s[c + C_METER + wk.METER_HELD_PS]
    if zapped:
        held += cold_pages(s, c, zapped) * s[c + C_COLD_PS]
    if table >= 0:
        s[c + C_PTL_TABLE] = table
        s[c + C_PTL_UNTIL] = start + held
    s[c + C_NOW] = start + held + s[c + C_METER + wk.METER_SPENT_PS]
    s[c + C_METER + wk.METER_HELD_PS] = 0
    s[c + C_METER + wk.METER_SPENT_PS] = 0


# --- what a run notes -------------------------------------------------------------------------------


@njit_inner
def note_progress(w: Any, s: Any, now: int) -> None:
    """Book milestones of freed pages and the moment of MMF_OOM_SKIP, at `now`. Mutates: s."""
    while s[S_REACHED] < s[S_N_MILESTONES] and w.mem[MM_FREED] >= s[s[S_MILESTONES_AT] + s[S_REACHED]]:
        s[s[S_MILESTONES_AT] + s[S_N_MILESTONES] + s[S_REACHED]] = now
        s[S_REACHED] += 1
    if s[S_SKIP_PS] == NEVER and w.mem[MM_FLAGS] & MMF_OOM_SKIP:
        s[S_SKIP_PS] = now


@njit_inner
def take_samples(w: Any, s: Any, time: int) -> None:
    """Book how much is freed at the sample times before `time`. Mutates: s."""
    while s[S_NEXT_SAMPLE_PS] < time:
        s[s[S_SAMPLES_AT] + s[S_N_SAMPLES] + s[S_SAMPLED]] = w.mem[MM_FREED]
        s[S_SAMPLED] += 1
        more = s[S_SAMPLED] < s[S_N_SAMPLES]
        s[S_NEXT_SAMPLE_PS] = s[s[S_SAMPLES_AT] + s[S_SAMPLED]] if more else FOREVER


# --- who is next ------------------------------------------------------------------------------------


@njit_inner
def wake_all(s: Any, time: int) -> None:
    """Let every waiting task try again at `time`. Mutates: s."""
    for task in range(s[S_N_TASKS]):
        c = row_at(task)
        if s[c + C_STATE] == WAITING:
            s[c + C_STATE] = RUNNABLE
            s[c + C_NOW] = time


@njit_inner
def begin_wait(s: Any, task: int) -> None:
    """The step is blocked: stop the task until somebody wakes it.

    A wait that begins can be what another task waits for (the crowd stands in for a page's holder). Mutates: s.
    """
    c = row_at(task)
    if s[c + C_SINCE] == NEVER:
        wake_all(s, s[c + C_NOW])
    s[c + C_STATE] = WAITING
    if s[c + C_SINCE] == NEVER:
        s[c + C_SINCE] = s[c + C_NOW]
        s[c + C_PTL_TABLE] = NO_TABLE


@njit_inner
def end_wait(w: Any, s: Any, task: int, cause: int, row: int) -> None:
    """The task goes on after a wait: book how long, and for what. Mutates: s."""
    c = row_at(task)
    s[c + C_BLOCKED + cause] += s[c + C_NOW] - s[c + C_SINCE]
    note_wait(w, s, task, row, LOG_WAIT, s[c + C_SINCE], s[c + C_NOW])
    s[c + C_SINCE] = NEVER


@njit_inline
def pick(s: Any) -> Any:
    """(task with the earliest clock or -1, the last clock at which it is still the earliest)."""
    best, other = -1, -1
    best_now, other_now = FOREVER, FOREVER
    for task in range(s[S_N_TASKS]):
        c = row_at(task)
        if s[c + C_STATE] != RUNNABLE:
            continue
        now = s[c + C_NOW]
        if best < 0 or now < best_now:
            other, other_now = best, best_now
            best, best_now = task, now
        elif other < 0 or now < other_now:
            other, other_now = task, now
    if other < 0:
        return best, FOREVER
    return best, other_now if best < other else other_now - 1


@njit_inline
def step_task(w: Any, s: Any, rows: Any, task: int, width: int) -> int:
    """Let `task` take one step at its clock and pay for it. Returns the step's status. Mutates: w, s."""
    table = wanted_table(w, task)
    if table >= 0 and wait_for_table(w, s, task, table):
        return RAN  # its clock moved: somebody else may be first now
    c = row_at(task)
    t = task_at(task)
    meter = shifted(s, c + C_METER)
    row = w.mem[t + T_PC]
    cause = w.mem[t + T_WAIT]
    vma = w.mem[t + T_VMA]
    freed = w.mem[MM_FREED]
    zapped, elsewhere = meter[wk.ZAP_PTE], w.mem[MM_ELSEWHERE]
    status = apply(w, task, rows, width, meter)
    if status == BLOCKED:
        begin_wait(s, task)
        return status
    if s[c + C_SINCE] != NEVER:
        end_wait(w, s, task, cause, row)
    moved = w.mem[t + T_PC] != row
    if moved or w.mem[MM_FREED] != freed:
        note_progress(w, s, s[c + C_NOW])
    if status == WOKE:
        wake_all(s, s[c + C_NOW])
        if w.mem[MM_COLLATERAL] != s[S_KILLED]:
            note_kill(w, s, task, row)
    spend(s, task, table, last_mappings(meter[wk.ZAP_PTE] - zapped, w.mem[MM_ELSEWHERE] - elsewhere))
    if w.mem[t + T_VMA] != vma:
        note_vma(w, s, task, row, vma)
    if moved:
        if meter[wk.HOLD_DRAW]:
            meter[wk.HOLD_DRAW] = 0
            s[c + C_NOW] += drawn_hold(w, s, task)
        note_step(w, s, task)
    if status == FINISHED:
        s[c + C_STATE] = OVER
        s[c + C_END] = s[c + C_NOW]
        wake_all(s, s[c + C_NOW])
    return status


@njit_inner
def not_over(s: Any, n_tasks: int) -> int:
    """How many of the first n_tasks are not over."""
    n = 0
    for task in range(n_tasks):
        n += s[row_at(task) + C_STATE] != OVER
    return n


@njit
def run_clockwork(
    world: Any, clocks: Any, program: Any, n_waited_for: int, width: int, chunk: int, until_ps: int, n_steps: int
) -> int:
    """Run until the first n_waited_for tasks are over, nobody can move, the clock passes until_ps, or for n_steps.

    clocks: int64, see engine.clocks; program: int64 (n_rows, 6)
    width: pages per page-table step (1 to 512); chunk: steps that one task may take before the clocks are
    compared again, which changes speed and nothing else. Returns ALL_DONE, DEADLOCK, OUT_OF_TIME or LOOKS_UP: the
    caller may hear a signal, and calls again; where a run is cut changes nothing. Mutates: world, clocks.
    """
    w, s, rows = pointers(world), pointer(clocks), pointer(program)
    n_left, steps_left = not_over(s, n_waited_for), n_steps
    while n_left:
        if steps_left <= 0:
            return LOOKS_UP
        task, last = pick(s)
        if task < 0:
            return DEADLOCK
        c = row_at(task)
        if s[c + C_NOW] > until_ps:
            take_samples(w, s, until_ps + 1)
            return OUT_OF_TIME
        last = min(last, until_ps)
        for _ in range(min(chunk, steps_left)):
            steps_left -= 1
            if s[c + C_NOW] > s[S_NEXT_SAMPLE_PS]:
                take_samples(w, s, s[c + C_NOW])
            status = step_task(w, s, rows, task, width)
            if status == FINISHED and task < n_waited_for:
                n_left -= 1
            if status != RAN or s[c + C_NOW] > last:
                break
    return ALL_DONE
