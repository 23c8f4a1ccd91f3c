"""The clockwork looks up now and then: a run cut into pieces is the same run, and a loop of no time is called hung."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import clockwork, prepare, run, runner
from mmbench.engine.setup import assemble_tasks, place_tasks, reset, start_clocks
from mmbench.engine.tasks import plan_tasks
from mmbench.machine.protocol import Op, Role, step
from mmbench.scenarios import scenario
from mmbench.strategies import load
from mmbench.strategies.load import Loaded
from mmbench.victims import synthetic

VICTIM = synthetic(8 << 20, vmas=4)
ROUND = (step("round", Op.SLEEP, ps=0), step("again", Op.GOTO, to="round"))


def stretches(n_steps: int) -> int:
    """How many times run_clockwork looks up in one run, cut after n_steps each."""
    prepared, loaded, quiet = prepare(VICTIM.vmas), load("v6.18"), scenario("mrelease")
    w, tasks = reset(prepared), plan_tasks(loaded, quiet, prepared.resident_pages, -1)
    program = assemble_tasks(tasks)
    place_tasks(w, tasks, program, quiet)
    clocks = start_clocks(tasks, program, prepared.freeable_pages, load_table(), 1, quiet)
    n, waited_for = 0, sum(task.waited_for for task in tasks)
    while clockwork.run_clockwork(w, clocks, program.rows, waited_for, 512, 1 << 30, 10**15, n_steps) == (
        clockwork.LOOKS_UP
    ):
        n += 1
    return n


def test_it_looks_up_after_as_many_steps_as_it_was_told() -> None:
    n = stretches(1)
    assert n > 50
    assert stretches(7) == n // 7


@pytest.mark.parametrize("n_steps", [1, 17])
@pytest.mark.parametrize("name", ["mrelease", "stuck-holder", "contended"])
def test_where_a_run_is_cut_changes_nothing(name: str, n_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def record() -> dict[str, object]:
        return run(VICTIM.vmas, load("v5.17"), scenario(name), load_table(), victim="small")

    whole = record()
    monkeypatch.setattr(runner, "STEPS_BETWEEN_LOOKS", n_steps)
    monkeypatch.setattr(runner, "STEPS_PER_PLACE", 1 << 40)
    assert record() == whole


def spinning(role: Role) -> Loaded:
    """v6.18 with a reaper that goes round and round."""
    loaded = load("v6.18")
    return replace(loaded, roles={**loaded.roles, "reaper": role})


def test_a_loop_of_no_time_is_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "STEPS_BETWEEN_LOOKS", 1 << 12)
    record = run(
        VICTIM.vmas, spinning(ROUND), scenario("quiet", {"exit_start_ps": 10**9}), load_table(), victim="small"
    )
    assert record["outcome"] == "hung"
    assert record["left_pages"] == {"exit_blocked": VICTIM.vmas.resident_pages}


BUSY = (step("look", Op.IF_FLAG, flag=1 << 20, otherwise="again", to="on"), step("again", Op.GOTO, to="look"))


def test_a_loop_of_little_time_is_hung_as_soon_as_nobody_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reaper that waits for a flag which nobody sets: the victim is freed, the reaper never ends."""
    monkeypatch.setattr(runner, "STEPS_BETWEEN_LOOKS", 1 << 12)
    role = (*BUSY, step("on", Op.SLEEP, ps=1))
    record = run(VICTIM.vmas, spinning(role), scenario("quiet"), load_table(), victim="small")
    assert record["outcome"] == "hung" and not record["left_pages"]
    assert record["end_ps"]["reaper"] is None
