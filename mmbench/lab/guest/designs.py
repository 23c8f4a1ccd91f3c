"""Experiments under a design: those of guest.experiments, with the module's program in place of the kernel's code."""

from collections.abc import Callable
from typing import Any

from mmbench.lab.guest import interpreter
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, POLL_S, Counted, Found, _Oom, pages
from mmbench.live.probe import finish, time_exit, time_mrelease_then_exit
from mmbench.live.victim import Victim
from mmbench.live.workload import VictimConfig


def exit_alone(config: VictimConfig) -> Found:
    """Time exit_mmap alone."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        interpreter.set_target(victim.pid)
        ns = time_exit(held).ns
        return {"pages_before": held.counts[0], "ns": ns}


def mrelease_then_exit(config: VictimConfig) -> Found:
    """Time process_mrelease alone, count what it left, and time the exit of that."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        interpreter.set_target(victim.pid)
        mrelease, rest = time_mrelease_then_exit(held)
        before, after = held.counts
        return {"pages_before": before, "pages_after": after, "ns": mrelease.ns, "exit_after_ns": rest.ns}


def reaper_then_exit(config: VictimConfig) -> Found:
    """Have the OOM killer kill a victim (sysrq f), hold it, and time the OOM reaper alone, then the exit."""
    with _Oom(config) as kill:
        before = pages(kill.victim)
        interpreter.set_target(kill.victim.pid)
        kill.await_reaper(POLL_S)
        after = pages(kill.victim)
        rest = finish(kill.victim, "exit_after", sum(after))
        times = kill.reaper_times()
        return {"pages_before": before, "pages_after": after, **times, "exit_after_ns": rest.ns}


def steps(config: VictimConfig) -> Found:
    """Have the OOM killer kill a victim, hold it for the reaper, let it exit: every step of both, as the log has it."""
    with _Oom(config) as kill:
        interpreter.set_target(kill.victim.pid)
        interpreter.start_log()
        kill.await_reaper(POLL_S)
        finish(kill.victim, "exit_after", 0)
        return {"steps": relative(interpreter.stop_log())}


def relative(log: list[Found]) -> list[Found]:
    """A log with times since its first entry."""
    return [entry | {"ns": entry["ns"] - log[0]["ns"]} for entry in log]


KINDS: dict[str, Callable[[VictimConfig], Found]] = {
    "exit": exit_alone,
    "mrelease": mrelease_then_exit,
    "reaper": reaper_then_exit,
    "steps": steps,
}


def run_item(item: dict[str, Any]) -> dict[str, Any]:
    """Run one item of the plan as often as it says, under its program."""
    config = VictimConfig.from_dict(item["victim"])
    interpreter.set_program(item["program"])
    return {"reps": [KINDS[item["kind"]](config) for _ in range(item["n_reps"])]}
