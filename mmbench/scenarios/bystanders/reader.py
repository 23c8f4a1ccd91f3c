"""Reads the victim's VMAs under mmap_lock, as /proc/PID/smaps, khugepaged, ksmd or a second process_mrelease do.

A /proc reader pins mm_users too: exit_mmap cannot start before it lets go, and when its mmput is the last one, the
reader itself runs exit_mmap. The others hold mm_count only. Source: fs/proc/task_mmu.c m_start, m_stop (v5.10 to v7.3);
the objection of Minchan Kim, linux-mm, 19 May 2026 (a preempted reader).
"""

from mmbench.machine.protocol import DONE_LABEL, Op, Role, step
from mmbench.scenarios.bystander import BEFORE_THE_KILL, MAX_PS, Bystander, Option, Values


def steps(values: Values) -> Role:
    reads = (
        step("mmap_read_lock", Op.MMAP_READ_LOCK),
        step("reads", Op.HOLD_FOR),
        step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
    )
    if not values["reader_pins_users"]:
        return reads
    return (step("mmget_not_zero", Op.MMGET_NOT_ZERO, otherwise=DONE_LABEL), *reads, step("mmput", Op.MMPUT))


BYSTANDER = Bystander(
    key="reader",
    what="holds mmap_lock for read for some time",
    steps=steps,
    options=(
        Option(
            "reader_hold_ps", "ps", 0, 0, MAX_PS,
            "somebody holds mmap_lock for read from the kill on (0: nobody)",
        ),
        Option(
            "reader_pins_users", "", 1, 0, 1,
            "that reader pins mm_users, as /proc does, and may have to run exit_mmap (0: mm_count only)",
        ),
        Option("reader_slowness", "", 1, 1, 1000, "that reader runs exit_mmap this many times slower"),
    ),
    when="reader_hold_ps",
    starts_ps=BEFORE_THE_KILL,
    holds="reader_hold_ps",
    slowness="reader_slowness",
    may_be_last_user=True,
    variants={"reader": {"reader_pins_users": 0}, "proc-reader": {"reader_pins_users": 1}},
)  # fmt: skip
