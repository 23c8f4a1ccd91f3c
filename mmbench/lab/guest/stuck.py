"""The thread's worry, for real: an OOM kill in a cgroup while somebody holds what exit_mmap will want.

Three processes are in the cgroup: the victim, a bystander that the OOM killer takes next, and the trigger, whose memory
is what the kill is for. Whoever holds a page lock or mmap_lock lets go after a time, or when the trigger has its memory
or is dead.
"""

import os
import select
import time
from contextlib import ExitStack, suppress
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter, queued
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, Found
from mmbench.live.cgroup import OwnCgroup, memory_hierarchy, remove_cgroup
from mmbench.live.kmsg import KernelLog, OomMessage
from mmbench.live.pagemap import PAGE_BYTES
from mmbench.live.proc import kernel_thread, read
from mmbench.live.tracefs import TraceEvent, TraceInstance, open_tracefs, remove_instance
from mmbench.live.trigger import TRIGGER_BYTES, Trigger
from mmbench.live.victim import Victim, write_file
from mmbench.live.workload import VictimConfig

BYSTANDER = VictimConfig(40 << 20)  # alone more than the trigger needs
SLACK_BYTES = TRIGGER_BYTES // 2
POLL_S = 0.001  # while everybody begins
SLOW_POLL_S = 0.01  # afterwards: whoever looks takes CPU from those that are looked at
BEGINNING_S = 0.06
HURRY_S = 0.016  # the reaper of a design without a delay comes so long after the kill, when exit_mmap has begun
PATIENCE_S = 6.0
DEEPEST = 6  # functions of a stack that are told


def kill_beside_holder(config: VictimConfig, item: dict[str, Any]) -> Found:
    """Have somebody hold something, kill, and say who waited, who died, and what was left.

    item: ``holds`` (a bystander's command, see module/README.md), ``held_page`` of the victim's range for "lock-page",
    ``hold_ms`` after the kill (0: until the trigger has its memory), ``hurry`` (whether the reaper comes without its
    delay of 2 s). Times are ns after the kill.
    """
    with ExitStack() as stack:
        cgroup = own_cgroup(stack)
        log = stack.enter_context(KernelLog())
        trace = oom_trace(stack)
        reaper = kernel_thread("oom_reaper")
        if reaper is not None:
            trace.enable("mmap_lock", [reaper])  # from v5.11 on: attempts are seen
        victim = stack.enter_context(Victim(config, MAX_VICTIM_BYTES, str(cgroup.path)))
        bystander = stack.enter_context(Victim(BYSTANDER, MAX_VICTIM_BYTES, str(cgroup.path)))
        write_file(f"/proc/{bystander.pid}/oom_score_adj", "0")
        trigger = stack.enter_context(Trigger(str(cgroup.path)))
        queued.watch(trace, [pid for pid in (victim.pid, reaper, os.getpid()) if pid is not None])
        stack.callback(interpreter.release)
        interpreter.command(item["holds"], victim.pid, victim.start + item["held_page"] * PAGE_BYTES)
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        cgroup.set_limit(cgroup.usage_bytes() + SLACK_BYTES)
        scene = _Scene(victim, log, item["hurry"], item["hold_ms"] / 1000)
        trigger.go()
        outcome = scene.watch(trigger)
        interpreter.release()
        stacks = scene.stacks
        victim.wait()
        scene.messages += log.messages()
        names = {bystander.pid: "bystander", trigger.pid: "trigger"}
        events = trace.events()
        return {"trigger": outcome, "stacks": stacks, **_told(scene, events, names, victim.pid)}


def own_cgroup(stack: ExitStack) -> OwnCgroup:
    """A memory cgroup that goes with the stack, and everybody in it."""
    hierarchy = memory_hierarchy()
    path = hierarchy.mount / "stuck"
    stack.callback(remove_cgroup, path)
    return OwnCgroup(path, hierarchy.version)


