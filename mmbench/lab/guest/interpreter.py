"""The module inside the guest: load it, give it a program and a target, read its log."""

import ctypes
import os
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
    found = ""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            record = os.read(log, 8192).decode(errors="replace")
            text = record.partition(";")[2].split("\n")[0]
            found = text if text.startswith("mmbench: ") else found
    except BlockingIOError:
        return found.removeprefix("mmbench: ")
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
    names = ("ns", "cpu", "pid", "role", "row", "rss_pages", "freed_pages")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [entry | {"role": ROLES[entry["role"]]} for entry in found]


def _write(name: str, text: str) -> None:
    try:
        write_file(f"{FOLDER}/{name}", text + "\n")
    except OSError as error:
        raise CannotError(f"the module refuses its {name}: {said_by_the_module() or error.strerror}") from error
