"""Unmapping in C, one byte per page: the plain loop, and one that helps the compiler by tiling.

Compiled with gcc -O3 into a folder of the caller's; nothing of it is kept.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.model.layout import PAGES_PER_TABLE

PRESENT, MLOCKED = 1, 2  # bits of a page's byte

SOURCE = """\
#include <stdint.h>

/* Unmap pages [first, end). Returns how many there were; *n_mlocked of them were mlocked. */
int64_t plain(uint8_t *page, int64_t first, int64_t end, int64_t *n_mlocked)
{
    int64_t n = 0, m = 0;
    for (int64_t i = first; i < end; i++) {
        n += page[i] & 1;
        m += page[i] >> 1 & 1;
        page[i] = 0;
    }
    *n_mlocked = m;
    return n;
}

/* The same, with 32-bit sums over 512 pages, which vectorise better. end - first is a multiple of 512. */
int64_t tiled(uint8_t *page, int64_t first, int64_t end, int64_t *n_mlocked)
{
    int64_t n = 0, m = 0;
    for (int64_t t = first; t < end; t += 512) {
        uint32_t table_n = 0, table_m = 0;
        for (int i = 0; i < 512; i++) {
            table_n += page[t + i] & 1;
            table_m += page[t + i] >> 1 & 1;
            page[t + i] = 0;
        }
        n += table_n;
        m += table_m;
    }
    *n_mlocked = m;
    return n;
}
"""
LOOPS = ("plain", "tiled")
FLAGS = ("-O3", "-shared", "-fPIC")


class CannotCompileError(Exception):
    """There is no usable C compiler; the message says why."""


class CLoop:
    """The compiled loops. Raises CannotCompileError without gcc or when gcc fails."""

    def __init__(self, folder: Path) -> None:
        gcc = shutil.which("gcc")
        if gcc is None:
            raise CannotCompileError("gcc is not installed")
        source, library = folder / "unmap.c", folder / "unmap.so"
        source.write_text(SOURCE)
        done = subprocess.run([gcc, *FLAGS, "-o", library, source], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotCompileError(f"gcc fails: {done.stderr.strip()[:200]}")
        self.library = ctypes.CDLL(str(library))
        for name in LOOPS:
            getattr(self.library, name).restype = ctypes.c_int64
        said = subprocess.run([gcc, "--version"], capture_output=True, text=True, check=False)
        self.compiler = said.stdout.partition("\n")[0]

    def unmap(self, name: str, page: np.ndarray) -> tuple[int, int]:
        """Unmap all pages with one of LOOPS: (unmapped, of those mlocked). Mutates: page.

        page: uint8 (n,), contiguous, n a multiple of 512; ValueError for another n, since C would write beyond it.
        """
        if len(page) % PAGES_PER_TABLE:
            raise ValueError(f"{len(page)} pages are not whole page tables of {PAGES_PER_TABLE}")
        n_mlocked = ctypes.c_int64()
        end = ctypes.c_int64(len(page))
        start = ctypes.c_void_p(page.ctypes.data)
        n = getattr(self.library, name)(start, ctypes.c_int64(0), end, ctypes.byref(n_mlocked))
        return int(n), n_mlocked.value


def bytes_of(planes: Any) -> np.ndarray:
    """One byte per page for planes[0] = present and planes[1] = mlocked, uint64 (2, n_words)."""
    present, mlocked = (np.unpackbits(plane.view(np.uint8), bitorder="little") for plane in planes)
    return present * np.uint8(PRESENT) | mlocked * np.uint8(MLOCKED)
