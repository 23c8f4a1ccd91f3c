"""The module inside the guest: load it, give it a program and a target, read its log."""

import ctypes
import os
import re
from typing import Any

from mmbench.errors import CannotError
from mmbench.live.victim import write_file

MODULE = "/mmbench.ko"
FOLDER = "/proc/mmbench"
SYS_FINIT_MODULE = 313
ROLES = ("exit", "reaper", "mrelease")  # the module's numbers for them


def load_module() -> None:
    """Load the module. Raises CannotError with what the kernel or the module said."""
    descriptor = os.open(MODULE, os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(SYS_FINIT_MODULE), ctypes.c_int(descriptor), b"", ctypes.c_int(0)):
        code = ctypes.get_errno()
        raise CannotError(f"the kernel does not take the module: {said_by_the_module() or os.strerror(code)}")
    os.close(descriptor)


def said_by_the_module() -> str:
    """The last line of the kernel's log that begins with our name; "" when there is none."""
    ours = [line for line in _kernel_log().values() if line.startswith("mmbench: ")]
    return ours[-1].removeprefix("mmbench: ") if ours else ""


def _kernel_log() -> dict[int, str]:
    """The kernel's log as far back as it goes: number of a record -> its first line."""
    lines = {}
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            try:
                head, _, text = os.read(log, 8192).decode(errors="replace").partition(";")
            except BrokenPipeError:  # the oldest record was overwritten meanwhile
                continue
            lines[int(head.split(",")[1])] = text.split("\n")[0]
    except BlockingIOError:
        return lines
    finally:
        os.close(log)


def set_program(text: str) -> None:
    """Give the module a program, or "" for the kernel's own code."""
    set_target(0)
    _write("program", text)


def set_target(pid: int) -> None:
    """Name the process whose teardown is the program; 0 for none."""
    _write("target", str(pid))


def start_log() -> None:
    """Forget the log and begin a new one."""
    _write("log", "1")


def stop_log() -> list[dict[str, Any]]:
    """Return the log so far and end it: steps in order, times in ns of CLOCK_MONOTONIC."""
    with open(f"{FOLDER}/log") as file:
        rows = [[int(word) for word in line.split()] for line in file]
    _write("log", "0")
    names = ("ns", "cpu", "pid", "role", "row", "rss_pages", "freed_pages", "free_pages")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [entry | {"role": ROLES[entry["role"]]} for entry in found]


def where() -> dict[str, int]:
    """The row that each role is at, or was last."""
    with open(f"{FOLDER}/where") as file:
        rows = [int(word) for word in file.read().split()]
    return {role: row for role, row in zip(ROLES, rows, strict=True) if row >= 0}


def command(what: str, pid: int = 0, address: int = 0) -> None:
    """Send a bystander: see module/README.md."""
    _write("bystander", f"{what} {pid} {address:x}")


def release() -> None:
    """Let go of whatever a bystander holds."""
    command("release")


TROUBLE = re.compile(
    r"\b(BUG|WARNING|Oops|Bad page|general protection|bad rss|unable to handle|soft lockup|blocked for)"
)


def last_record() -> int:
    """The number of the newest record of the kernel's log."""
    return max(_kernel_log(), default=-1)


def troubles(after: int) -> list[str]:
    """Every line after a record of the kernel's log that tells of something broken."""
    return [line for number, line in _kernel_log().items() if number > after and TROUBLE.search(line)]


def _write(name: str, text: str) -> None:
    try:
        write_file(f"{FOLDER}/{name}", text + "\n")
    except OSError as error:
        raise CannotError(f"the module refuses its {name}: {said_by_the_module() or error.strerror}") from error
