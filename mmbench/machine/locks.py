"""Steps that take or give back a lock, a flag or a reference: one atomic transition each.

Source: include/linux/mmap_lock.h, kernel/exit.c exit_mm, mm/oom_kill.c (v5.10 to v6.18).
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.machine import work as wk
from mmbench.machine.status import BLOCKED, RAN, ROW_A, ROW_ALT, ROW_NEXT, WOKE
from mmbench.model.world import (
    MM_DETACHED,
    MM_FLAGS,
    MM_USERS,
    N_WHY,
    T_PASSED,
    T_PC,
    T_WAIT,
    WAIT_MMAP_READ,
    WAIT_MMAP_WRITE,
    WAIT_NONE,
    WAIT_USERS,
    task_at,
)
from mmbench.sync.rwsem import downgrade, lock_or_queue, read_trylock, read_unlock, write_unlock


@njit_inner
def go_on(w: Any, task: int, row: Any, work: Any) -> None:
    """Step done: to the next row. Mutates: mem, work."""
    w.mem[task_at(task) + T_WAIT] = WAIT_NONE
    w.mem[task_at(task) + T_PC] = row[ROW_NEXT]
    wk.did(work, wk.LOCK_OP, 1)


@njit_inner
def forget_passed(w: Any, task: int) -> None:
    """A new pass, a new account of what it passes over. Mutates: mem."""
    for why in range(N_WHY):
        w.mem[task_at(task) + T_PASSED + why] = 0


@njit_inner
def branch(w: Any, task: int, row: Any, otherwise: bool, work: Any) -> int:
    """Go to the `otherwise` row when asked, else on. Mutates: mem, work."""
    go_on(w, task, row, work)
    if otherwise:
        w.mem[task_at(task) + T_PC] = row[ROW_ALT]
    return RAN


@njit_inner
def mmap_lock(w: Any, task: int, row: Any, write: bool, work: Any) -> int:
    """mmap_read_lock or mmap_write_lock: taken, or queued and blocked. Mutates: mem, work."""
    if lock_or_queue(w.mem, task, write):
        go_on(w, task, row, work)
        return RAN
    w.mem[task_at(task) + T_WAIT] = WAIT_MMAP_WRITE if write else WAIT_MMAP_READ
    return BLOCKED


@njit_inner
def mmap_read_trylock(w: Any, task: int, row: Any, work: Any) -> int:
    """mmap_read_trylock. Mutates: mem, work."""
    return branch(w, task, row, not read_trylock(w.mem, task), work)


@njit_inner
def mmap_unlock(w: Any, task: int, row: Any, write: bool, work: Any) -> int:
    """mmap_read_unlock or mmap_write_unlock. Mutates: mem, work."""
    if write:
        write_unlock(w.mem)
    else:
        read_unlock(w.mem, task)
    go_on(w, task, row, work)
    return WOKE


@njit_inner
def mmap_write_downgrade(w: Any, task: int, row: Any, work: Any) -> int:
    """mmap_write_downgrade. Mutates: mem, work."""
    downgrade(w.mem, task)
    go_on(w, task, row, work)
    return WOKE


@njit_inner
def set_flag(w: Any, task: int, row: Any, work: Any) -> int:
    """Set MMF_* bits. Mutates: mem, work."""
    w.mem[MM_FLAGS] |= row[ROW_A]
    go_on(w, task, row, work)
    return RAN


@njit_inner
def test_flag(w: Any, task: int, row: Any, wanted: bool, work: Any) -> int:
    """Go on when the MMF_* bit is as wanted, else branch. Mutates: mem, work."""
    found = w.mem[MM_FLAGS] & row[ROW_A] != 0
    return branch(w, task, row, found != wanted, work)


@njit_inner
def exit_mm(w: Any, task: int, row: Any, work: Any) -> int:
    """task->mm = NULL, one user fewer. Mutates: mem, work."""
    w.mem[MM_DETACHED] = 1
    w.mem[MM_USERS] -= 1
    go_on(w, task, row, work)
    return WOKE


@njit_inner
def exit_mm_if_last(w: Any, task: int, row: Any, work: Any) -> int:
    """As exit_mm; whoever drops the last user runs exit_mmap, the others branch. Mutates: mem, work."""
    w.mem[MM_DETACHED] = 1
    return mmput_if_last(w, task, row, work)


@njit_inner
def mmput_if_last(w: Any, task: int, row: Any, work: Any) -> int:
    """mmput: atomic_dec_and_test of mm_users; true goes on to exit_mmap, false branches. Mutates: mem, work."""
    w.mem[MM_USERS] -= 1
    branch(w, task, row, w.mem[MM_USERS] != 0, work)
    return WOKE


@njit_inner
def wait_last_user(w: Any, task: int, row: Any, work: Any) -> int:
    """__mmput runs exit_mmap only when mm_users is 0. Mutates: mem, work."""
    if w.mem[MM_USERS] > 0:
        w.mem[task_at(task) + T_WAIT] = WAIT_USERS
        return BLOCKED
    go_on(w, task, row, work)
    return RAN


@njit_inner
def find_mm(w: Any, task: int, row: Any, pin: bool, work: Any) -> int:
    """find_lock_task_mm, with mmget_not_zero when `pin`; ESRCH once exit_mm ran, unless the mm is kept for the caller.

    Mutates: mem, work.
    """
    gone = w.mem[MM_DETACHED] != 0 and row[ROW_A] == 0
    if pin and not gone:
        w.mem[MM_USERS] += 1
    return branch(w, task, row, gone, work)


@njit_inner
def mmput(w: Any, task: int, row: Any, work: Any) -> int:
    """Drop a user. Mutates: mem, work."""
    w.mem[MM_USERS] -= 1
    go_on(w, task, row, work)
    return WOKE
