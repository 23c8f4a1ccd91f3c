"""A reader of /proc/PID/smaps on a live victim: it pins the mm, and by the last mmput it runs exit_mmap itself.

What the scenario `proc-reader` says, asked of the running kernel. Run with ``pytest -m live tests/live`` as root.
"""

import os
import signal
import time
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from mmbench.ask.runs import Inputs, run_all
from mmbench.live import doctor
from mmbench.live.tracefs import TraceInstance, open_tracefs, remove_instance
from mmbench.live.victim import Victim, fork_bound
from mmbench.live.workload import VictimConfig
from mmbench.strategies import load

pytestmark = pytest.mark.live

VICTIM = VictimConfig(512 << 20)  # one VMA, whose smaps entry is one long walk under the pin of one m_start
ALLOWED = 600 << 20
N_TRIES = 40
NAME = "reader"


class Seen(NamedTuple):
    """Who ran exit_mmap, and how long after the parent's wait for the victim had returned it was over."""

    by: str
    after_gone_ns: int


@pytest.fixture(autouse=True)
def _can_measure() -> None:
    missing = [check for check in doctor.doctor() if check.name == "tracefs" and not check.ok]
    if missing:
        pytest.skip("; ".join(f"{check.name}: {check.reason} ({check.how})" for check in missing))


def reader_of(pid: int) -> int:
    """A child that reads smaps of a process until that is gone."""
    child = fork_bound()
    if child:
        return child
    try:
        while True:
            with open(f"/proc/{pid}/smaps", "rb", buffering=0) as file:
                while file.read(1 << 16):
                    pass
    finally:
        os._exit(0)


def traced_victim(stack: ExitStack) -> tuple[TraceInstance, Victim]:
    """A victim, and an instance of the kernel's tracer that is removed with the stack."""
    tracefs = open_tracefs()
    stack.callback(os.close, tracefs)
    trace = TraceInstance(tracefs, NAME)
    stack.callback(remove_instance, tracefs, NAME)
    return trace, stack.enter_context(Victim(VICTIM, ALLOWED))


def kill_beside_reader(delay_s: float) -> Seen | None:
    """Kill a victim while somebody reads its smaps; None when the trace does not show two exit_mmaps."""
    with ExitStack() as stack:
        trace, victim = traced_victim(stack)
        reader = reader_of(victim.pid)
        names = {victim.pid: "victim", reader: "reader"}
        trace.enable("mmap/exit_mmap", list(names))
        time.sleep(delay_s)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        gone_ns = time.monotonic_ns()
        os.waitpid(reader, 0)
        ends = sorted((e.t_ns, names[e.pid]) for e in trace.events() if e.event == "exit_mmap" and e.pid in names)
        if len(ends) != 2:  # of the victim's mm, by one of the two, and then of the reader's own
            return None
        return Seen(ends[0][1], ends[0][0] - gone_ns)


def test_a_reader_of_smaps_that_does_the_last_mmput_tears_the_victim_down() -> None:
    seen = []
    for attempt in range(N_TRIES):
        found = kill_beside_reader(0.01 + 0.0007 * attempt)
        seen += [found] if found else []
        if found and found.by == "reader" and found.after_gone_ns > 0:
            break
    else:
        pytest.fail(f"in {N_TRIES} kills exit_mmap was never the reader's: {seen}")
    inputs = Inputs("", {"size": "512MiB", "locked": "0", "vmas": "1"}, "proc-reader", {})
    (model,) = run_all(inputs, [load("v6.18")])
    assert model["freed_pages"]["reader"] > 0.9 * VICTIM.facts().n_pages, "the model has somebody else do it"


def test_a_victim_that_nobody_reads_tears_itself_down_before_its_parent_s_wait_returns() -> None:
    with ExitStack() as stack:
        trace, victim = traced_victim(stack)
        trace.enable("mmap/exit_mmap", [victim.pid])
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        gone_ns = time.monotonic_ns()
        assert [e.pid for e in trace.events() if e.t_ns < gone_ns] == [victim.pid]
