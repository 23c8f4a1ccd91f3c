"""Record the victims of this folder again: start each program, wait until it is settled, take its snapshot.

    python -m mmbench.victims.recorded.record NAME|all [-o FOLDER]

The programs are Debian packages (qemu-system-x86, stress-ng, earlyoom, redis-server). Only what this script
started is killed, at the end and on Ctrl-C. Locking memory needs root or a memlock limit of about 1 GiB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mmbench.errors import EXIT_INTERRUPTED, EXIT_OK, CannotError, MmbenchError, nearest
from mmbench.victims.file_format import write_victim
from mmbench.victims.snapshot import PROC, snapshot

TIMEOUT_S = 60.0
POLL_S = 0.3
REDIS_KEYS = 60_000
STRESS_VMAS = 4_000  # enough to show the shape, few enough for a file of less than 300 KB


@dataclass(frozen=True)
class Recipe:
    """How one program is recorded.

    command: argv; SCRATCH stands for a temporary folder that is removed afterwards
    version: argv that prints the version in its first line
    settle:  waits until the program is worth recording; returns the process to record
    """

    package: str
    command: tuple[str, ...]
    version: tuple[str, ...]
    settle: Callable[[subprocess.Popen[bytes], Path], int]
    note: str


def _settle_quiet(process: subprocess.Popen[bytes], scratch: Path) -> int:
    """Wait until VmRSS stays the same over four polls."""
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(_status_kb(process.pid, "VmRSS"))
        return seen[-1] > 0 and len(seen) >= 4 and len(set(seen[-4:])) == 1

    _wait(process, quiet, POLL_S)
    return process.pid


def _settle_locked(process: subprocess.Popen[bytes], scratch: Path) -> int:
    """Wait until the program has locked its memory, and then until it is quiet."""
    _wait(process, lambda: _status_kb(process.pid, "VmLck") > 0, POLL_S)
    return _settle_quiet(process, scratch)


def _settle_redis(process: subprocess.Popen[bytes], scratch: Path) -> int:
    """Fill the server with keys over its own socket, in the wire protocol's inline form."""
    path = scratch / "redis.sock"
    _wait(process, path.exists, POLL_S)
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(TIMEOUT_S)
        server.connect(str(path))
        for first in range(0, REDIS_KEYS, 1000):
            server.sendall(b"".join(b"SET key:%d %s\r\n" % (i, b"x" * 1024) for i in range(first, first + 1000)))
            answer = b""
            while len(answer) < 1000 * len(b"+OK\r\n"):
                answer += server.recv(1 << 16) or b"server closed the connection" * 1000
            if answer != b"+OK\r\n" * 1000:
                raise CannotError(f"redis-server refused the data: {answer[:60]!r}.")
    return _settle_quiet(process, scratch)


def _settle_stress(process: subprocess.Popen[bytes], scratch: Path) -> int:
    """Stop the worker while it has thousands of locked VMAs: it maps and unmaps in a cycle and never rests.

    Its mlockall calls merge VMAs, so the count is taken again once it stands still.
    """
    worker: list[int] = []

    def at_work(pid: int) -> bool:
        return STRESS_VMAS <= _n_vmas(pid) <= STRESS_VMAS * 5 // 4 and _status_kb(pid, "VmLck") > 0

    def stopped_at_work() -> bool:
        for pid in _descendants(process.pid):
            with suppress(OSError):
                if at_work(pid):
                    os.kill(pid, signal.SIGSTOP)
                    _wait(process, lambda pid=pid: "T" in _status(pid).get("State", "T"), 0.01)  # type: ignore[misc]
                    if at_work(pid):
                        worker.append(pid)
                        return True
                    os.kill(pid, signal.SIGCONT)
        return False

    _wait(process, stopped_at_work, 0.001)
    return worker[0]


