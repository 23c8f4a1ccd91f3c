"""The first process of a guest where memory runs out beside a victim that nobody holds: who is killed besides it?

Three processes: the victim, a bystander that the OOM killer takes next, and the trigger, whose memory the kill is for.
The victim exits as fast as it can while the trigger asks again. ``scope`` says whose memory runs out: that of a memory
cgroup with these three in it, or the whole guest's. The plan is as for guest.init, each item with ``scope`` and
``need_bytes``, what the trigger needs; clock and CPUs are real ones.
"""

import os
import select
from contextlib import ExitStack
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import init
from mmbench.lab.guest.experiments import MAX_VICTIM_BYTES, Found
from mmbench.lab.guest.stuck import BYSTANDER, SLACK_BYTES, oom_trace, own_cgroup
from mmbench.live.proc import available_bytes
from mmbench.live.trigger import Trigger
from mmbench.live.victim import Victim, write_file
from mmbench.live.workload import VictimConfig

PATIENCE_S = 60.0  # a busy host takes its time to write what a whole guest has free
SETTLE_S = 1.0  # real time, which no count of instructions shortens


def main() -> None:
    """Run the plan on all CPUs."""
    init.run(answer, SETTLE_S, set(range(os.cpu_count() or 1)))


def answer(item: dict[str, Any]) -> dict[str, Any]:
    """Run one item of the plan once."""
    try:
        return {"reps": [kill_unheld(VictimConfig.from_dict(item["victim"]), item["scope"], item["need_bytes"])]}
    except CannotError as error:
        return {"error": str(error), "errno": ""}


def kill_unheld(config: VictimConfig, scope: str, need_bytes: int) -> Found:
    """Let memory run out, and say who was killed when, in ns after the victim was marked.

    ``exit_mmap_ns`` is the end of the victim's exit_mmap; the victim alone has more than the trigger needs.
    """
    with ExitStack() as stack:
        cgroup = own_cgroup(stack) if scope == "memcg" else None
        path = None if cgroup is None else str(cgroup.path)
        trace = oom_trace(stack)
        victim = stack.enter_context(Victim(config, MAX_VICTIM_BYTES, path))
        bystander = stack.enter_context(Victim(BYSTANDER, MAX_VICTIM_BYTES, path))
        write_file(f"/proc/{bystander.pid}/oom_score_adj", "0")
        beside = available_bytes() if cgroup is None else 0
        trigger = stack.enter_context(Trigger(path, need_bytes + beside))
        trace.enable("mmap/exit_mmap", [victim.pid])
        if cgroup is not None:
            cgroup.set_limit(cgroup.usage_bytes() + SLACK_BYTES)
        trigger.go()
        select.select([trigger.reader], [], [], PATIENCE_S)
        outcome = trigger.outcome()
        victim.wait()
        at = [(event.event, int(event.fields.get("pid", event.pid)), event.t_ns) for event in trace.events()]
    marks = [(pid, ns) for event, pid, ns in at if event == "mark_victim"]
    zero_ns = next((ns for pid, ns in marks if pid == victim.pid), None)
    if zero_ns is None:
        raise CannotError(f"the OOM killer did not take the victim first: {marks}")
    names = {bystander.pid: "bystander", trigger.pid: "trigger"}
    later = [{"who": names.get(pid, "other"), "ns": ns - zero_ns} for pid, ns in marks if pid != victim.pid]
    gone = next((ns - zero_ns for event, pid, ns in at if event == "exit_mmap"), None)
    return {"trigger": outcome["outcome"], "further_kills": later, "exit_mmap_ns": gone}
