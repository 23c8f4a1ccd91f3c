"""A private trace instance on CLOCK_MONOTONIC: the kernel's own record of who took mmap_lock and when the reaper came.

When tracefs is not mounted it is mounted detached from every path, so that no mount can be left behind; the instance is
removed by a guardian. Event names are the kernel's (oom:*, mmap_lock:*, mmap:exit_mmap).
"""

import os
import re
import time
from dataclasses import dataclass, field

from mmbench.live import libc
from mmbench.live.reasons import because

MOUNT_POINTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
BUFFER_KIB = 4096
_LINE = re.compile(
    r"^\s*(?P<task>.+)-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+(?:\S+\s+)?(?P<seconds>\d+)\.(?P<fraction>\d+):\s+"
    r"(?P<event>\w+):\s*(?P<rest>.*)$"
)
_FIELD = re.compile(r"([\w-]+)[=:]\s*(\S+)")


@dataclass(frozen=True)
class TraceEvent:
    """One tracepoint hit: CLOCK_MONOTONIC time in ns (the text has microseconds), where and by whom, and its fields."""

    t_ns: int
    cpu: int
    task: str
    pid: int
    event: str
    fields: dict[str, str] = field(default_factory=dict)


def parse_trace(text: str) -> list[TraceEvent]:
    """Parse the text of a ``trace`` file, header and lost-event notes skipped, in the file's order."""
    events = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and not line.startswith("#"):
            t_ns = int(match["seconds"]) * 1_000_000_000 + int(match["fraction"].ljust(9, "0")[:9])
            fields = dict(_FIELD.findall(match["rest"]))
            events.append(TraceEvent(t_ns, int(match["cpu"]), match["task"], int(match["pid"]), match["event"], fields))
    return events


def open_tracefs() -> int:
    """Return a directory descriptor of tracefs, mounted or mounted for us alone; CannotError says what is missing."""
    for mount_point in MOUNT_POINTS:
        if os.path.isdir(f"{mount_point}/instances"):
            try:
                return os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                raise because(error, f"opening {mount_point}") from error
    try:
        return libc.detached_mount("tracefs")
    except OSError as error:
        raise because(error, "mounting tracefs") from error


def remove_instance(root: int, name: str, timeout_s: float = 5.0) -> None:
    """Remove an instance that we made, if it exists; it stays busy while a reader of it is open, so try for a while."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            os.rmdir(f"instances/{name}", dir_fd=root)
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                return
        time.sleep(0.02)


class TraceInstance:
    """An own instance, in which :meth:`enable` turns events on; ``missing`` names those that this kernel lacks.

    Whoever makes it sees to :func:`remove_instance`.
    """

    def __init__(self, root: int, name: str) -> None:
        self.root, self.name = root, name
        self.missing: list[str] = []
        try:
            os.mkdir(f"instances/{name}", dir_fd=root)
            self.write("trace_clock", "mono")
            self.write("buffer_size_kb", str(BUFFER_KIB))
        except OSError as error:
            raise because(error, "making a trace instance") from error

    def enable(self, event: str, pids: list[int] | None = None, names: tuple[str, ...] = ("common_pid",)) -> None:
        """Record an event or a group of events ("oom", "mmap/exit_mmap"), of these tasks only when ``pids`` are given.

        names: the event's fields in which a pid may stand. Everybody's mmap_lock events would drown the rest, so their
        filter is set first.
        """
        try:
            if pids is not None:
                self.write(f"events/{event}/filter", " || ".join(f"{name} == {pid}" for name in names for pid in pids))
            self.write(f"events/{event}/enable", "1")
        except OSError:
            self.missing.append(event)

    def write(self, path: str, text: str) -> None:
        """Write one control file of the instance."""
        descriptor = os.open(f"instances/{self.name}/{path}", os.O_WRONLY, dir_fd=self.root)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def events(self) -> list[TraceEvent]:
        """Return everything recorded so far."""
        descriptor = os.open(f"instances/{self.name}/trace", os.O_RDONLY, dir_fd=self.root)
        with open(descriptor, encoding="utf-8", errors="replace") as trace:
            return parse_trace(trace.read())
