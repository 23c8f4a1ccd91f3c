"""Forced schedules: one party stands before one of its steps, and only then the other one comes.

A caller of process_mrelease has taken the mm long ago, so no ESRCH keeps it out of a step: only the design does.
"""

import errno
import os
import select
import time
from contextlib import suppress
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, QUIET_S, Counted, Found, OomKilled, pages
from mmbench.lab.guest.stuck import DEEPEST, functions
from mmbench.live import libc
from mmbench.live.probe import Held, mrelease
from mmbench.live.proc import read
from mmbench.live.victim import Victim, fork_bound
from mmbench.live.workload import VictimConfig

POLL_S = 0.001
ARRIVES_S = 5.0  # exit of the largest victim takes a tenth of it
WAITS_S = 0.1  # a caller who is not through by then waits for exit; a pass takes a fraction of it


def forced(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Stop the party ``item["stops"]`` before its row ``item["stop"]``, let the other come, then let both end."""
    return MEETINGS[item["stops"]](config, item)


def meet_exit(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Stop exit before the row ``item["stop"]``, let a caller come, then let both end."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        before = held.pages()
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        interpreter.command("stop-exit", item["stop"])
        libc.ptrace_cont(victim.pid)
        await_at("exit", item["stop"])
        caller = fork_bound()
        if caller == 0:
            call()
        waits_in = watch(caller)
        interpreter.command("go")
        ended = os.waitpid(caller, 0)[1] if waits_in else 0
        victim.wait()
    return {"pages_before": before, "waits_in": waits_in, "status": ended, "steps": interpreter.stop_log()}


def come_late(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Call process_mrelease when the victim has left exit_mm: exit stands before its row ``item["stop"]``.

    A design whose call sends the SIGKILL itself cannot come late: there the victim lives until the call.
    """
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        before = pages(victim)
        if item["call"] == "reap-kill":
            interpreter.command("reap-kill", victim.pid)
            error = ""
        else:
            Held(victim)
            interpreter.command("stop-exit", item["stop"])
            libc.ptrace_cont(victim.pid)
            await_at("exit", item["stop"])
            error = called(victim, item["call"])
            interpreter.command("go")
        victim.wait()
    return {"pages_before": before, "lost": error == "ESRCH", "steps": interpreter.stop_log()}


def called(victim: Victim, call: str) -> str:
    """Call as the design does: the name of the errno that the kernel answered with, or ""."""
    if call == "process_mrelease":
        return mrelease(victim, (errno.ESRCH,))
    interpreter.command(call)
    return ""


def meet_caller(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Stop a caller before a row of the role mrelease, let exit come, then let both end."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        before = Counted(victim).pages()
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        interpreter.command("stop-mrelease", item["stop"])
        caller = fork_bound()
        if caller == 0:
            call()
        await_at("mrelease", item["stop"])
        waits_in = let_exit_come(victim)
        interpreter.command("go")
        ended = os.waitpid(caller, 0)[1]
        victim.wait()
    return {"pages_before": before, "waits_in": waits_in, "status": ended, "steps": interpreter.stop_log()}


def meet_reaper(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Stop the OOM reaper before its pass, with mmap_lock in its hands, let exit come, then let both end."""
    with OomKilled(config) as kill:
        before = sum(pages(kill.victim))
        interpreter.set_target(kill.victim.pid)
        interpreter.start_log()
        interpreter.command("stop-reaper", item["stop"])
        time.sleep(QUIET_S)
        await_at("reaper", item["stop"])
        waits_in = let_exit_come(kill.victim)
        interpreter.command("go")
        kill.victim.wait()
    return {"pages_before": before, "waits_in": waits_in, "status": 0, "steps": interpreter.stop_log()}


MEETINGS = {"exit": meet_exit, "mrelease": meet_caller, "reaper": meet_reaper}


def let_exit_come(victim: Victim) -> list[str]:
    """Let a held victim go on; return where it sleeps, the innermost function first; [] when it came to its end."""
    libc.ptrace_cont(victim.pid)
    if select.select([victim.pidfd], [], [], WAITS_S)[0]:
        return []
    return functions(read(f"/proc/{victim.pid}/stack"))[:DEEPEST] or ["running"]


def await_at(role: str, row: int) -> None:
    """Wait until a role stands before a row."""
    deadline = time.monotonic() + ARRIVES_S
    while interpreter.where().get(role) != row:
        if time.monotonic() > deadline:
            raise CannotError(f"{role} never came to its row {row}: {interpreter.where()}")
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
