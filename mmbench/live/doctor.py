"""What can be measured here, found by trying: each check says why not, and how to get it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

from mmbench.errors import CannotError, MmbenchError
from mmbench.live import libc, probe, proc, session
from mmbench.live.cgroup import memory_hierarchy
from mmbench.live.reasons import reason
from mmbench.live.tracefs import open_tracefs
from mmbench.live.victim import MARGIN_BYTES, Victim
from mmbench.live.workload import VictimConfig

SMALL = VictimConfig(span_bytes=1 << 20)
WANTED_BYTES = 512 << 20
WANTED_LOCKED_BYTES = 64 << 20
IDLE_SHARE = 0.10
WATCH_S = 0.5


@dataclass(frozen=True)
class Check:
    """One ability: its name, whether it is there, what was found, and (when not) how to get it."""

    name: str
    ok: bool
    reason: str
    how: str = ""


def doctor() -> list[Check]:
    """Try everything `calibrate`, `validate` and `oom` need, in a fresh small process; never raises."""
    try:
        with closing(session.call({"task": "doctor"})) as messages:
            return [Check(**message["check"]) for message in messages]
    except MmbenchError as error:
        return [Check("session", False, str(error), "see that this Python can be started again and has ctypes")]


def examine() -> Iterator[session.Message]:
    """Yield {"check": ...} messages, each from really trying the thing; run by the measuring interpreter."""
    for name, check, how in [
        ("process_mrelease", check_mrelease, "use Linux 5.15 or later"),
        ("ptrace exit stop", check_exit_stop, "allow ptrace: no seccomp profile against it, yama ptrace_scope below 3"),
        ("pagemap", check_pagemap, "mount /proc without hidepid, and allow ptrace"),
        ("tracefs", check_tracefs, "run as root, or mount -t tracefs none /sys/kernel/tracing and allow reading it"),
        ("memory cgroup", check_cgroup, "run as root outside containers, with a memory controller mounted"),
        ("RLIMIT_MEMLOCK", check_memlock, "mount /proc"),
        ("free memory", check_free_memory, "mount /proc"),
        ("THP", check_thp, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"),
        ("second CPU", check_second_cpu, "mount /proc"),
    ]:
        yield {"check": asdict(_tried(name, check, how))}


def _tried(name: str, check: Callable[[], Check], how: str) -> Check:
    try:
        return check()
    except CannotError as error:
        return Check(name, False, str(error), how)
    except OSError as error:
        return Check(name, False, f"{error.filename or name}: {error.strerror}", f"{reason(error)}; {how}")


def check_mrelease() -> Check:
    """Call process_mrelease on a descriptor that cannot be valid: only EBADF means that it is there and allowed."""
    name = "process_mrelease"
    try:
        libc.process_mrelease(-1)
    except OSError as error:
        if error.errno != 9:
            return Check(name, False, f"{error.strerror} on Linux {os.uname().release}", reason(error))
    return Check(name, True, f"works on Linux {os.uname().release}")


def check_exit_stop() -> Check:
    """Hold a real small victim at its exit and let it go."""
    name = "ptrace exit stop"
    with Victim(SMALL, SMALL.span_bytes * 2) as victim:
        probe.Held(victim)
    return Check(name, True, "a killed victim can be held with its memory whole")


def check_pagemap() -> Check:
    """Count a real small victim's pages."""
    with Victim(SMALL, SMALL.span_bytes * 2) as victim:
        found = probe.count_pages(victim)
    if found != SMALL.span_pages:
        how = "4 KiB pages are needed" if os.sysconf("SC_PAGE_SIZE") != 4096 else "look for swap or a limited /proc"
        return Check("pagemap", False, f"shows {found} of {SMALL.span_pages} pages", how)
    return Check("pagemap", True, "page counts are exact")


def check_tracefs() -> Check:
    """Open tracefs, or mount it for us alone, and look for the oom events."""
    root = open_tracefs()
    try:
        os.stat("events/oom/mark_victim", dir_fd=root)
    except OSError as error:
        how = "run as root on a kernel with CONFIG_FTRACE and CONFIG_EVENT_TRACING"
        return Check("tracefs", False, f"has no oom tracepoints ({error.strerror})", how)
    finally:
        os.close(root)
    return Check("tracefs", True, "a private trace instance can be made")


def check_cgroup() -> Check:
    """Find where a memory cgroup of our own could be made."""
    hierarchy = memory_hierarchy()
    home = hierarchy.home()
    return Check("memory cgroup", True, f"version {hierarchy.version}, can be made in {home}")


def check_memlock() -> Check:
    """Compare what may be locked with what a calibration locks."""
    limit = proc.memlock_bytes()
    if limit is None:
        return Check("RLIMIT_MEMLOCK", True, "unlimited")
    how = "" if limit >= WANTED_LOCKED_BYTES else "run as root, or: ulimit -l unlimited"
    return Check("RLIMIT_MEMLOCK", not how, f"{limit >> 10} KiB may be locked", how)


def check_free_memory() -> Check:
    """Compare a quarter of what is available with what makes tear-down times stand out."""
    available = proc.available_bytes()
    ok = available // 4 >= WANTED_BYTES and available > MARGIN_BYTES
    how = "" if ok else f"free memory until {WANTED_BYTES * 4 >> 20} MiB are available, or expect larger errors"
    return Check("free memory", ok, f"{available >> 20} MiB available, a quarter is used by default", how)


def check_thp() -> Check:
    """Make a real transparent huge page."""
    config = VictimConfig(span_bytes=8 << 20, kind="thp")
    with Victim(config, config.span_bytes * 2) as victim:
        found = proc.n_thps(victim.pid, victim.start, victim.start + config.span_bytes)
    if found == config.facts().n_thps:
        return Check("THP", True, "transparent huge pages can be had")
    how = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, and free memory if it is fragmented"
    return Check("THP", False, f"{found} of {config.facts().n_thps} asked for came", how)


def check_second_cpu() -> Check:
    """Watch the CPUs for half a second: a race needs a second one, and quiet needs them idle."""
    return judge_cpus(proc.busy_shares(WATCH_S), os.sched_getaffinity(0))


def judge_cpus(busy: dict[int, float], allowed: set[int]) -> Check:
    """Judge the CPUs this process may use by their busy shares (0 to 1)."""
    name = "second CPU"
    if len(allowed) < 2:
        return Check(
            name, False, "only one CPU may be used, so races cannot be measured", "taskset -c 0,1, or a larger machine"
        )
    loaded = {cpu: share for cpu, share in busy.items() if cpu in allowed and share > IDLE_SHARE}
    if loaded:
        found = ", ".join(f"CPU {cpu} {share:.0%} busy" for cpu, share in sorted(loaded.items()))
        return Check(name, False, found, "stop what runs there, or results will be called inconclusive")
    return Check(name, True, f"{len(allowed)} CPUs, idle")
