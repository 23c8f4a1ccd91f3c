"""Exact page counts from /proc/PID/pagemap: bit 63 says whether a page is mapped right now.

VmRSS and the kernel log's "now anon-rss" are approximate (per-CPU counters); these counts are not.
Source: Documentation/admin-guide/mm/pagemap.rst. Pages are 4096 bytes, an entry is a little-endian uint64.
"""

import os

PAGE_BYTES = 4096
ENTRY_BYTES = 8
_CHUNK_PAGES = 1 << 18
_BELOW_BIT_63 = bytes(range(0x80))


def count_present(entries: bytes) -> int:
    """Count the pagemap entries whose bit 63 (present) is set; ``entries`` holds whole 8-byte entries."""
    return len(entries[7::ENTRY_BYTES].translate(None, delete=_BELOW_BIT_63))


def present_pages(pid: int, start: int, n_pages: int, proc: str = "/proc") -> int:
    """Count the pages mapped in ``[start, start + n_pages * 4096)`` of a process that still has its mm.

    Raises OSError when pagemap cannot be opened, or EIO when it ends early (the mm is already gone).
    """
    descriptor = os.open(f"{proc}/{pid}/pagemap", os.O_RDONLY)
    try:
        return _count(descriptor, start // PAGE_BYTES * ENTRY_BYTES, n_pages)
    finally:
        os.close(descriptor)


def _count(descriptor: int, offset: int, n_pages: int) -> int:
    present = 0
    left_bytes = n_pages * ENTRY_BYTES
    while left_bytes:
        entries = os.pread(descriptor, min(left_bytes, _CHUNK_PAGES * ENTRY_BYTES), offset)
        if not entries or len(entries) % ENTRY_BYTES:
            raise OSError(5, "ended early: the process has no memory any more", "pagemap")
        present += count_present(entries)
        offset += len(entries)
        left_bytes -= len(entries)
    return present
