"""The pass that hands mmap_lock over: where it stops, where it begins again, and who can keep it from ever ending."""

from __future__ import annotations

from mmbench.machine.assemble import assemble
from mmbench.machine.gather import FULL_CAPACITY
from mmbench.machine.protocol import MMF_OOM_SKIP, Op, step
from mmbench.machine.status import BLOCKED
from mmbench.model.build import build
from mmbench.model.layout import VM_LOCKED, vma_table
from mmbench.model.world import MM_FLAGS, MM_FREED, RW_READERS, T_CAPACITY, T_PC, T_TRIES, views
from mmbench.strategies import load
from tests.machine.worlds import one_step

TABLE = 512
WRITERS = (
    step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
    step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
    step("the next writer", Op.GOTO, to="mmap_write_lock"),
)
REAPER, WRITER = 0, 1


def world_with_writers(start: int, pages: int):
    """A reaper of 2 MiB chunks on one VMA, and writers that come one after another."""
    w = build(vma_table({"start": [start], "pages": [pages], "flags": VM_LOCKED}), 2)
    program = assemble({"reaper": load("handover-1g:chunk=2MiB").roles["reaper"], "writer": WRITERS})
    cells = views(w).tasks
    cells[:, T_CAPACITY] = FULL_CAPACITY
    cells[REAPER, T_PC], cells[WRITER, T_PC] = program.starts["reaper"], program.starts["writer"]
    return w, program


def label(w, program, task: int) -> str:
    return program.labels[int(views(w).tasks[task, T_PC])][1]


def one_pass(w, program, writer_waits: bool) -> list[int]:
    """Let the reaper take the lock and go through one pass: pages freed after each chunk."""
    freed = [int(w.mem[MM_FREED])]
    while not w.mem[RW_READERS]:
        one_step(w, program, REAPER, TABLE)
    if writer_waits:
        assert one_step(w, program, WRITER, TABLE) == BLOCKED
    while w.mem[RW_READERS]:
        one_step(w, program, REAPER, TABLE)
        if int(w.mem[MM_FREED]) != freed[-1]:
            freed.append(int(w.mem[MM_FREED]))
    return freed


def test_a_pass_that_nobody_waits_for_goes_down_in_chunks_to_the_end_of_the_vma():
    w, program = world_with_writers(100, 3 * TABLE)
    assert one_pass(w, program, writer_waits=False) == [0, 100, 100 + TABLE, 100 + 2 * TABLE, 3 * TABLE]
    assert label(w, program, REAPER) == "set MMF_OOM_SKIP"


def test_one_writer_costs_one_hand_over_and_no_attempt():
    w, program = world_with_writers(0, 3 * TABLE)
    assert one_pass(w, program, writer_waits=True) == [0, TABLE]
    assert label(w, program, REAPER) == "EAGAIN: sleep HZ/10" and not views(w).tasks[REAPER, T_TRIES]
    one_step(w, program, WRITER, TABLE)
    one_step(w, program, WRITER, TABLE)
    assert one_pass(w, program, writer_waits=False)[-1] == 3 * TABLE
    assert label(w, program, REAPER) == "set MMF_OOM_SKIP"


def test_writers_that_come_one_after_another_keep_the_reaper_at_its_first_chunk_for_ever():
    """I3 fails for this design under a stream of writers: no attempt is counted, and nothing more is freed."""
    w, program = world_with_writers(0, 3 * TABLE)
    for _ in range(100):
        assert one_pass(w, program, writer_waits=True)[-1] == TABLE
        one_step(w, program, WRITER, TABLE)  # has the lock
        one_step(w, program, WRITER, TABLE)  # and gives it back
        one_step(w, program, WRITER, TABLE)
    assert not views(w).tasks[REAPER, T_TRIES]
    assert not w.mem[MM_FLAGS] & MMF_OOM_SKIP
