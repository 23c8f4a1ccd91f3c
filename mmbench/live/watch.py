"""Was a sample disturbed? The CPU time that others took around it, from /proc/stat.

A busy second CPU ruins parallel tear-down and shifts everything else by 10 to 30 %, so each sample carries this
verdict. Ticks are coarse (10 ms), so the window is never shorter than 200 ms: the sample, building its victim
included, and what ran just before it. Two ticks are forgiven.
"""

import resource
import time
from collections import deque
from dataclasses import dataclass

from mmbench.live import proc

LEAST_WINDOW_NS = 200_000_000
FORGIVEN_NS = 2 * proc.TICK_NS
FORGIVEN_SHARE = 0.10
FORGIVEN_WAIT_NS = 300_000


@dataclass(frozen=True)
class Disturbance:
    """CPU time of others during a window that ends with a sample."""

    window_ns: int
    foreign_ns: int

    @property
    def share(self) -> float:
        """Foreign CPU time over the window's wall-clock time: 1.0 is one CPU taken all along."""
        return self.foreign_ns / self.window_ns if self.window_ns else 0.0

    @property
    def why(self) -> str:
        """Say what disturbed the sample, or nothing when it was quiet."""
        if self.foreign_ns <= FORGIVEN_NS + FORGIVEN_SHARE * self.window_ns:
            return ""
        return f"other processes took {self.share:.0%} of a CPU"


@dataclass(frozen=True)
class _Reading:
    t_ns: int
    busy_ns: int
    own_ns: int


class Watch:
    """Reads the busy time of some CPUs, time stolen by a hypervisor included, before and after every sample."""

    def __init__(self, cpus: frozenset[int], proc_root: str = "/proc") -> None:
        self.cpus, self.proc_root = cpus, proc_root
        self.readings = deque([self._read()])

    def _read(self) -> _Reading:
        ticks = proc.cpu_ticks(self.proc_root)
        busy_ns = sum(busy for cpu, (busy, _) in ticks.items() if cpu in self.cpus) * proc.TICK_NS
        return _Reading(time.monotonic_ns(), busy_ns, own_cpu_ns())

    def begin(self) -> int:
        """Note that a sample begins; return the time."""
        self.readings.append(self._read())
        return self.readings[-1].t_ns

    def end(self, begun_ns: int) -> Disturbance:
        """Return what others took from 200 ms before the end, or from the sample's begin if that is earlier."""
        now = self._read()
        since_ns = min(begun_ns, now.t_ns - LEAST_WINDOW_NS)
        while len(self.readings) > 1 and self.readings[1].t_ns <= since_ns:
            self.readings.popleft()
        then = self.readings[0]
        foreign_ns = (now.busy_ns - then.busy_ns) - (now.own_ns - then.own_ns)
        return Disturbance(now.t_ns - then.t_ns, max(0, foreign_ns))


def own_cpu_ns() -> int:
    """CPU time of this process and of its children that were waited for."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return int(total * 1e9)


def waited(wall_ns: int, cpu_ns: int | None) -> str:
    """Say when a timed section was off its CPU for more than a tenth of its time, which no quiet one is."""
    if cpu_ns is None or wall_ns - cpu_ns <= FORGIVEN_WAIT_NS + FORGIVEN_SHARE * wall_ns:
        return ""
    return f"the section waited for its CPU {1 - cpu_ns / wall_ns:.0%} of its time"
