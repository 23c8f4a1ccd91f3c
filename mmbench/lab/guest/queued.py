"""How long a task was runnable and had no CPU, by the scheduler's own events.

The kernel's own count (run_delay) will not do. Where preemption is voluntary a task goes on to its next cond_resched()
after somebody else was woken, and the count calls that waiting: the run queue's clock stood still since the wakeup.
Beside a busy trigger that made 4 to 12 % of an exit_mmap.
"""

from typing import Any

from mmbench.live.tracefs import TraceEvent, TraceInstance

SWITCH, WAKEUP = "sched_switch", "sched_wakeup"


def watch(trace: TraceInstance, pids: list[int]) -> None:
    """Record when these tasks come to a CPU and leave it, and when they are woken."""
    trace.enable(f"sched/{SWITCH}", pids, ("prev_pid", "next_pid"))
    trace.enable(f"sched/{WAKEUP}", pids, ("pid",))


def spans(events: list[TraceEvent], pid: int) -> list[tuple[int, int]]:
    """When a task was runnable without a CPU: [begin, end), ns of the trace's clock."""
    found, since = list[tuple[int, int]](), None
    for event in events:
        if event.event == WAKEUP and event.fields.get("pid") == str(pid) and since is None:
            since = event.t_ns
        elif event.event == SWITCH and event.fields.get("prev_pid") == str(pid):
            since = event.t_ns if event.fields.get("prev_state", "").startswith("R") else None
        elif event.event == SWITCH and event.fields.get("next_pid") == str(pid) and since is not None:
            found.append((since, event.t_ns))
            since = None
    return found


def with_queued(steps: list[dict[str, Any]], events: list[TraceEvent]) -> list[dict[str, Any]]:
    """A log's steps, each with ``queued_ns``: how long its task had been runnable without a CPU since the trace began.

    steps: times by the same clock as the events', CLOCK_MONOTONIC
    """
    of = {pid: spans(events, pid) for pid in {step["pid"] for step in steps}}
    return [
        step | {"queued_ns": sum(max(0, min(end, step["ns"]) - begin) for begin, end in of[step["pid"]])}
        for step in steps
    ]
