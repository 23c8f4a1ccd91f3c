"""A real OOM kill, contained: a victim in a memory cgroup of our own making, killed by the kernel's OOM killer.

A trigger in the same cgroup allocates past a limit set just above what the victim uses. The victim has oom_score_adj
1000, so it is chosen; the reaper comes 2 s later (since 5.18). The record's times are nanoseconds since mark_victim,
from the kernel's tracepoints on CLOCK_MONOTONIC; its page counts are exact when the victim is held at its exit stop.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError, InputError
from mmbench.live import libc, proc
from mmbench.live.cgroup import MemoryHierarchy, OwnCgroup, memory_hierarchy, remove_cgroup
from mmbench.live.guardian import Guardian
from mmbench.live.kmsg import KernelLog, OomMessage
from mmbench.live.probe import EXIT_STOP, Timing, count_pages, finish, seize
from mmbench.live.reasons import because
from mmbench.live.tracefs import TraceEvent, TraceInstance, open_tracefs, remove_instance
from mmbench.live.trigger import TRIGGER_BYTES, Trigger
from mmbench.live.victim import MARGIN_BYTES, Victim, refuse_too_large
from mmbench.live.workload import VictimConfig

SLACK_BYTES = TRIGGER_BYTES // 2  # limit above usage: enough to set it without reclaim, half of what the trigger takes
LEAST_VICTIM_BYTES = 16 << 20
KILL_TIMEOUT_S = 20.0
REAP_TIMEOUT_S = 8.0  # 2 s of delay, 1 s of retries, and a busy machine
POLL_S = 0.005


def refuse_uncontained(
    config: VictimConfig, max_memory_bytes: int, proc_root: str = "/proc"
) -> tuple[MemoryHierarchy, Path]:
    """Return where the cgroup can be made, or refuse in a sentence when the kill might hit anything but our own."""
    if config.memory_bytes < LEAST_VICTIM_BYTES:
        raise InputError(
            f"{config} is too small to be worth an OOM kill; give at least {LEAST_VICTIM_BYTES >> 20} MiB."
        )
    refuse_too_large(config, max_memory_bytes)
    if proc.read(f"{proc_root}/sys/vm/panic_on_oom").strip() == "2":
        raise CannotError(
            "vm.panic_on_oom is 2: any OOM kill panics this machine, even one in a cgroup. Set it to 0 or 1 first."
        )
    hierarchy = memory_hierarchy(proc_root)
    home = hierarchy.home()
    need = config.memory_bytes + TRIGGER_BYTES + MARGIN_BYTES
    headroom = hierarchy.headroom_bytes()
    if home != hierarchy.mount and headroom is not None and headroom < need:
        raise CannotError(
            f"a cgroup above {home} leaves {headroom >> 20} of the {need >> 20} MiB needed: its limit could be "
            "hit before ours and kill something else. Take a smaller victim, or run outside that cgroup."
        )
    return hierarchy, home


def kill_in_own_cgroup(config: dict[str, Any], is_held: bool, max_memory_bytes: int) -> Iterator[dict[str, Any]]:
    """Yield {"step": sentence} messages and at last {"record": ...}; nothing that was made is left then."""
    shape = VictimConfig.from_dict(config)
    hierarchy, home = refuse_uncontained(shape, max_memory_bytes)
    name = f"mmbench-{os.getpid()}"
    with ExitStack() as stack:
        tracefs = open_tracefs()
        stack.callback(os.close, tracefs)

        def clean_up() -> None:
            remove_cgroup(home / name)
            remove_instance(tracefs, name)

        stack.enter_context(Guardian(clean_up, (tracefs,)))
        log = stack.enter_context(KernelLog())
        try:
            cgroup = OwnCgroup(home / name, hierarchy.version)
        except OSError as error:
            raise because(error, f"making the memory cgroup {home / name}") from error
        trace = TraceInstance(tracefs, name)
        yield {"step": f"building {shape} in {cgroup.path}"}
        victim = stack.enter_context(Victim(shape, max_memory_bytes, str(cgroup.path)))
        trigger = stack.enter_context(Trigger(str(cgroup.path)))
        kill = _Kill(victim, trigger, cgroup, trace, log)
        kill.arm(is_held)
        yield {"step": "the trigger allocates past the limit; the kernel's OOM killer comes"}
        trigger.go()
        yield from kill.watch_held() if is_held else kill.watch_free()
        yield {"record": kill.record(is_held)}


class _Kill:
    """One kill under way: its parties, and what was seen so far."""

    def __init__(
        self, victim: Victim, trigger: Trigger, cgroup: OwnCgroup, trace: TraceInstance, log: KernelLog
    ) -> None:
        self.victim, self.trigger, self.cgroup, self.trace, self.log = victim, trigger, cgroup, trace, log
        self.messages: list[OomMessage] = []
        self.pages_before = count_pages(victim)
        self.pages_after: int | None = None
        self.exit: Timing | None = None
        self.gone_ns = 0

    def arm(self, is_held: bool) -> None:
        """Make sure that exactly our two processes are in the cgroup, then set its limit just above what they use."""
        if sorted(self.cgroup.pids()) != sorted([self.victim.pid, self.trigger.pid]):
            raise CannotError(f"{self.cgroup.path} does not hold exactly the victim and the trigger; no kill is made.")
        reaper = proc.kernel_thread("oom_reaper")
        pids = [self.victim.pid, *([reaper] if reaper is not None else [])]
        self.trace.enable("oom")
        for event in ("mmap_lock", "mmap/exit_mmap"):
            self.trace.enable(event, pids)
        if is_held:
            seize(self.victim)
        self.cgroup.set_limit(self.cgroup.usage_bytes() + SLACK_BYTES)

    def watch_held(self) -> Iterator[dict[str, str]]:
        """Wait for the victim's exit stop and for the reaper, count what it left, then let the victim exit."""
        _poll(self._is_at_exit_stop, KILL_TIMEOUT_S, "the OOM killer did not kill the victim")
        yield {"step": "the victim is held at its exit; waiting for the OOM reaper"}
        _poll(self._is_reaped, REAP_TIMEOUT_S, "the OOM reaper did not come")
        self.pages_after = count_pages(self.victim)
        yield {"step": f"the reaper has left {self.pages_after} of {self.pages_before} pages; letting the victim exit"}
        self.exit = finish(self.victim, "exit_after", self.pages_after)
        self.gone_ns = time.monotonic_ns()

    def watch_free(self) -> Iterator[dict[str, str]]:
        """Let the victim exit by itself, then wait until the reaper would have come."""
        _poll(self._is_gone, KILL_TIMEOUT_S, "the OOM killer did not kill the victim, or it does not exit")
        self.gone_ns = time.monotonic_ns()
        yield {"step": "the victim has exited; waiting until the OOM reaper would have come"}
        self.messages += self.log.messages()
        deadline = time.monotonic() + 2.3
        while time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _is_at_exit_stop(self) -> bool:
        pid, wait_status = os.waitpid(self.victim.pid, libc.WAIT_ALL | os.WNOHANG)
        if pid and wait_status >> 8 != EXIT_STOP:
            self.victim.ended = not os.WIFSTOPPED(wait_status)
            raise CannotError("the victim did not stop at its exit; is another tracer or seccomp at work?")
        return bool(pid)

    def _is_reaped(self) -> bool:
        self.messages += self.log.messages()
        return any(m.pid == self.victim.pid and m.kind in ("reaped", "unable") for m in self.messages)

    def _is_gone(self) -> bool:
        pid, _ = os.waitpid(self.victim.pid, libc.WAIT_ALL | os.WNOHANG)
        self.victim.ended = bool(pid)
        return self.victim.ended

    def record(self, is_held: bool) -> dict[str, Any]:
        """Return everything seen, as plain JSON values."""
        self.messages += self.log.messages()
        ours = {self.victim.pid: "victim", self.trigger.pid: "trigger"}
        outcome = self.trigger.outcome()
        events = self.trace.events()
        marks = [e.t_ns for e in events if e.event == "mark_victim" and e.fields.get("pid") == str(self.victim.pid)]
        if not marks:
            raise CannotError(
                "the trace does not show mark_victim for our victim; the kernel has no oom tracepoints, see doctor."
            )
        zero_ns = marks[0]
        timeline = [_entry(event, zero_ns, ours) for event in events if event.t_ns >= zero_ns and _is_ours(event, ours)]
        timeline.append({"t_ns": self.gone_ns - zero_ns, "who": "victim", "event": "gone", "fields": {}})
        if outcome["done_ns"] is not None:
            timeline.append(
                {"t_ns": outcome["done_ns"] - zero_ns, "who": "trigger", "event": "allocated", "fields": {}}
            )
        timeline.sort(key=lambda entry: entry["t_ns"])
        start_ns, finish_ns = (_when(timeline, name) for name in ("start_task_reaping", "finish_task_reaping"))
        return {
            "config": self.victim.config.to_dict(),
            "facts": asdict(self.victim.config.facts()),
            "is_held": is_held,
            "kernel": os.uname().release,
            "cgroup_version": self.cgroup.version,
            "pages_before": self.pages_before,
            "pages_after_reap": self.pages_after,
            "freed_by_reaper_pages": None if self.pages_after is None else self.pages_before - self.pages_after,
            "reaper_start_ns": start_ns,
            "reaper_finish_ns": finish_ns,
            "exit_after_ns": None if self.exit is None else self.exit.ns,
            "victim_gone_ns": self.gone_ns - zero_ns,
            "trigger": {**outcome, "done_ns": None if outcome["done_ns"] is None else outcome["done_ns"] - zero_ns},
            "n_collateral_kills": max(0, self.cgroup.n_oom_kills() - 1),
            "messages": [{**asdict(m), "who": ours[m.pid]} for m in self.messages if m.pid in ours],
            "timeline": timeline,
            "missing_events": self.trace.missing,
        }


def _poll(is_there: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_there():
        if time.monotonic() > deadline:
            raise CannotError(f"{otherwise} within {timeout_s:.0f} s; nothing was left behind. See dmesg.")
        time.sleep(POLL_S)


def _is_ours(event: TraceEvent, ours: dict[int, str]) -> bool:
    """Drop other people's kills: oom events carry the victim's pid, lock events were filtered by who runs."""
    return event.fields.get("pid", str(event.pid)) in map(str, ours) or event.task == "oom_reaper"


def _entry(event: TraceEvent, zero_ns: int, ours: dict[int, str]) -> dict[str, Any]:
    who = ours.get(event.pid, event.task)
    return {"t_ns": event.t_ns - zero_ns, "who": who, "event": event.event, "fields": event.fields}


def _when(timeline: list[dict[str, Any]], name: str) -> int | None:
    return next((entry["t_ns"] for entry in timeline if entry["event"] == name), None)
