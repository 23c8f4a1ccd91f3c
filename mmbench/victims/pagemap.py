"""/proc/PID/pagemap: which pages of a VMA are present, as runs, and how many another process maps too.

One 64-bit word per page: bit 63 present, bit 56 exclusively mapped.
Source: Documentation/admin-guide/mm/pagemap.rst (v6.18).
"""

from __future__ import annotations

import os

import numpy as np

PRESENT = np.uint64(1 << 63)
EXCLUSIVE = np.uint64(1 << 56)
MAX_VMA_PAGES = 1 << 26  # 256 GiB, 512 MiB of pagemap: beyond that, reading takes seconds
MAX_RUNS = 64  # more than this is no longer a description; such VMAs are spread evenly
_CHUNK_PAGES = 1 << 16


def read_present(fd: int, start: int, pages: int) -> tuple[int, int, np.ndarray] | None:
    """Return (present pages, those mapped elsewhere too, runs of [first, end) offsets int64 (n, 2)).

    Returns None when the kernel gives nothing, as it does for a process that is gone. The number of runs may
    be anything; memory stays small, because only the edges of runs are kept.
    """
    present = elsewhere = 0
    edges: list[np.ndarray] = []
    was_present = False
    for first in range(0, pages, _CHUNK_PAGES):
        n = min(_CHUNK_PAGES, pages - first)
        try:
            raw = os.pread(fd, 8 * n, 8 * (start + first))
        except OSError:
            return None
        if len(raw) != 8 * n:
            return None
        words = np.frombuffer(raw, dtype="<u8")
        here = (words & PRESENT) != 0
        present += int(np.count_nonzero(here))
        elsewhere += int(np.count_nonzero(here & ((words & EXCLUSIVE) == 0)))
        edges.append(first + np.flatnonzero(np.diff(here, prepend=was_present)))
        was_present = bool(here[-1])
    flat = np.concatenate([*edges, [pages] if was_present else []]).astype(np.int64)
    return present, elsewhere, flat.reshape(-1, 2)
