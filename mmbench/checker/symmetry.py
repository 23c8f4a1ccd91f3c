"""Symmetry: tasks of one kind are interchangeable, so only one order of them is searched.

`canonical` sorts neighbouring tasks of a kind by all that the world knows of them: registers, their bits in the masks,
their place in the queue of mmap_lock. Which of the two is called first is then no difference between states.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit_inner
from mmbench.checker.expand import ACCOUNTED, K_LATE, monitor_bit
from mmbench.model.world import MM_N_TASKS, MM_WALKERS, N_TASK, RW_QUEUE, RW_QUEUED, RW_READERS, RW_WRITER, task_at

N_MONITOR_BITS = ACCOUNTED + 1


@njit_inner
def place(w: Any, task: int, knobs: Any) -> int:
    """What the shared cells say of a task, as one number."""
    queued = 0
    for k in range(w.mem[RW_QUEUED]):
        if w.mem[RW_QUEUE + k] >> 1 == task:
            queued = k + 1
    n = queued * 8 + (w.mem[RW_READERS] >> task & 1) * 4 + (w.mem[MM_WALKERS] >> task & 1) * 2
    n += 1 if w.mem[RW_WRITER] == task + 1 else 0
    for what in range(N_MONITOR_BITS):
        n = 2 * n + (1 if w.mem[knobs[K_LATE]] & monitor_bit(w, what, task) else 0)
    return n


@njit_inner
def out_of_order(w: Any, a: int, b: int, knobs: Any) -> bool:
    """True when task b sorts before task a."""
    for k in range(N_TASK):
        x, y = w.mem[task_at(a) + k], w.mem[task_at(b) + k]
        if x != y:
            return x > y
    return place(w, a, knobs) > place(w, b, knobs)


@njit_inner
def swap_bits(mask: int, a: int, b: int) -> int:
    """The mask with bits a and b exchanged."""
    if (mask >> a ^ mask >> b) & 1:
        return mask ^ (1 << a | 1 << b)
    return mask


@njit_inner
def swap(w: Any, a: int, b: int, knobs: Any) -> None:
    """Rename task a to b and b to a everywhere. Mutates: mem."""
    for k in range(N_TASK):
        x, y = w.mem[task_at(a) + k], w.mem[task_at(b) + k]
        w.mem[task_at(a) + k] = y
        w.mem[task_at(b) + k] = x
    n = w.mem[MM_N_TASKS]
    for cell in (RW_READERS, MM_WALKERS):
        w.mem[cell] = swap_bits(w.mem[cell], a, b)
    for what in range(N_MONITOR_BITS):
        w.mem[knobs[K_LATE]] = swap_bits(w.mem[knobs[K_LATE]], what * n + a, what * n + b)
    if w.mem[RW_WRITER] == a + 1:
        w.mem[RW_WRITER] = b + 1
    elif w.mem[RW_WRITER] == b + 1:
        w.mem[RW_WRITER] = a + 1
    for k in range(w.mem[RW_QUEUED]):
        waiter = w.mem[RW_QUEUE + k]
        if waiter >> 1 == a:
            w.mem[RW_QUEUE + k] = 2 * b + (waiter & 1)
        elif waiter >> 1 == b:
            w.mem[RW_QUEUE + k] = 2 * a + (waiter & 1)


@njit_inner
def canonical(w: Any, pairs: Any, n_pairs: int, knobs: Any) -> None:
    """Sort interchangeable tasks. pairs: pointer to int64 (n_pairs, 2), neighbours. Mutates: mem."""
    for _ in range(n_pairs):
        for k in range(n_pairs):
            if out_of_order(w, pairs[2 * k], pairs[2 * k + 1], knobs):
                swap(w, pairs[2 * k], pairs[2 * k + 1], knobs)
