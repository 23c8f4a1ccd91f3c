"""Experiments under a design: those of guest.experiments, with the module's program in place of the kernel's code."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter, left_over, system
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, Counted, Found, OomKilled, pages
from mmbench.lab.guest.forced import come_late, forced
from mmbench.lab.guest.schedule import schedule
from mmbench.lab.guest.stuck import kill_beside_holder, own_cgroup
from mmbench.live.probe import Call, finish, time_exit, time_mrelease_then_exit, time_race
from mmbench.live.victim import Victim
from mmbench.live.workload import VictimConfig

Item = dict[str, Any]


def exit_alone(config: VictimConfig, item: Item) -> Found:
    """Time exit_mmap alone."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        interpreter.set_target(victim.pid)
        ns = time_exit(held).ns
        return {"pages_before": held.counts[0], "ns": ns, **left_over.still_mapped(victim)}


def exit_charged(config: VictimConfig, item: Item) -> Found:
    """Time exit_mmap alone of a victim whose pages are charged to a memory cgroup, and before it of one in none.

    What freeing costs depends on how the free pages lie, and that changes from one victim to the next: only neighbours
    tell what the charge costs.
    """
    plain = exit_alone(config, item)
    with ExitStack() as stack:
        cgroup = own_cgroup(stack)
        victim = stack.enter_context(Victim(config, MAX_VICTIM_BYTES, str(cgroup.path)))
        held = Counted(victim)
        interpreter.set_target(victim.pid)  # its struct outlives the measurement, as that of everybody's else does
        ns = time_exit(held).ns
        return {"pages_before": held.counts[0], "ns": ns, "plain_ns": plain["ns"]}


def mrelease_then_exit(config: VictimConfig, item: Item) -> Found:
    """Time process_mrelease alone, count what it left, and time the exit of that."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        interpreter.set_target(victim.pid)
        mrelease, rest = time_mrelease_then_exit(held, call_of(item))
        before, after = held.counts
        found = {"pages_before": before, "pages_after": after, "ns": mrelease.ns, "exit_after_ns": rest.ns}
        return found | left_over.still_mapped(victim)


def reaper_then_exit(config: VictimConfig, item: Item) -> Found:
    """Have the OOM killer kill a victim (sysrq f), hold it, and time the OOM reaper alone, then the exit."""
    with OomKilled(config) as kill:
        before = pages(kill.victim)
        interpreter.set_target(kill.victim.pid)
        kill.await_reaper()
        after = pages(kill.victim)
        rest = finish(kill.victim, "exit_after", sum(after))
        times = kill.reaper_times()
        found = {"pages_before": before, "pages_after": after, **times, "exit_after_ns": rest.ns}
        return found | left_over.still_mapped(kill.victim)


def steps(config: VictimConfig, item: Item) -> Found:
    """Have the OOM killer kill a victim, hold it for the reaper, let it exit: every step of both, as the log has it."""
    with OomKilled(config) as kill:
        interpreter.set_target(kill.victim.pid)
        interpreter.start_log()
        kill.await_reaper()
        finish(kill.victim, "exit_after", 0)
        return {"steps": relative(interpreter.stop_log())}


def race(config: VictimConfig, item: Item) -> Found:
    """Let exit and process_mrelease go at once on two CPUs; every step of both tells who freed what, and when."""
    with Victim(config, MAX_VICTIM_BYTES) as victim:
        held = Counted(victim)
        interpreter.set_target(victim.pid)
        interpreter.start_log()
        timed = time_race(held, caller_cpu=0, call=call_of(item))
    lost = timed.error == "ESRCH"
    return {"pages_before": held.counts[0], "ns": timed.ns, "lost": lost, "steps": relative(interpreter.stop_log())}


def call_of(item: Item) -> Call | None:
    """What a design has in place of process_mrelease(2): the module's caller, who has kept the mm. None: nothing."""
    if item["call"] == "process_mrelease":
        return None

    def kept(victim: Victim, allowed: tuple[int, ...] = ()) -> str:
        interpreter.command("mrelease")
        return ""

    return kept


def relative(log: list[Found]) -> list[Found]:
    """A log with times since its first entry."""
    return [entry | {"ns": entry["ns"] - log[0]["ns"]} for entry in log] if log else []


HANGS_S = 60  # of the guest's clock; the longest experiment takes a tenth of it

KINDS: dict[str, Callable[[VictimConfig, Item], Found]] = {
    "exit": exit_alone,
    "charged": exit_charged,
    "mrelease": mrelease_then_exit,
    "reaper": reaper_then_exit,
    "steps": steps,
    "race": race,
    "late": come_late,
    "forced": forced,
    "schedule": schedule,
    "stuck-holder": kill_beside_holder,
    "reader": kill_beside_holder,
}


def run_item(item: dict[str, Any]) -> dict[str, Any]:
    """Run one item of the plan as often as it says, under its program; what the kernel complains of is an answer."""
    config = VictimConfig.from_dict(item["victim"])
    interpreter.set_program(item["program"])
    before = interpreter.last_record()
    try:
        with Watch(item):
            reps = [once(config, item) for _ in range(item["n_reps"])]
    except CannotError as error:
        return {"error": str(error), "errno": ""}
    interpreter.set_target(0)
    troubles = interpreter.troubles(before)
    if troubles:
        return {"error": "; ".join(troubles), "errno": ""}
    return {"reps": reps}


class Watch(AbstractContextManager["Watch"]):
    """Says where a design stands that takes too long, and ends the machine: whoever hangs there cannot be waited for.

    A kernel that runs in circles never comes to this; the host ends it.
    """

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item

    def __enter__(self) -> "Watch":
        signal.signal(signal.SIGALRM, self._late)
        signal.alarm(HANGS_S)
        return self

    def _late(self, *_: object) -> None:
        labels = self.item["labels"]
        at = [f"{role} in {labels[row]!r}" for role, row in interpreter.where().items()] if labels else []
        system.say({"hangs": f"not done after {HANGS_S} s of its clock; {', '.join(at) or 'no step was begun'}"})
        system.end()

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)


def once(config: VictimConfig, item: Item) -> Found:
    """Run one experiment, and say what is left of the victim when everybody is gone."""
    before = left_over.count()
    found = KINDS[item["kind"]](config, item)
    interpreter.set_target(0)  # its struct was pinned, with a page table in it
    return found | left_over.since(before)
