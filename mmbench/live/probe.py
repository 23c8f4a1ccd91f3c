"""The measurements of one victim: held at its exit stop, then torn down by one party or by two at once.

A victim that was traced with PTRACE_O_TRACEEXIT and killed stops just before exit_mm: dying, its memory whole. There
process_mrelease works alone, pagemap counts exactly, and PTRACE_CONT starts exit_mmap at a known moment. All times are
CLOCK_MONOTONIC nanoseconds from the call (or the continue) to its return (or to the wait that saw the victim gone).
"""

import errno
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mmbench.errors import CannotError
from mmbench.live import libc, proc
from mmbench.live.pagemap import present_pages
from mmbench.live.reasons import because
from mmbench.live.victim import Victim

Call = Callable[..., str]  # as `mrelease` below
N_WARM_UP_CALLS = 30
EXIT_STOP = signal.SIGTRAP | libc.PTRACE_EVENT_EXIT << 8


@dataclass(frozen=True)
class Timing:
    """One timed tear-down.

    what: "exit", "mrelease", "exit_after" (exit of what mrelease left) or "race" (both from the hold, until both are
    done). ns: wall clock; cpu_ns: CPU time of the timed section, None where the kernel does not tell; pages_before:
    present at its begin; freed_pages: gone at its end; error: errno name of process_mrelease, "" when it succeeded;
    parts: further times.
    """

    what: str
    ns: int
    cpu_ns: int | None
    pages_before: int
    freed_pages: int
    error: str = ""
    parts: dict[str, int] = field(default_factory=dict)


class Held:
    """A victim killed and held at its exit stop, where the kernel still tells everything about its memory."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        seize(victim)
        os.kill(victim.pid, signal.SIGKILL)
        await_exit_stop(victim.pid)

    def pages(self) -> int:
        """Count the victim's present pages, exactly."""
        return count_pages(self.victim)

    def n_vmas(self) -> int:
        """Count the VMAs of its range."""
        start = self.victim.start
        return proc.n_vmas(self.victim.pid, start, start + self.victim.config.span_bytes)

    def n_thps(self) -> int:
        """Count the transparent huge pages of its range."""
        start = self.victim.start
        return proc.n_thps(self.victim.pid, start, start + self.victim.config.span_bytes)


def seize(victim: Victim) -> None:
    """Arrange that the victim, when something kills it, stops at its exit."""
    try:
        libc.ptrace_seize(victim.pid)
    except OSError as error:
        raise because(error, "holding a victim at its exit") from error


def count_pages(victim: Victim) -> int:
    """Count the present pages of a living or held victim, exactly."""
    try:
        return present_pages(victim.pid, victim.start, victim.config.span_pages)
    except OSError as error:
        raise because(error, "counting the pages of a victim") from error


def await_exit_stop(pid: int) -> None:
    """Wait until a traced, dying process is at its exit stop; CannotError when it ends without one."""
    while True:
        _, wait_status = os.waitpid(pid, libc.WAIT_ALL)
        if wait_status >> 8 == EXIT_STOP:
            return
        if not os.WIFSTOPPED(wait_status):
            raise CannotError("the victim ended without its ptrace exit stop; is another tracer or seccomp at work?")
        libc.ptrace_cont(pid)


def time_exit(held: Held) -> Timing:
    """Time exit alone, from the hold: what is left of do_exit, exit_mmap above all, until the parent's wait returns."""
    return finish(held.victim, "exit", held.pages())


def time_mrelease_then_exit(held: Held, call: Call | None = None) -> tuple[Timing, Timing]:
    """Time process_mrelease alone on a held victim, count what it freed, then time the exit of what it left.

    call: what is called in its place.
    """
    before = held.pages()
    cpu_ns = time.thread_time_ns()
    start_ns = time.monotonic_ns()
    (call or mrelease)(held.victim)
    ns = time.monotonic_ns() - start_ns
    cpu_ns = time.thread_time_ns() - cpu_ns
    after = held.pages()
    return Timing("mrelease", ns, cpu_ns, before, before - after), finish(held.victim, "exit_after", after)


def time_race(held: Held, caller_cpu: int, call: Call | None = None) -> Timing:
    """Time both at once: the victim goes on towards exit_mmap on its CPU while process_mrelease begins on another.

    ``parts`` has when each ended; ``error`` is ESRCH when the victim gave up its mm before the caller took it (no
    race). call: what is called in place of process_mrelease.
    """
    victim, before = held.victim, held.pages()
    home = os.sched_getaffinity(0)
    cpu_before_ns = proc.run_time_ns(victim.pid)
    os.sched_setaffinity(0, {caller_cpu})
    try:
        _warm_up_calls()
        caller_cpu_ns = time.thread_time_ns()
        start_ns = time.monotonic_ns()
        libc.ptrace_cont(victim.pid)
        error = (call or mrelease)(victim, (errno.ESRCH, errno.EAGAIN))
        mrelease_ns = time.monotonic_ns() - start_ns
        caller_cpu_ns = time.thread_time_ns() - caller_cpu_ns
        usage = victim.wait()
        ns = time.monotonic_ns() - start_ns
    finally:
        os.sched_setaffinity(0, home)
    parts = {"mrelease_ns": mrelease_ns, "mrelease_cpu_ns": caller_cpu_ns, "exit_ns": ns}
    if cpu_before_ns is not None:
        parts["exit_cpu_ns"] = int((usage.ru_utime + usage.ru_stime) * 1e9) - cpu_before_ns
    return Timing("race", ns, None, before, before, error, parts)


def _warm_up_calls() -> None:
    """Make this CPU's caches know the code of the race: a cold first call comes 50 us late, and the race is lost."""
    for _ in range(N_WARM_UP_CALLS):
        for call in (libc.ptrace_cont, libc.process_mrelease):
            with suppress(OSError):
                call(-1)


def mrelease(victim: Victim, allowed: tuple[int, ...] = ()) -> str:
    """Call process_mrelease; return the name of an allowed errno, or "" for success."""
    try:
        libc.process_mrelease(victim.pidfd)
    except OSError as error:
        if error.errno in allowed:
            return errno.errorcode[error.errno]
        raise because(error, "reaping a held victim") from error
    return ""


def finish(victim: Victim, what: str, pages: int) -> Timing:
    """Let a victim at its exit stop go on and time it until it is gone; the ``pages`` it still had go with it."""
    cpu_before_ns = proc.run_time_ns(victim.pid)
    start_ns = time.monotonic_ns()
    libc.ptrace_cont(victim.pid)
    usage = victim.wait()
    ns = time.monotonic_ns() - start_ns
    cpu_ns = None
    if cpu_before_ns is not None:
        cpu_ns = int((usage.ru_utime + usage.ru_stime) * 1e9) - cpu_before_ns
    return Timing(what, ns, cpu_ns, pages, pages)
