"""Lays a victim's memory out inside the calling process, exactly as its configuration says.

The order matters: populate one mapping first, then split it by mprotect, because a read-only segment cannot be
populated for writing and 10,000 splits of a populated mapping are cheap.
"""

import errno
import os
from itertools import pairwise

from mmbench.live import libc
from mmbench.live.pagemap import PAGE_BYTES
from mmbench.live.workload import PAGES_PER_TABLE, VictimConfig

TABLE_BYTES = PAGES_PER_TABLE * PAGE_BYTES
_READ_WRITE = libc.PROT_READ | libc.PROT_WRITE


def build(config: VictimConfig) -> int:
    """Map, populate, lock and split the victim's range in this process; return its address, on a 2 MiB boundary.

    Raises OSError naming the call that failed (ENOMEM, EPERM or EAGAIN from mlock beyond RLIMIT_MEMLOCK, ...).
    """
    start = _map_aligned(config)
    _advise(start, config)
    _populate(start, config)
    _split(start, config)
    return start


def _map_aligned(config: VictimConfig) -> int:
    """Map the range with unmapped room on both sides, so that it neither merges with a neighbour nor shares a table."""
    room = 2 * TABLE_BYTES
    private = config.kind in ("anon", "thp", "forked")
    flags = libc.MAP_NORESERVE | (libc.MAP_PRIVATE if private else libc.MAP_SHARED)
    n_bytes = config.span_bytes + 2 * room
    if config.kind == "file":
        file = _nameless_file()
        os.ftruncate(file, n_bytes)
        address = libc.mmap(n_bytes, _READ_WRITE, flags, file)
        os.close(file)
    else:
        address = libc.mmap(n_bytes, _READ_WRITE, flags | libc.MAP_ANONYMOUS)
    start = (address // TABLE_BYTES + 1) * TABLE_BYTES
    end = start + config.span_bytes
    libc.munmap(address, start - address)
    libc.munmap(end, address + n_bytes - end)
    return start


def _nameless_file() -> int:
    """Open a file that has no name, so that none can be left behind; its holes are read as cached zero pages."""
    folder = os.environ.get("TMPDIR", "/var/tmp")
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"O_TMPFILE in {folder} (set TMPDIR to change it)") from error


def _advise(start: int, config: VictimConfig) -> None:
    try:
        advice = libc.MADV_HUGEPAGE if config.kind == "thp" else libc.MADV_NOHUGEPAGE
        libc.madvise(start, config.span_bytes, advice)
    except OSError as error:
        if error.errno != errno.EINVAL or config.kind == "thp":
            raise  # EINVAL without THP in the kernel is what small pages want


def _populate(start: int, config: VictimConfig) -> None:
    locked_bytes = config.locked_bytes
    if config.stride_pages > 1:
        if locked_bytes:
            libc.mlock_onfault(start, locked_bytes)
        _touch(start, config)
        return
    if locked_bytes:
        libc.mlock(start, locked_bytes)
    if locked_bytes < config.span_bytes:
        _populate_unlocked(start + locked_bytes, config.span_bytes - locked_bytes, config.kind == "file")


def _populate_unlocked(start: int, n_bytes: int, is_read: bool) -> None:
    try:
        libc.madvise(start, n_bytes, libc.MADV_POPULATE_READ if is_read else libc.MADV_POPULATE_WRITE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        bytes_of_pages = libc.memory(start, n_bytes)[::PAGE_BYTES]  # before Linux 5.14: touch them one by one
        if is_read:
            bytes_of_pages.tobytes()
        else:
            bytes_of_pages[:] = bytes(n_bytes // PAGE_BYTES)


def _touch(start: int, config: VictimConfig) -> None:
    """Write one byte into every page that shall be present; a strided slice does it without a Python loop."""
    n_pages = config.facts().n_pages
    libc.memory(start, config.span_bytes)[:: config.stride_pages * PAGE_BYTES] = bytes(n_pages)


def _split(start: int, config: VictimConfig) -> None:
    edges = config.segment_edges()
    for first, last in list(pairwise(edges))[1::2]:
        libc.mprotect(start + first * PAGE_BYTES, (last - first) * PAGE_BYTES, libc.PROT_READ)
