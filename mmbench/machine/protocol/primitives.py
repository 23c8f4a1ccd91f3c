"""The primitives that designs share: a reap pass, the reaper thread, process_mrelease, exit_mmap's self-reap.

Source: mm/oom_kill.c: oom_reap_task, oom_reap_task_mm, wake_oom_reaper, process_mrelease (v5.10, v5.15, v5.17,
v6.1, v6.18); e4a38402c36e for the delay; 884a7e5964e0, 337546e83fc7 and ba535c1caf3e for process_mrelease.
"""

from __future__ import annotations

from mmbench.machine.ops import Op
from mmbench.machine.protocol.steps import DONE_LABEL, Role, Step, step
from mmbench.model.flags import MMF_OOM_SKIP, MMF_OOM_VICTIM, WHY_GAVE_UP, WHY_SKIP_SET

RETRIES = 10  # MAX_OOM_REAP_RETRIES
HZ = 250  # Debian's kernels
JIFFY_PS = 10**12 // HZ
# schedule_timeout_idle(HZ/10). A timer set at a tick runs out one jiffy late (calc_wheel_index, kernel/time/timer.c,
# adds one, so that none is early), and after the first sleep each begins at a tick: "unable to reap" came 1,054 to
# 1,057 ms after the kill in a booted 5.10 whose reaper first tried 12 to 16 ms after it.
RETRY_SLEEP_PS = (HZ // 10 + 1) * JIFFY_PS
GIVE_UP_PS = RETRIES * RETRY_SLEEP_PS
OOM_REAPER_DELAY_PS = 2_000_000_000_000  # OOM_REAPER_DELAY, 2*HZ, from v5.18 on


LOW_TO_HIGH = 1
HIGH_TO_LOW = -1


def oom_reaper(*, delay_ps: int, skip: int, direction: int = LOW_TO_HIGH, reap: Op = Op.REAP_PASS, **more: int) -> Role:
    """The oom_reaper thread for one victim: up to ten trylock attempts, then MMF_OOM_SKIP in every outcome.

    delay_ps: timer between the kill and the queue (0 up to v5.17); skip: VM_* bits it refuses; more: the pass's third
    argument.
    """
    armed = (
        (
            step("timer", Op.SLEEP, ps=delay_ps),
            step("still needed?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="too late"),
        )
        if delay_ps
        else ()
    )
    return (
        *armed,
        step("mmap_read_trylock", Op.MMAP_READ_TRYLOCK, otherwise="sleep HZ/10"),
        step("MMF_OOM_SKIP clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="unlock, too late"),
        Step("reap pass", reap, {"skip": skip, "direction": direction, **more}),
        step("mmap_read_unlock", Op.MMAP_READ_UNLOCK, to="set MMF_OOM_SKIP"),
        step("unlock, too late", Op.MMAP_READ_UNLOCK, to="too late"),
        step("sleep HZ/10", Op.RETRY_SLEEP, ps=RETRY_SLEEP_PS),
        step("tenth attempt?", Op.RETRY, attempts=RETRIES, otherwise="unable to reap"),
        step("try again", Op.GOTO, to="mmap_read_trylock"),
        step("unable to reap", Op.LEAVE, why=WHY_GAVE_UP, to="set MMF_OOM_SKIP"),
        step("too late", Op.LEAVE, why=WHY_SKIP_SET),
        step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
    )


def process_mrelease(
    *,
    pins_users: bool,
    skip: int,
    direction: int = LOW_TO_HIGH,
    reap: Op = Op.REAP_PASS,
    kept: bool = False,
    **more: int,
) -> Role:
    """A process_mrelease caller: find the mm, read-lock, one reap pass. Never sets MMF_OOM_SKIP.

    pins_users: v5.15-v5.16 hold mm_users, so exit_mmap cannot start before the caller is done; later kernels
    hold only the struct and test MMF_OOM_SKIP again under the lock; kept: the caller finds the mm after exit_mm, too.
    """
    if pins_users:
        return (
            step("mmget_not_zero", Op.MMGET_NOT_ZERO, otherwise=DONE_LABEL),
            step("MMF_OOM_SKIP clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="mmput"),
            step("mmap_read_lock_killable", Op.MMAP_READ_LOCK),
            Step("reap pass", reap, {"skip": skip, "direction": direction, **more}),
            step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
            step("mmput", Op.MMPUT),
        )
    return (
        Step("mmgrab", Op.FIND_MM, {"kept": 1} if kept else {}, otherwise=DONE_LABEL),
        step("MMF_OOM_SKIP clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise=DONE_LABEL),
        step("mmap_read_lock_killable", Op.MMAP_READ_LOCK),
        step("still clear?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="mmap_read_unlock"),
        Step("reap pass", reap, {"skip": skip, "direction": direction, **more}),
        step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
    )


def self_reap(*, skip: int, lru_batch: int, then: str) -> Role:
    """exit_mmap of an OOM victim reaps its own mm without mmap_lock and sets MMF_OOM_SKIP; others go to `then`."""
    return (
        step("oom victim?", Op.IF_FLAG, flag=MMF_OOM_VICTIM, otherwise=then),
        step("self-reap", Op.REAP_PASS, skip=skip, direction=LOW_TO_HIGH, lru_batch=lru_batch),
        step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),
    )
