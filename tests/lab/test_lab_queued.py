"""How long a task of the guest had no CPU though it wanted one, by the scheduler's events."""

from mmbench.lab.guest.queued import spans, with_queued
from mmbench.live.tracefs import parse_trace

VICTIM = 81
TRACE = """# tracer: nop
          init-1       [000] d..3.     1.000100: sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=mmbench next_pid=81 next_prio=120
       mmbench-81      [000] d..3.     1.000300: sched_switch: prev_comm=mmbench prev_pid=81 prev_prio=120 prev_state=R ==> next_comm=mmbench-trigger next_pid=83 next_prio=120
 mmbench-trigg-83      [000] d..3.     1.000700: sched_switch: prev_comm=mmbench-trigger prev_pid=83 prev_prio=120 prev_state=R+ ==> next_comm=mmbench next_pid=81 next_prio=120
       mmbench-81      [000] d..3.     1.000800: sched_switch: prev_comm=mmbench prev_pid=81 prev_prio=120 prev_state=D ==> next_comm=swapper/0 next_pid=0 next_prio=120
 mmbench-trigg-83      [000] d..4.     1.001000: sched_wakeup: comm=mmbench pid=81 prio=120 target_cpu=000
 mmbench-trigg-83      [000] d..3.     1.001050: sched_switch: prev_comm=mmbench-trigger prev_pid=83 prev_prio=120 prev_state=R ==> next_comm=mmbench next_pid=81 next_prio=120
       mmbench-81      [000] d..4.     1.001100: sched_wakeup: comm=mmbench pid=81 prio=120 target_cpu=000
       mmbench-81      [000] d..3.     1.001200: sched_switch: prev_comm=mmbench prev_pid=81 prev_prio=120 prev_state=R+ ==> next_comm=init next_pid=1 next_prio=120
          init-1       [000] d..3.     1.001210: sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=mmbench next_pid=81 next_prio=120
"""  # noqa: E501


def test_a_task_waits_from_where_it_was_preempted_or_woken_until_it_is_chosen_and_not_while_it_sleeps() -> None:
    waits = spans(parse_trace(TRACE), VICTIM)
    assert waits == [(1_000_300_000, 1_000_700_000), (1_001_000_000, 1_001_050_000), (1_001_200_000, 1_001_210_000)]
    assert spans(parse_trace(TRACE), 99) == []


def test_a_step_has_what_its_task_waited_before_it_and_no_more() -> None:
    moments = (1_000_200_000, 1_000_750_000, 1_000_500_000, 1_002_000_000)
    steps = [{"ns": ns, "pid": VICTIM} for ns in moments] + [{"ns": 1_002_000_000, "pid": 7}]
    found = [step["queued_ns"] for step in with_queued(steps, parse_trace(TRACE))]
    assert found == [0, 400_000, 200_000, 460_000, 0]