def oom_trace(stack: ExitStack) -> TraceInstance:
    """A trace of the OOM killer's events that goes with the stack."""
    tracefs = open_tracefs()
    stack.callback(os.close, tracefs)
    trace = TraceInstance(tracefs, "stuck")
    stack.callback(remove_instance, tracefs, "stuck")
    trace.enable("oom")
    return trace


class _Scene:
    """What is seen from outside while everybody waits for everybody."""

    def __init__(self, victim: Victim, log: KernelLog, hurry: bool, hold_s: float) -> None:
        self.victim, self.log, self.hurry, self.hold_s = victim, log, hurry, hold_s
        self.messages: list[OomMessage] = []
        self.stacks: list[list[str]] = []
        self.killed_at = 0.0

    def watch(self, trigger: Trigger) -> str:
        """Look until the trigger reports, and until whoever holds for a time has let go; "waits": not in time."""
        deadline = time.monotonic() + PATIENCE_S
        outcome = "waits"
        while time.monotonic() < deadline and (outcome == "waits" or self.hold_s):
            self.look()
            if outcome == "waits" and select.select([trigger.reader], [], [], self.pause_s())[0]:
                outcome = str(trigger.outcome()["outcome"])
            elif outcome != "waits":
                time.sleep(SLOW_POLL_S)
        return outcome

    def pause_s(self) -> float:
        """How long not to look."""
        begins = not self.killed_at or time.monotonic() < self.killed_at + BEGINNING_S
        return POLL_S if begins else SLOW_POLL_S

    def look(self) -> None:
        """Read the kernel's log, send the reaper, and note where the victim sleeps."""
        now = time.monotonic()
        new = self.log.messages()
        self.messages += new
        if any(m.kind == "killed" and m.pid == self.victim.pid for m in new):
            self.killed_at = now
        if self.killed_at and self.hurry and now >= self.killed_at + HURRY_S:
            with suppress(CannotError):
                interpreter.command("hurry", self.victim.pid)
            self.hurry = False
        if self.killed_at and self.hold_s and now >= self.killed_at + self.hold_s:
            interpreter.release()
            self.hold_s = 0.0
        with suppress(OSError):
            stack = functions(read(f"/proc/{self.victim.pid}/stack"))
            if "exit_by_program" in stack or "exit_mmap" in stack:
                seen = stack[:DEEPEST]
                if seen not in self.stacks:
                    self.stacks.append(seen)


def functions(stack: str) -> list[str]:
    """The functions of /proc/PID/stack, the innermost first."""
    return [line.split("] ", 1)[1].split("+")[0] for line in stack.splitlines() if "] " in line]


def _told(scene: _Scene, events: list[TraceEvent], names: dict[int, str], pid: int) -> Found:
    """Times after the kill, by tracepoints; what has none, by the log's own clock."""
    kills = [e for e in events if e.event == "mark_victim"]
    zero = next(e.t_ns for e in kills if e.fields.get("pid") == str(pid))
    at = {e.event: e.t_ns - zero for e in events if e.fields.get("pid") == str(pid)}
    said = {m.kind: m.log_us for m in scene.messages if m.pid == pid}
    gave_up = (said["unable"] - said["killed"]) * 1000 if "unable" in said and "killed" in said else None
    steps = queued.with_queued(interpreter.stop_log(), events)
    return {
        "further_kills": [
            {"who": names.get(int(e.fields["pid"]), "other"), "ns": e.t_ns - zero} for e in kills if e.t_ns > zero
        ],
        "reaper_woken_ns": at.get("wake_reaper"),
        "reaper_began_ns": at.get("start_task_reaping"),
        "reaper_ended_ns": at.get("finish_task_reaping"),
        "gave_up_ns": gave_up,
        "n_failed_trylocks": sum(e.fields.get("success") == "false" for e in events) or None,
        "steps": [entry | {"ns": entry["ns"] - zero} for entry in steps],
    }
