"""A victim read from a live process: smaps for the VMAs, pagemap for the exact pages where that is permitted.

Nothing private is kept: no command line, no environment, no path of a mapping.
Folio orders cannot be read by these means, so every PTE-mapped page counts as a plain 4 KiB page.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mmbench.errors import CannotError, InputError
from mmbench.model.layout import VM_HUGETLB, VM_PFNMAP, VmaTable, vma_table
from mmbench.victims import pagemap
from mmbench.victims.runs import check_runs, whole_blocks
from mmbench.victims.smaps import Smap, parse_smaps, tmpfs_devices
from mmbench.victims.victim import Victim

PROC = Path("/proc")
_PF_EXITING = 0x0000_0004
_PF_KTHREAD = 0x0020_0000


def snapshot(pid: int, proc: Path = PROC, name: str | None = None) -> Victim:
    """Read process `pid` into a Victim; the process is neither stopped nor changed.

    A running process may change between the reads. What counts is Rss: pagemap runs are taken only for
    VMAs where both agree, and the facts say for how many.
    proc: another root than /proc, for recorded trees.
    Raises InputError for a pid that is no positive number; CannotError when the process is gone, ends while it
    is read, is a kernel thread, or may not be read by this account.
    """
    if pid <= 0:
        raise InputError(f"pid is {pid}. Allowed: the number of a running process, 1 or more.")
    home = Path(proc) / str(pid)
    try:
        before = _identity(home, pid)
        comm = _printable((home / "comm").read_text(errors="replace"))
        smaps = _read_smaps(home, pid)
        smaps, runs, exactness = _with_runs(home, smaps)
        if _identity(home, pid) != before:
            raise CannotError(f"process {pid} ended or became another program while it was being read. Try again.")
    except (FileNotFoundError, ProcessLookupError):
        raise _gone(pid) from None
    except PermissionError:
        raise CannotError(
            f"process {pid} may not be read by this account. Run as its owner or as root; a process that is not "
            "dumpable, or a strict ptrace_scope, needs root."
        ) from None
    except OSError as error:
        raise CannotError(f"process {pid} cannot be read: {error.strerror}.") from error
    table = _table(pid, smaps, runs)
    facts = {
        "kernel": _printable(_text(Path(proc) / "sys/kernel/osrelease")),
        "recorded": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "comm": comm,
        "pid": str(pid),
        "rss-pages": str(sum(s.resident for s in smaps if not s.flags & (VM_HUGETLB | VM_PFNMAP))),
        "runs": exactness,
    }
    return Victim(name or f"{comm}-{pid}", table, "snapshot of a live process", facts)


def _table(pid: int, smaps: list[Smap], runs: dict[int, np.ndarray]) -> VmaTable:
    try:
        table = vma_table({field: [getattr(s, field) for s in smaps] for field in Smap.__dataclass_fields__}, runs)
        check_runs(table)
    except InputError as error:
        raise CannotError(f"process {pid}: what the kernel shows does not fit the model: {error}") from error
    return table


@dataclass(frozen=True)
class _Identity:
    """What stays the same while a process is alive and runs one program: a new start time is another process,
    a new stack or code address is an execve."""

    start_time: str
    start_code: str
    start_stack: str


def _identity(home: Path, pid: int) -> _Identity:
    """Read PROC/PID/stat; raise CannotError for what has no address space (any more)."""
    stat = (home / "stat").read_text(errors="replace").rpartition(")")[2].split()
    if len(stat) < 26:
        raise _gone(pid)
    state, flags = stat[0], int(stat[6])
    if flags & _PF_KTHREAD:
        raise CannotError(f"process {pid} is a kernel thread: it has no memory of its own. Choose a user process.")
    if state in "ZXx" or flags & _PF_EXITING:
        raise CannotError(f"process {pid} has already exited (state {state}): its memory is gone.")
    return _Identity(start_time=stat[19], start_code=stat[23], start_stack=stat[25])


def _read_smaps(home: Path, pid: int) -> list[Smap]:
    try:
        with open(home / "mountinfo", errors="replace") as file:
            devices = tmpfs_devices(file)
    except OSError:
        devices = frozenset()
    with open(home / "smaps", errors="replace") as file:
        smaps = list(parse_smaps(file, devices))
    if not smaps:
        raise _gone(pid)
    return smaps


def _with_runs(home: Path, smaps: list[Smap]) -> tuple[list[Smap], dict[int, np.ndarray], str]:
    """Add what pagemap knows: the exact runs of partly resident VMAs, where they are few and agree with Rss."""
    partly = [
        i
        for i, s in enumerate(smaps)
        if 0 < s.resident < s.pages <= pagemap.MAX_VMA_PAGES and not s.flags & (VM_HUGETLB | VM_PFNMAP)
    ]
    try:
        fd = os.open(home / "pagemap", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return smaps, {}, "none, pagemap is not readable; resident pages are spread evenly"
    smaps = list(smaps)
    runs = {}
    try:
        for i in partly:
            seen = pagemap.read_present(fd, smaps[i].start, smaps[i].pages)
            if seen is None or seen[0] != smaps[i].resident:
                continue
            smaps[i] = replace(smaps[i], elsewhere=seen[1])
            if len(seen[2]) <= pagemap.MAX_RUNS and whole_blocks(seen[2] + smaps[i].start) >= smaps[i].huge:
                runs[i] = seen[2]
    finally:
        os.close(fd)
    return smaps, runs, f"exact for {len(runs)} of {len(partly)} partly resident VMAs"


def _gone(pid: int) -> CannotError:
    return CannotError(f"there is no process {pid}, or it ended just now. `ps` lists what is running.")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return "unknown"


def _printable(text: str) -> str:
    """One printable line: a comm may hold any byte."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else "?" for c in text.rstrip("\n"))).strip() or "?"
