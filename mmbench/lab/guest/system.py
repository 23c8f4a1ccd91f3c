"""The few calls of a first process: mount what the probe reads, quieten the kernel, speak on the serial line, end."""

import ctypes
import errno
import json
import os
from contextlib import suppress
from typing import Any

from mmbench.live.proc import meminfo
from mmbench.live.victim import write_file

MARK = "@mmbench "  # begins every line that is ours; the kernel's own lines lie between
RB_AUTOBOOT = 0x1234567
MOUNTS = (
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("cgroup2", "/sys/fs/cgroup", ""),
    ("ramfs", "/var/tmp", ""),  # its pages are page cache; those of the root file system would count as shared memory
)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def set_up() -> None:
    """Mount everything, give cgroups the memory controller, and keep the kernel's own lines off the serial port."""
    for filesystem, target, options in MOUNTS:
        os.makedirs(target, exist_ok=True)
        if _libc.mount(filesystem.encode(), target.encode(), filesystem.encode(), 0, options.encode()):
            code = ctypes.get_errno()
            if code != errno.EBUSY:
                raise OSError(code, os.strerror(code), f"mount {target}")
    write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    write_file("/proc/sys/kernel/printk", "1")
    with suppress(OSError):  # a kernel without transparent huge pages says so when a victim wants them
        write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise")


def identity() -> dict[str, Any]:
    """Say what booted: the kernel's release and version, CPUs, memory in bytes."""
    name = os.uname()
    return {"release": name.release, "version": name.version, "n_cpus": os.cpu_count(), **_memory()}


def _memory() -> dict[str, int]:
    found = meminfo()
    return {"memory_bytes": found["MemTotal"], "available_bytes": found["MemAvailable"]}


def say(message: dict[str, Any]) -> None:
    """Write one JSON line to the serial port."""
    line = (MARK + json.dumps(message, separators=(",", ":")) + "\n").encode()
    while line:
        line = line[os.write(1, line) :]
    _libc.tcdrain(1)  # else a line of the kernel's could cut through the rest of ours


def end() -> None:
    """Reset the machine, which ends QEMU."""
    os.sync()
    _libc.reboot(ctypes.c_int(RB_AUTOBOOT))
