"""One boot in QEMU: the same command, kernel and initramfs print the same bytes, and nothing of it outlives us.

-icount counts guest instructions as nanoseconds; one thread, no random-number instructions, a fixed seed and a clock
that starts in 2020 make two runs identical. The initramfs lives in memory only and QEMU dies with its caller.
"""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest.system import MARK

PROGRAM = "qemu-system-x86_64"
MEMORY_MIB = 700
APPEND = "console=ttyS0 quiet panic=-1 nokaslr norandmaps"
SILENCE_S = 240.0  # a guest that says nothing for so long hangs; the longest experiment takes a tenth of it
N_LAST_LINES = 12
_SOURCES = str(Path(__file__).resolve().parents[2])
# a child that puts itself under our life before it becomes QEMU; preexec_fn is not safe beside a progress bar's thread
_START = (
    "import os, sys; sys.path.insert(0, sys.argv[1]); from mmbench.live import libc; libc.die_with_parent(); "
    "os.getppid() == int(sys.argv[2]) or sys.exit(1); os.execv(sys.argv[3], sys.argv[3:])"
)
_ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|c)")
_OOPS = re.compile(r"\b(BUG|Oops|general protection fault)\b.*")
_KERNEL_IP = re.compile(r"RIP: 0010:(\w+)")

Message = dict[str, Any]  # raw: what a guest said, before anything has checked it


class GuestError(CannotError):
    """A guest that did not come to its end: ``what`` happened, in a sentence, and the ``messages`` until then."""

    def __init__(self, what: str, shown: str, messages: list[Message]) -> None:
        super().__init__(f"{what}. {shown}")
        self.what, self.messages = what, messages


def find_qemu() -> str:
    """Return the path of QEMU. Raises CannotError naming the package."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise CannotError(
            f"{PROGRAM} not found; install the package qemu-system-x86 (apt-get install qemu-system-x86)."
        )
    return found


def qemu_version(program: str) -> str:
    """Return QEMU's version, its packager's included: results depend on it."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    match = re.search(r"version (.+)", done.stdout)
    if match is None:
        raise CannotError(f"{program} --version says {done.stdout[:80]!r}; install the package qemu-system-x86 again.")
    return match[1].strip()


def command(kernel: str, initramfs: str, n_cpus: int, is_counted: bool = True) -> list[str]:
    """Return QEMU's arguments; the recipe is one whole, every part of it is needed for identical runs.

    is_counted: time counts instructions, on one thread; otherwise it is real time, and each CPU has a thread of its own
    """
    thread, cpu = ("single", "max,-rdrand,-rdseed") if is_counted else ("multi", "max")
    clock = ("-rtc", "base=2020-01-01,clock=vm", "-icount", "shift=0,sleep=off", "-seed", "42") if is_counted else ()
    return [
        *("-accel", f"tcg,thread={thread}", "-cpu", cpu, "-smp", str(n_cpus), "-m", str(MEMORY_MIB)),
        *("-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio", *clock),
        *("-kernel", kernel, "-initrd", initramfs, "-append", APPEND),
    ]


def boot(
    kernel: Path,
    initramfs: bytes,
    n_cpus: int,
    timeout_s: float,
    log: Path,
    on_message: Callable[[Message], None],
    is_counted: bool = True,
) -> list[Message]:
    """Boot until the guest resets itself; return its messages in order, the serial log kept at ``log``.

    Raises CannotError with the last lines of that log when QEMU refuses, or when the guest panics, hangs, fails or says
    something garbled.
    """
    program = find_qemu()
    memory = os.memfd_create("initramfs")
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(initramfs)
        arguments = command(str(kernel), f"/proc/self/fd/{memory}", n_cpus, is_counted)
        start = [sys.executable, "-I", "-S", "-c", _START, _SOURCES, str(os.getpid()), program, *arguments]
        # an own session: Ctrl-C reaches only us, and we end QEMU
        process = subprocess.Popen(
            start,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(memory,),
            start_new_session=True,
        )
        try:
            with open(log, "wb", buffering=0) as record:  # what was said is on disk even if we are killed
                return _Listener(process, record.write, on_message, log, timeout_s).listen()
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    finally:
        os.close(memory)


class _Listener:
    """Reads the serial line until it ends, and knows why it ended."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        keep: Callable[[bytes], int],
        on_message: Callable[[Message], None],
        log: Path,
        timeout_s: float,
    ) -> None:
        self.process, self.keep, self.on_message, self.log, self.timeout_s = process, keep, on_message, log, timeout_s
        self.messages: list[Message] = []
        self.lines: list[str] = []
        self.rest = b""

    def listen(self) -> list[Message]:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + self.timeout_s
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], min(left_s, SILENCE_S))[0]:
                what = "is not done" if left_s <= SILENCE_S else f"has said nothing for {SILENCE_S:.0f} s"
                after_s = time.monotonic() - deadline + self.timeout_s
                raise self.failure(f"the guest hangs: it {what}, {after_s:.0f} s after power-on")
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                return self.verdict()
            self.keep(chunk)
            self.rest += chunk
            *whole, self.rest = self.rest.split(b"\n")
            for line in whole:
                self.take(_ESCAPES.sub(b"", line).decode(errors="replace").rstrip("\r"))

    def take(self, line: str) -> None:
        """Keep a line; one of ours is a message."""
        self.lines.append(line)
        _, mark, text = line.partition(MARK)
        if mark:
            try:
                message = json.loads(text)
            except ValueError:
                raise self.failure("a line of the guest's answer is garbled") from None
            self.messages.append(message)
            self.on_message(message)

    def verdict(self) -> list[Message]:
        """Return the messages of a guest that finished, or say how it ended."""
        status = self.process.wait()
        if self.messages and "done" in self.messages[-1]:
            return self.messages
        panic = next((line for line in self.lines if "Kernel panic" in line), "")
        if panic:
            raise self.failure(f"the guest panicked: {self.oops() or panic.partition('Kernel panic - ')[2] or panic}")
        failed = next((m["failed"] for m in self.messages if "failed" in m), "")
        if failed:
            raise self.failure(f"the probe failed in the guest: {failed.strip().splitlines()[-1]}")
        hangs = next((m["hangs"] for m in self.messages if "hangs" in m), "")
        if hangs:
            raise self.failure(f"the design hangs: {hangs}")
        if status:
            raise self.failure(f"QEMU ended with status {status}; it cannot boot this kernel")
        raise self.failure("the guest ended before it had answered everything")

    def oops(self) -> str:
        """The first complaint before a panic, and the function that it was in; "" when there is none."""
        said = next((found[0] for line in self.lines if (found := _OOPS.search(line))), "")
        where = next((found[1] for line in self.lines if (found := _KERNEL_IP.search(line))), "")
        return f"{said}, in {where}" if said and where else said

    def failure(self, what: str) -> GuestError:
        """Build the error: what happened, the last lines, where the rest is."""
        last = [line for line in [*self.lines, self.rest.decode(errors="replace")] if line.strip()][-N_LAST_LINES:]
        shown = "".join(f"\n    {line[:200]}" for line in last) or "\n    (nothing)"
        return GuestError(what, f"The last lines of its serial line ({self.log}):{shown}", self.messages)
