"""A kill and its reaping as they were read, and when two statements are about one kill."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmbench.victims.kernel_log import said as s
from mmbench.victims.kernel_log.prefix import Message
from mmbench.victims.kernel_log.said import Said
from mmbench.victims.kernel_log.timeline import passed
from mmbench.victims.kernel_log.walltime import SECOND_US, Wall, between

SAME_KILL_US = 60 * SECOND_US  # a daemon that names the same victim again within this time tries again
TRACED_KILL_US = SECOND_US  # mark_victim and "Killed process" of one kill lie within this time
COPY_US = SECOND_US // 10  # the journal's own stamp since boot lies so close to the kernel's
LATE_US = 5 * SECOND_US  # rsyslog writes a crowded log some seconds late
ZONE_US = 900 * SECOND_US  # time zones differ by whole quarters of an hour
MOST_ZONES_US = 26 * 3600 * SECOND_US


@dataclass(slots=True)
class Reap:
    """How it ended: outcome is said's REAPED, GAVE_UP, SKIPPED, EXITED or DID_NOT_EXIT; sizes in kB, None unknown."""

    outcome: str
    after_us: int | None
    start_us: int | None = None
    sizes_kib: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Kill:
    """One kill as it was read; sizes in kB by the kernel's names, locked_bytes an upper bound where a dump gave one."""

    by: str
    pid: int | None
    name: str
    sizes_kib: dict[str, int]
    oom_score_adj: int | None
    n_bytes: int | None
    release: str
    mono_us: int | None
    wall: Wall | None
    locked_bytes: int | None = None
    stretch: int = 0
    time_us: int | None = None
    reap: Reap | None = None
    reap_started_us: int | None = None

    @property
    def step_us(self) -> int | None:
        """The smallest step of its clock."""
        return 1 if self.mono_us is not None else self.wall.step_us if self.wall else None


def family(by: str) -> str:
    """Whose kills may be the same: the kernel's two killers are one."""
    return "kernel" if by in ("kernel", "memcg") else by


def since(kill: Kill, message: Message) -> int | None:
    """Microseconds from the kill to a message about it; None where no clock is common to both, or it went back."""
    us = passed(kill, message)
    return us if us is not None and us >= 0 else None


def print_of(said: Said) -> tuple[object, ...]:
    """What is exact about a kill: two kills hardly agree in all of it."""
    return (family(said.by), said.pid, said.name, said.oom_score_adj, *sorted(said.sizes_kib.items()))


def is_copy(kill: Kill, message: Message, rebooted: bool) -> bool:
    """True when a statement with the same print is a copy of this kill's: its clocks agree, or it has no common one.

    Copies stand in kern.log and syslog, in dmesg and the journal, with other time zones. rebooted: the machine
    certainly started between the two, so that only the very same stamp since boot is a copy's.
    """
    if kill.mono_us is not None and message.mono_us is not None:
        apart = abs(kill.mono_us - message.mono_us)
        return apart <= (0 if rebooted else COPY_US) and _agree(kill.wall, message.wall)
    return _agree(kill.wall, message.wall)


def _agree(one: Wall | None, other: Wall | None) -> bool:
    apart = between(one, other) if one is not None and other is not None else 0
    if apart is None or abs(apart) > MOST_ZONES_US:
        return False
    rest = abs(apart) % ZONE_US
    return min(rest, ZONE_US - rest) <= LATE_US


def is_same(before: Kill, kill: Kill) -> bool:
    """True when both statements are about one kill: a daemon's next attempt, or its line in trace and log."""
    if before.stretch != kill.stretch or before.time_us is None or kill.time_us is None:
        return False
    apart = abs(kill.time_us - before.time_us)
    if family(kill.by) == "kernel":
        return apart <= TRACED_KILL_US and before.reap is None
    return apart <= SAME_KILL_US and (before.reap is None or before.reap.outcome != s.EXITED)


def merge(before: Kill, kill: Kill) -> None:
    """Add what the second statement about a kill knows."""
    before.sizes_kib = kill.sizes_kib | before.sizes_kib
    before.name = before.name or kill.name
    before.by = "memcg" if "memcg" in (before.by, kill.by) else before.by
    before.release = before.release or kill.release
    if before.oom_score_adj is None:
        before.oom_score_adj = kill.oom_score_adj
    if before.locked_bytes is None:
        before.locked_bytes = kill.locked_bytes
    if before.mono_us is None:
        before.mono_us = kill.mono_us
    before.wall = before.wall or kill.wall