RECIPES = {
    "qemu-guest": Recipe(
        "qemu-system-x86",
        (
            "qemu-system-x86_64",
            "-S",
            "-display",
            "none",
            "-nodefaults",
            "-machine",
            "pc,memory-backend=ram",
            "-accel",
            "tcg,tb-size=32",
            "-m",
            "256",
            "-object",
            "memory-backend-ram,id=ram,size=256M,prealloc=on",
            "-overcommit",
            "mem-lock=on",
        ),
        ("qemu-system-x86_64", "--version"),
        _settle_locked,
        "a virtual machine of 256 MiB, all memory locked, before its first instruction",
    ),
    "stress-ng-mlock": Recipe(
        "stress-ng",
        ("stress-ng", "--mlock", "1", "--quiet"),
        ("stress-ng", "--version"),
        _settle_stress,
        f"the worker, stopped when it had {STRESS_VMAS} VMAs or a little more, on its way to vm.max_map_count",
    ),
    "earlyoom": Recipe(
        "earlyoom",
        ("earlyoom", "--dryrun", "-r", "3600"),
        ("earlyoom", "-v"),
        _settle_locked,
        "a small daemon that locks all of itself on fault",
    ),
    "redis-unlocked": Recipe(
        "redis-server",
        ("redis-server", "--port", "0", "--unixsocket", "SCRATCH/redis.sock", "--dir", "SCRATCH", "--save", ""),
        ("redis-server", "--version"),
        _settle_redis,
        f"the unlocked control: {REDIS_KEYS} keys of 1 KiB",
    ),
}


def record(name: str, folder: Path) -> Path:
    """Start the program `name`, record it into FOLDER/NAME.victim, stop it; return the path.

    Raises InputError for an unknown name; CannotError when the program is missing, ends, or never settles.
    """
    if name not in RECIPES:
        raise nearest(name, [*RECIPES, "all"], "program to record")
    recipe = RECIPES[name]
    if shutil.which(recipe.command[0]) is None:
        raise CannotError(f"{recipe.command[0]} is not installed. On Debian: apt-get install {recipe.package}.")
    with tempfile.TemporaryDirectory(prefix="mmbench-record-") as scratch, _running(recipe, Path(scratch)) as process:
        victim = snapshot(recipe.settle(process, Path(scratch)), name=name)
    facts = {"program": _version(recipe), "command": " ".join(a or "''" for a in recipe.command), "note": recipe.note}
    victim = replace(victim, source="recorded from a live process by recorded/record.py", facts=facts | victim.facts)
    path = folder / f"{name}.victim"
    write_victim(victim, path)
    return path


@contextmanager
def _running(recipe: Recipe, scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program in a session of its own, so that killing its group kills its children and no one else."""
    command = [argument.replace("SCRATCH", str(scratch)) for argument in recipe.command]
    with open(scratch / "output", "wb") as output:
        process = subprocess.Popen(
            command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    except CannotError as error:
        said = (scratch / "output").read_text(errors="replace").strip().splitlines()
        raise CannotError(f"{error} {recipe.command[0]} said: {said[-1]}" if said else str(error)) from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], condition: Callable[[], bool], poll_s: float) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if process.poll() is not None:
            raise CannotError(f"the program ended with status {process.returncode} before it could be recorded.")
        if time.monotonic() > deadline:
            raise CannotError(f"the program did not settle within {TIMEOUT_S:.0f} s.")
        time.sleep(poll_s)


def _status(pid: int) -> dict[str, str]:
    with suppress(OSError):
        return dict(line.split(":", 1) for line in (PROC / str(pid) / "status").read_text().splitlines())
    return {}


def _status_kb(pid: int, field: str) -> int:
    return int(_status(pid).get(field, "0").split()[0])


def _n_vmas(pid: int) -> int:
    with open(PROC / str(pid) / "maps", "rb") as file:
        return sum(1 for _ in file)


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        children = [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _version(recipe: Recipe) -> str:
    done = subprocess.run(recipe.version, capture_output=True, text=True, timeout=TIMEOUT_S)
    return " ".join((done.stdout + done.stderr).strip().splitlines()[0].split())


def main(arguments: list[str] | None = None) -> int:
    """Record what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mmbench.victims.recorded.record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help=f"all, or one of {', '.join(RECIPES)}")
    parser.add_argument("-o", dest="folder", type=Path, default=Path(__file__).parent, help="folder for the files")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a killed recording cleans up like Ctrl-C
    try:
        for name in RECIPES if options.name == "all" else [options.name]:
            path = record(name, options.folder)
            print(f"{path}: {path.stat().st_size} bytes")
    except MmbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was started has been stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
