"""Steps of those around the victim: page-lock holders, the allocator with the OOM killer's rule, the reaper's retries.

Source: out_of_memory and oom_evaluate_task, mm/oom_kill.c (v5.10 to v6.18).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.locks import branch, forget_passed, go_on
from mmbench.machine.status import BLOCKED, RAN, ROW_A, ROW_B, WOKE
from mmbench.model.world import (
    DONE,
    MM_COLLATERAL,
    MM_DETACHED,
    MM_EXTRA_FREED,
    MM_FLAGS,
    MM_FREED,
    MM_N_TASKS,
    MM_RSS,
    MMF_OOM_SKIP,
    MMF_OOM_VICTIM,
    T_HOLD_PS,
    T_LOCK_PAGE,
    T_NEED,
    T_NEXT_VICTIM,
    T_PAGE_HELD,
    T_PASSED,
    T_PC,
    T_TRIES,
    T_WAIT,
    T_WAIT_PAGE,
    WAIT_PAGE,
    WAIT_WORK,
    task_at,
)
from mmbench.sync import page_lock

EXIT = 0  # the victim is task 0
SIGHT_OF_ALL, SIGHT_UNTIL_GONE, SIGHT_UNTIL_EXIT_MM = range(3)


@njit_inner
def retry(w: Any, task: int, row: Any, work: Any) -> int:
    """Count an attempt; branch after the last. Mutates: mem, work."""
    w.mem[task_at(task) + T_TRIES] += 1
    return branch(w, task, row, w.mem[task_at(task) + T_TRIES] >= row[ROW_A], work)


@njit_inner
def leave(w: Any, task: int, row: Any, work: Any) -> int:
    """Book everything still mapped as left, for one reason. Mutates: mem, work."""
    forget_passed(w, task)
    w.mem[task_at(task) + T_PASSED + row[ROW_A]] = w.mem[MM_RSS]
    go_on(w, task, row, work)
    return RAN


@njit_inner
def lock_page(w: Any, task: int, row: Any, work: Any) -> int:
    """lock_page on page T_LOCK_PAGE. Mutates: bits, mem, work."""
    page = w.mem[task_at(task) + T_LOCK_PAGE]
    if not page_lock.trylock_page(w, page):
        w.mem[task_at(task) + T_WAIT] = WAIT_PAGE
        w.mem[task_at(task) + T_WAIT_PAGE] = page
        return BLOCKED
    w.mem[task_at(task) + T_PAGE_HELD] = page + 1
    go_on(w, task, row, work)
    return RAN


@njit_inner
def unlock_page(w: Any, task: int, row: Any, work: Any) -> int:
    """unlock_page on the page this task holds. Mutates: bits, mem, work."""
    page_lock.unlock_page(w, w.mem[task_at(task) + T_PAGE_HELD] - 1)
    w.mem[task_at(task) + T_PAGE_HELD] = 0
    go_on(w, task, row, work)
    return WOKE


@njit_inner
def hold_for(w: Any, task: int, row: Any, work: Any) -> int:
    """Pass T_HOLD_PS picoseconds. Mutates: mem, work."""
    wk.did(work, wk.SLEEP, w.mem[task_at(task) + T_HOLD_PS])
    go_on(w, task, row, work)
    return RAN


@njit_inner
def is_held(w: Any, page: int) -> bool:
    """True when some task of the world holds PG_locked of `page`."""
    for task in range(w.mem[MM_N_TASKS]):
        if w.mem[task_at(task) + T_PAGE_HELD] == page + 1:
            return True
    return False


@njit_inner
def await_page_waiter(w: Any, task: int, row: Any, work: Any) -> int:
    """Become the holder of a contended page that somebody waits for. Mutates: mem, work."""
    for other in range(w.mem[MM_N_TASKS]):
        if w.mem[task_at(other) + T_WAIT] == WAIT_PAGE and not is_held(w, w.mem[task_at(other) + T_WAIT_PAGE]):
            w.mem[task_at(task) + T_PAGE_HELD] = w.mem[task_at(other) + T_WAIT_PAGE] + 1
            wk.did(work, wk.HOLD_DRAW, 1)
            go_on(w, task, row, work)
            return RAN
    w.mem[task_at(task) + T_WAIT] = WAIT_WORK
    return BLOCKED


@njit_inner
def has_enough(w: Any, task: int) -> bool:
    """True when the pages that the task's allocation needs have been freed, by the victim or by later ones."""
    return w.mem[MM_FREED] + w.mem[MM_EXTRA_FREED] >= w.mem[task_at(task) + T_NEED]


@njit_inner
def alloc(w: Any, task: int, row: Any, work: Any) -> int:
    """Have T_NEED pages been freed? On; else branch. Mutates: mem, work."""
    return branch(w, task, row, not has_enough(w, task), work)


@njit_inner
def is_in_sight(w: Any, loses_sight: int) -> bool:
    """Does the OOM killer's scan still find the victim? SIGHT_OF_ALL: always; a memory cgroup's loses it earlier."""
    if loses_sight == SIGHT_UNTIL_EXIT_MM:
        return w.mem[MM_DETACHED] == 0
    return loses_sight != SIGHT_UNTIL_GONE or w.mem[task_at(EXIT) + T_PC] != DONE


@njit_inner
def has_progressed(w: Any, task: int) -> bool:
    """Whether pages came back since the task asked so last; its T_TRIES keeps how many had. Mutates: mem."""
    n = w.mem[MM_FREED] + w.mem[MM_EXTRA_FREED]
    had = w.mem[task_at(task) + T_TRIES]
    w.mem[task_at(task) + T_TRIES] = n
    return n > had


@njit_inner
def out_of_memory(w: Any, task: int, row: Any, work: Any) -> int:
    """One last try, then the killer's scan: it aborts at an OOM victim without MMF_OOM_SKIP, or kills the next one.

    The next victim gives T_NEXT_VICTIM pages back at once. Row B: it asks page by page. Mutates: mem, work.
    """
    if not has_enough(w, task):
        if row[ROW_B] and has_progressed(w, task):
            return branch(w, task, row, True, work)
        is_pending = w.mem[MM_FLAGS] & MMF_OOM_VICTIM and not w.mem[MM_FLAGS] & MMF_OOM_SKIP
        if is_pending and is_in_sight(w, row[ROW_A]):
            return branch(w, task, row, True, work)
        w.mem[MM_COLLATERAL] += 1
        w.mem[MM_EXTRA_FREED] += w.mem[task_at(task) + T_NEXT_VICTIM]
    go_on(w, task, row, work)
    return WOKE
