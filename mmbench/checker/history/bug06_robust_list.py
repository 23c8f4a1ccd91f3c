"""Bug 6 (e4a38402c36e, v5.18): the reaper zaps the page that holds the robust list head before exit reads it.

The first step of exit stands for exit_robust_list; page 0 of VMA 0 holds the list head. The kernel's answer is a timer
of 2 s, which makes the loss rare. Without time a timer excludes nothing: both choices of `delay` fail here, as a
victim that is delayed for longer does in the kernel.
"""

from dataclasses import replace

from mmbench.machine.protocol import OOM_REAPER_DELAY_PS, Op, Param, Role, oom_reaper, step
from mmbench.model.world import T_PC, Views
from mmbench.strategies import v5_17

NAME = "exit_robust_list finds the list head still mapped"


def holds(v: Views) -> bool:
    """While exit is still at its first step, the first page is mapped."""
    before_list = v.tasks[0, T_PC] == 0
    return not before_list or bool(int(v.present[0, 0]) & 1)


def roles(delay: str) -> dict[str, Role]:
    fixed = v5_17.roles()
    wait_ps = OOM_REAPER_DELAY_PS if delay == "2s" else 0
    return {
        **fixed,
        "exit": (step("exit_robust_list", Op.SLEEP, ps=0), *fixed["exit"]),
        "reaper": oom_reaper(delay_ps=wait_ps, skip=v5_17.SKIP, lru_batch=15),
    }


STRATEGY = replace(
    v5_17.STRATEGY,
    id="bug06-robust-list",
    status="history",
    roles=roles,
    params={"delay": Param("none", ("none", "2s"), "the mitigation")},
)
