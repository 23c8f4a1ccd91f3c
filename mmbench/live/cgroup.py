"""The memory cgroup we are in, and one of our own making: version 1 and version 2, found by what is mounted.

Only directories that this module created are ever written to or removed.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import CannotError
from mmbench.live.proc import read
from mmbench.live.victim import write_file

UNLIMITED_BYTES = 1 << 60  # version 1 writes "no limit" as a number near 2^63
_FILES = {
    1: {"limit": "memory.limit_in_bytes", "usage": "memory.usage_in_bytes", "cache": "total_inactive_file"},
    2: {"limit": "memory.max", "usage": "memory.current", "cache": "inactive_file"},
}


@dataclass(frozen=True)
class MemoryHierarchy:
    """Where the memory controller is: its version (1 or 2), its mount point, and this process's own directory in it."""

    version: int
    mount: Path
    own: Path

    def own_and_ancestors(self) -> list[Path]:
        """This process's directory first, the mount point last."""
        return [self.own, *(parent for parent in self.own.parents if parent.is_relative_to(self.mount))]

    def headroom_bytes(self) -> int | None:
        """Return what the tightest limit above us leaves, reclaimable file cache included; None without limits."""
        rooms = []
        for directory in self.own_and_ancestors():
            with suppress(OSError):
                limit = parse_limit((directory / _FILES[self.version]["limit"]).read_text())
                if limit is not None:
                    rooms.append(max(0, limit - _used_bytes(directory, self.version)))
        return min(rooms) if rooms else None

    def home(self) -> Path:
        """Return the directory in which an own cgroup can be made: highest first, where no other limit interferes."""
        refusals = []
        for directory in reversed(self.own_and_ancestors()):
            if self.version == 2 and "memory" not in read(directory / "cgroup.subtree_control").split():
                refusals.append(f"{directory}/cgroup.subtree_control lacks memory")
            elif not os.access(directory, os.W_OK):
                refusals.append(f"{directory} is not writable")
            else:
                return directory
        raise CannotError(
            f"no place for a memory cgroup of our own: {'; '.join(refusals)}. Run as root, with a writable cgroup mount"
            + (f", after: echo +memory > {self.mount}/cgroup.subtree_control." if self.version == 2 else ".")
        )


def _used_bytes(directory: Path, version: int) -> int:
    usage = int((directory / _FILES[version]["usage"]).read_text())
    for line in (directory / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == _FILES[version]["cache"]:
            usage -= int(value)
    return usage


def parse_limit(text: str) -> int | None:
    """Read a limit file: bytes, or None for "max" and for version 1's huge number."""
    word = text.strip()
    if word == "max" or int(word) >= UNLIMITED_BYTES:
        return None
    return int(word)


def memory_hierarchy(proc: str = "/proc") -> MemoryHierarchy:
    """Find the memory controller of this process, or say in a CannotError that there is none and what to do."""
    paths: dict[int, str] = {}
    for line in read(f"{proc}/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            paths[1] = path
        elif number == "0":
            paths[2] = path
    for line in read(f"{proc}/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        filesystem, _, options = after.split(" ", 2)
        is_v1 = filesystem == "cgroup" and "memory" in options.split(",") and 1 in paths
        is_v2 = filesystem == "cgroup2" and 1 not in paths and 2 in paths
        if is_v1 or is_v2:
            version = 1 if is_v1 else 2
            inside = os.path.relpath(paths[version], root)
            own = Path(mount) if inside.startswith("..") else Path(os.path.normpath(f"{mount}/{inside}"))
            if is_v1 or "memory" in read(Path(mount) / "cgroup.controllers").split():
                return MemoryHierarchy(version, Path(mount), own)
    raise CannotError(
        "no memory cgroup is mounted, neither version 1 nor version 2. Mount one (mount -t cgroup2 none "
        "/sys/fs/cgroup), boot without cgroup_disable=memory, or run outside the container."
    )


class OwnCgroup:
    """A memory cgroup of our own making; whoever makes it sees to :func:`remove_cgroup`, a guardian for choice."""

    def __init__(self, path: Path, version: int) -> None:
        self.path, self.version = path, version
        os.mkdir(path)
        if version == 2:
            with suppress(FileNotFoundError):  # without swap in the kernel there is nothing to forbid
                write_file(str(path / "memory.swap.max"), "0")
        else:
            write_file(str(path / "memory.swappiness"), "0")
            write_file(str(path / "memory.oom_control"), "0")

    def usage_bytes(self) -> int:
        """Bytes charged to it now."""
        return int((self.path / _FILES[self.version]["usage"]).read_text())

    def set_limit(self, n_bytes: int) -> None:
        """Set its limit and make sure that the kernel took it: without it a kill would not be contained."""
        path = self.path / _FILES[self.version]["limit"]
        write_file(str(path), str(n_bytes))
        found = parse_limit(path.read_text())
        if found is None or found > n_bytes:
            raise CannotError(
                f"{path} reads {found} after writing {n_bytes}: the kill could not be contained, so none is made."
            )

    def pids(self) -> list[int]:
        """Processes in it."""
        return [int(word) for word in (self.path / "cgroup.procs").read_text().split()]

    def n_oom_kills(self) -> int:
        """How many processes the OOM killer has killed in it."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        counts = dict(line.split() for line in (self.path / name).read_text().splitlines())
        return int(counts.get("oom_kill", 0))


def remove_cgroup(path: Path, timeout_s: float = 60.0) -> bool:
    """Kill every process in a cgroup that we made and remove it; False when it still stands after the timeout."""
    deadline = time.monotonic() + timeout_s
    while path.exists():
        with suppress(OSError):
            for word in (path / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(word), signal.SIGKILL)
        with suppress(OSError):
            os.rmdir(path)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
