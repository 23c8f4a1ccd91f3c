"""Whoever does the last mmput runs exit_mmap, alone and to its end, in every order of steps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.machine.ops import BY_CODE, Op
from mmbench.machine.protocol import step
from mmbench.machine.status import ROW_OP
from mmbench.model.invariants import broken, conserved
from mmbench.model.layout import VM_LOCKED, vma_table
from mmbench.model.world import DONE, MM_RSS, MM_USERS, T_FREED, T_PC, views
from mmbench.scenarios.last_user import shared_out, taking_over
from tests.machine.worlds import one_step, small_world
from tests.reference.mmput import last_user

VICTIM = vma_table({"start": [0, 600], "pages": [3, 5], "flags": [0, VM_LOCKED]})
ALONE = {"reader_hold_ps": 1, "oom_victim": 0, "reaper_start_ps": -1}
NAMES = ("exit", "reader")
PUTS = (Op.EXIT_MM_IF_LAST, Op.MMPUT_IF_LAST)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=80), st.sampled_from(["v4.17", "v5.17", "v6.18", "exit-write"]))
def test_the_last_mmput_runs_exit_mmap(order, strategy):
    w, program = small_world(VICTIM, strategy, ALONE)
    tasks = views(w).tasks
    w.mem[MM_USERS] += 1  # the reader's pin, which it took before the kill
    tasks[1, T_PC] += 1
    puts = []
    for task in [*order, *[0, 1] * 60]:
        if tasks[task, T_PC] == DONE:
            continue
        op = BY_CODE[int(program.rows[tasks[task, T_PC], ROW_OP])]
        puts += [NAMES[task]] if op in PUTS else []
        one_step(w, program, task, 512)
        assert conserved(w, VICTIM.resident_pages)
    assert [tasks[k, T_PC] for k in (0, 1)] == [DONE, DONE]
    assert w.mem[MM_USERS] == 0 and w.mem[MM_RSS] == 0 and not broken(w)
    owner = NAMES.index(last_user(puts))
    assert tasks[owner, T_FREED] == VICTIM.resident_pages and tasks[1 - owner, T_FREED] == 0


def test_a_pin_in_the_middle_of_a_role_goes_on_where_it_did():
    exit_role = (
        step("exit_mm", Op.EXIT_MM),
        step("last mmput", Op.WAIT_LAST_USER),
        step("unlock", Op.MMAP_READ_UNLOCK),
    )
    role = (step("pin", Op.MMGET_NOT_ZERO, otherwise="done"), step("put", Op.MMPUT), step("rest", Op.SLEEP, ps=1))
    found = {s.label: s for s in taking_over(role, exit_role)}
    assert found["put"].otherwise == "rest" and found["put"].to == "exit_mmap: unlock"
    assert found["rest"].to == "done"
    assert [s.label for s in shared_out({"exit": exit_role, "reader": role})["exit"]] == ["exit_mm", "unlock"]


def test_a_design_that_works_between_exit_mm_and_the_last_mmput_is_refused():
    odd = (step("exit_mm", Op.EXIT_MM), step("nap", Op.SLEEP, ps=1), step("last mmput", Op.WAIT_LAST_USER))
    with pytest.raises(InputError, match="WAIT_LAST_USER right after EXIT_MM"):
        shared_out({"exit": odd})
