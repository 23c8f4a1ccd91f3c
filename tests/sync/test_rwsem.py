"""mmap_lock against its twin, on random sequences of calls."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.model.world import RW_QUEUE, RW_QUEUED, RW_READERS, RW_WRITER, TASKS_AT
from mmbench.sync import rwsem
from tests.reference.rwsem import Rwsem

N = 5


def state(mem: np.ndarray) -> tuple:
    queue = [(int(x) >> 1, bool(x & 1)) for x in mem[RW_QUEUE : RW_QUEUE + mem[RW_QUEUED]]]
    readers = {t for t in range(N) if mem[RW_READERS] >> t & 1}
    return (int(mem[RW_WRITER]) - 1 if mem[RW_WRITER] else None, readers, queue)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 3)), max_size=40))
def test_every_sequence_agrees_with_the_twin(calls):
    mem, twin = np.zeros(TASKS_AT, dtype=np.int64), Rwsem()
    for task, call in calls:
        reads, writes = task in twin.readers, twin.writer == task
        waits = any(waiting == task for waiting, _ in twin.queue)
        if writes and call == 0:
            rwsem.downgrade(mem, task)
            twin.downgrade(task)
        elif writes:
            rwsem.write_unlock(mem)
            twin.write_unlock()
        elif reads:
            rwsem.read_unlock(mem, task)
            twin.read_unlock(task)
        elif waits:
            wanted = dict(twin.queue)[task]
            assert rwsem.lock_or_queue(mem, task, wanted) == twin.lock(task, wanted)
        elif call == 1:
            assert rwsem.read_trylock(mem, task) == twin.trylock(task)
        else:
            assert rwsem.lock_or_queue(mem, task, call == 2) == twin.lock(task, call == 2)
        assert state(mem) == (twin.writer, twin.readers, twin.queue)
        assert not (mem[RW_WRITER] and mem[RW_READERS])


def test_trylock_fails_behind_a_waiting_writer():
    mem = np.zeros(TASKS_AT, dtype=np.int64)
    assert rwsem.read_trylock(mem, 0)
    assert not rwsem.lock_or_queue(mem, 1, True)
    assert not rwsem.read_trylock(mem, 2)
    rwsem.read_unlock(mem, 0)
    assert mem[RW_WRITER] == 2
