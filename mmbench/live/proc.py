"""What /proc says, parsed: memory, limits, one process's status, its run time, the CPUs' busy time.

Every function takes the folder where proc is mounted, so that the parsing is tested on canned files everywhere.
"""

import os
import resource
import time
from pathlib import Path

from mmbench.errors import CannotError

CAP_IPC_LOCK = 14
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def read(path: str | Path) -> str:
    """Read a small kernel file, or say which one this machine or account does not let us read."""
    try:
        return Path(path).read_text()
    except OSError as error:
        raise CannotError(
            f"cannot read {path}: {error.strerror}. mmbench needs a mounted /proc and leave to read it; run it as root."
        ) from error


def meminfo(proc: str = "/proc") -> dict[str, int]:
    """Return /proc/meminfo with sizes in bytes (and plain counts as they are)."""
    return _sizes(read(f"{proc}/meminfo"))


def status(pid: int | str, proc: str = "/proc") -> dict[str, int]:
    """Return the numeric lines of /proc/PID/status; sizes such as VmLck and VmPTE are in bytes."""
    return _sizes(read(f"{proc}/{pid}/status"))


def _sizes(text: str) -> dict[str, int]:
    values = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit() and len(words) <= 2:
            values[name.strip()] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return values


def available_bytes(proc: str = "/proc") -> int:
    """Return MemAvailable in bytes: what can be taken without swapping."""
    found = meminfo(proc)
    if "MemAvailable" not in found:
        raise CannotError(f"{proc}/meminfo has no MemAvailable line; mmbench needs Linux 3.14 or later.")
    return found["MemAvailable"]


def run_time_ns(pid: int, proc: str = "/proc") -> int | None:
    """Return the CPU time a process has had, from schedstat; None where the kernel does not keep it."""
    try:
        return int(Path(f"{proc}/{pid}/schedstat").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return None


def n_vmas(pid: int, start: int, end: int, proc: str = "/proc") -> int:
    """Count a process's VMAs that begin inside ``[start, end)``."""
    lines = read(f"{proc}/{pid}/maps").splitlines()
    return sum(start <= int(line.split("-", 1)[0], 16) < end for line in lines)


def n_thps(pid: int, start: int, end: int, proc: str = "/proc") -> int:
    """Count the anonymous transparent huge pages (2 MiB) of the VMAs that begin inside ``[start, end)``, from smaps."""
    inside, kib = False, 0
    for line in read(f"{proc}/{pid}/smaps").splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            inside = start <= int(first.split("-", 1)[0], 16) < end
        elif inside and first == "AnonHugePages:":
            kib += int(rest[0])
    return kib // 2048


def memlock_bytes(proc: str = "/proc") -> int | None:
    """Return how much this account may mlock: RLIMIT_MEMLOCK, or None (no limit) with CAP_IPC_LOCK."""
    for line in read(f"{proc}/self/status").splitlines():
        if line.startswith("CapEff:") and int(line.split()[1], 16) >> CAP_IPC_LOCK & 1:
            return None
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return None if soft == resource.RLIM_INFINITY else soft


def cpu_ticks(proc: str = "/proc") -> dict[int, tuple[int, int]]:
    """Return per CPU the ticks it was (busy, idle) since boot; time stolen by the hypervisor counts as busy."""
    ticks = {}
    for line in read(f"{proc}/stat").splitlines():
        name, *rest = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, idle, iowait, irq, softirq, steal = (int(word) for word in [*rest[:8], *["0"] * 8][:8])
            ticks[int(name[3:])] = (user + nice + system + irq + softirq + steal, idle + iowait)
    return ticks


def busy_shares(seconds: float, proc: str = "/proc") -> dict[int, float]:
    """Watch the CPUs for a while and return the busy share of each, 0 to 1."""
    before = cpu_ticks(proc)
    time.sleep(seconds)
    after = cpu_ticks(proc)
    shares = {}
    for cpu in before.keys() & after.keys():
        busy, idle = (after[cpu][i] - before[cpu][i] for i in range(2))
        shares[cpu] = busy / (busy + idle) if busy + idle > 0 else 0.0
    return shares


def kernel_thread(name: str, proc: str = "/proc") -> int | None:
    """Return the pid of a kernel thread by its comm (its parent is kthreadd, pid 2), or None."""
    for entry in Path(proc).iterdir():
        if entry.name.isdigit():
            try:
                comm, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue  # it ended while we looked
            if comm == name and rest.split()[1] == "2":
                return int(entry.name)
    return None
