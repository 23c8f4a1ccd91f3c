"""mmap_lock: a fair reader-writer semaphore with a FIFO queue and hand-off at release.

A task that cannot have the lock puts itself in the queue once; whoever releases the lock hands it to the
head of the queue (to all queued readers when the head is a reader). Optimistic spinning and lock stealing
are not modelled. `mem` is the arena of a world (int64).

Source: kernel/locking/rwsem.c (v5.10): a trylock fails on a writer and also when waiters are queued.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit
from mmbench.model.world import RW_QUEUE, RW_QUEUED, RW_READERS, RW_WRITER


@njit
def holds_read(mem: Any, task: int) -> bool:
    """True while `task` is one of the readers."""
    return (mem[RW_READERS] >> task) & 1 == 1


@njit
def holds_write(mem: Any, task: int) -> bool:
    """True while `task` is the writer."""
    return mem[RW_WRITER] == task + 1


@njit
def is_queued(mem: Any, task: int) -> bool:
    """True while `task` waits in the queue."""
    for k in range(mem[RW_QUEUED]):
        if mem[RW_QUEUE + k] >> 1 == task:
            return True
    return False


@njit
def read_trylock(mem: Any, task: int) -> bool:
    """Take the lock for reading now, or fail: no writer and nobody queued. Mutates: mem."""
    if mem[RW_WRITER] != 0 or mem[RW_QUEUED] != 0:
        return False
    mem[RW_READERS] |= 1 << task
    return True


@njit
def lock_or_queue(mem: Any, task: int, write: bool) -> bool:
    """Take the lock, or stand in the queue (once) and return False. Mutates: mem."""
    if (write and holds_write(mem, task)) or (not write and holds_read(mem, task)):
        return True  # handed over by the previous holder
    if is_queued(mem, task):
        return False
    free = mem[RW_WRITER] == 0 and mem[RW_QUEUED] == 0
    if free and not write:
        mem[RW_READERS] |= 1 << task
        return True
    if free and mem[RW_READERS] == 0:
        mem[RW_WRITER] = task + 1
        return True
    mem[RW_QUEUE + mem[RW_QUEUED]] = 2 * task + (1 if write else 0)
    mem[RW_QUEUED] += 1
    return False


@njit
def hand_over(mem: Any) -> None:
    """Give a lock that may have become free to the head of the queue. Mutates: mem."""
    if mem[RW_QUEUED] == 0 or mem[RW_WRITER] != 0:
        return
    if mem[RW_QUEUE] & 1:
        if mem[RW_READERS] == 0:
            mem[RW_WRITER] = (mem[RW_QUEUE] >> 1) + 1
            for k in range(1, mem[RW_QUEUED]):
                mem[RW_QUEUE + k - 1] = mem[RW_QUEUE + k]
            mem[RW_QUEUED] -= 1
            mem[RW_QUEUE + mem[RW_QUEUED]] = 0
        return
    kept = 0
    for k in range(mem[RW_QUEUED]):
        waiter = mem[RW_QUEUE + k]
        if waiter & 1:
            mem[RW_QUEUE + kept] = waiter
            kept += 1
        else:
            mem[RW_READERS] |= 1 << (waiter >> 1)
    for k in range(kept, mem[RW_QUEUED]):
        mem[RW_QUEUE + k] = 0
    mem[RW_QUEUED] = kept


@njit
def read_unlock(mem: Any, task: int) -> None:
    """Stop reading and hand over. Mutates: mem."""
    mem[RW_READERS] &= ~(1 << task)
    hand_over(mem)


@njit
def write_unlock(mem: Any) -> None:
    """Stop writing and hand over. Mutates: mem."""
    mem[RW_WRITER] = 0
    hand_over(mem)


@njit
def downgrade(mem: Any, task: int) -> None:
    """Turn the write hold into a read hold and let queued readers in, but no writer. Mutates: mem."""
    mem[RW_WRITER] = 0
    mem[RW_READERS] |= 1 << task
    hand_over(mem)
