"""A forced schedule: exit stands before one of its steps, and only then somebody comes to reap.

The caller has taken the mm long ago, so no ESRCH keeps it out of a step: only the design does.
"""

import os
import time
from contextlib import suppress
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, Counted, Found
from mmbench.lab.guest.stuck import DEEPEST, functions
from mmbench.live import libc
from mmbench.live.proc import read
from mmbench.live.victim import Victim, fork_bound
from mmbench.live.workload import VictimConfig

POLL_S = 0.001
ARRIVES_S = 5.0  # exit of the largest victim takes a tenth of it
WAITS_S = 0.1  # a caller who is not through by then waits for exit; a pass takes a fraction of it


def meet_exit(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Stop exit before the row ``item["stop"]``, let a caller come, then let both end."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        before = held.pages()
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        interpreter.command("stop-exit", item["stop"])
        libc.ptrace_cont(victim.pid)
        await_exit_at(item["stop"])
        caller = fork_bound()
        if caller == 0:
            call()
        waits_in = watch(caller)
        interpreter.command("go")
        ended = os.waitpid(caller, 0)[1] if waits_in else 0
        victim.wait()
    return {"pages_before": before, "waits_in": waits_in, "status": ended, "steps": interpreter.stop_log()}


def await_exit_at(row: int) -> None:
    """Wait until exit stands before a row."""
    deadline = time.monotonic() + ARRIVES_S
    while interpreter.where().get("exit") != row:
        if time.monotonic() > deadline:
            raise CannotError(f"exit never came to its row {row}: it is at {interpreter.where()}")
        time.sleep(POLL_S)


def call() -> None:
    """The caller's whole life."""
    try:
        with suppress(CannotError):
            interpreter.command("mrelease")
    finally:
        os._exit(0)


def watch(caller: int) -> list[str]:
    """Return where the caller sleeps, the innermost function first; [] when it came through."""
    deadline = time.monotonic() + WAITS_S
    while time.monotonic() < deadline:
        if os.waitpid(caller, os.WNOHANG)[0]:
            return []
        time.sleep(POLL_S)
    return functions(read(f"/proc/{caller}/stack"))[:DEEPEST] or ["running"]
