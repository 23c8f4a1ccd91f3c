"""A schedule of the checker, forced: exit, reaper and a caller go on in turns, and stand where it says."""

import os
import select
import time
from contextlib import ExitStack, suppress
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter, left_over
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, Counted, Found, OomKilled, pages
from mmbench.lab.guest.forced import POLL_S, call
from mmbench.lab.guest.stuck import DEEPEST, functions
from mmbench.live import libc
from mmbench.live.proc import kernel_thread, read
from mmbench.live.victim import Victim, fork_bound
from mmbench.live.workload import VictimConfig

THROUGH = -1
NEVER = 127  # no program has so many rows
SETTLES_S = 0.2  # whoever has neither arrived nor ended by then sleeps
REAPER_S = 4.0  # its delay, ten attempts and a pass


def schedule(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Let each of ``item["turns"]`` be taken; then let go of everything, and wait until all have ended."""
    turns = item["turns"]
    with ExitStack() as stack:
        if any(turn["role"] == "reaper" for turn in turns):
            killed: OomKilled | None = stack.enter_context(OomKilled(config))
            assert killed is not None
            victim = killed.victim
            before = sum(pages(victim))
        else:
            killed, victim = None, stack.enter_context(Victim(config, MAX_VICTIM_BYTES))
            before = Counted(victim).pages()
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        stack.callback(interpreter.release)
        cast = Cast(victim, killed)
        if killed is not None:
            interpreter.command("stop-reaper", item["stop"])
        seen = [cast.take(turn) for turn in turns]
        interpreter.release()
        interpreter.command("go")
        status = os.waitpid(cast.caller, 0)[1] if cast.caller else 0
        cast.start_exit()
        victim.wait()
        if killed is not None and cast.said() == "":
            with suppress(CannotError):
                killed.await_reaper()
        found = {"pages_before": before, "turns_seen": seen, "reaper_said": cast.said(), "status": status}
        return found | left_over.still_mapped(victim) | {"steps": interpreter.stop_log()}


class Cast:
    """Who is on the way, and what each did in its turn."""

    def __init__(self, victim: Victim, killed: OomKilled | None) -> None:
        self.victim, self.killed = victim, killed
        self.caller, self.goes, self.holds, self.is_called = 0, False, False, False
        self.words = ""

    def take(self, turn: dict[str, Any]) -> Found:
        """Let a role go on to its row, or through; whether it came there, and where it sleeps if it does."""
        role, to = turn["role"], turn["to"]
        if role == "exit" and turn["held"] != self.holds:
            self.hold(turn["held"])
        interpreter.command(f"stop-{role}", NEVER if to == THROUGH or turn["held"] else to)
        self.start(role)
        deadline = time.monotonic() + (REAPER_S if role == "reaper" else SETTLES_S)
        while time.monotonic() < deadline:
            if turn["held"]:
                pass
            elif self.ended(role) if to == THROUGH else interpreter.where().get(role) == to:
                return {"reached": True, "sleeps_in": []}
            time.sleep(POLL_S)
        asleep = self.stack_of(role)
        return {"reached": bool(turn["held"]) and interpreter.where().get(role) == to and bool(asleep)} | {
            "sleeps_in": asleep
        }

    def hold(self, held: bool) -> None:
        """Take the lock of the victim's first page, in which its munlock will wait, or let go of it."""
        if held:
            interpreter.command("lock-page", self.victim.pid, self.victim.start)
        else:
            interpreter.release()
        self.holds = held

    def start(self, role: str) -> None:
        """Begin what has not begun."""
        if role == "exit":
            self.start_exit()
        elif role == "mrelease" and not self.is_called:
            self.is_called = True
            self.caller = fork_bound()
            if self.caller == 0:
                call()

    def start_exit(self) -> None:
        """Let the held victim go into its exit, once."""
        if not self.goes:
            self.goes = True
            libc.ptrace_cont(self.victim.pid)

    def ended(self, role: str) -> bool:
        """Whether a role is through."""
        if role == "exit":
            return bool(select.select([self.victim.pidfd], [], [], 0)[0])
        if role == "reaper":
            return self.said() != ""
        if self.caller and os.waitpid(self.caller, os.WNOHANG)[0]:
            self.caller = 0
        return not self.caller

    def said(self) -> str:
        """What the reaper said of the victim: "reaped", "unable", or "" so far."""
        if self.killed is not None and not self.words:
            kinds = [m.kind for m in self.killed.log.messages() if m.pid == self.victim.pid]
            self.words = next((kind for kind in kinds if kind in ("reaped", "unable")), "")
        return self.words

    def stack_of(self, role: str) -> list[str]:
        """The functions that a role sleeps in, the innermost first; [] for one that is gone."""
        pid = {"exit": self.victim.pid, "mrelease": self.caller, "reaper": kernel_thread("oom_reaper") or 0}[role]
        with suppress(OSError):
            return functions(read(f"/proc/{pid}/stack"))[:DEEPEST]
        return []
