"""A world's state, kept to be put back: what repeats for pages on end is kept as one byte.

The bit planes of a victim are mostly runs of zeros or of ones. A copy of them costs as much memory as the world, and
memory that the machine has not touched lately costs more time than everything that is done with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mmbench.model.world import World

CHUNK_CELLS = 512  # 4 KiB
LOOK_CELLS = 1 << 16  # 512 KiB, which a core's cache holds
UNIFORM = (0, -1)  # cells of which every byte is the same


@dataclass(frozen=True)
class Saved:
    """runs: (begin, end, cell), cells of the arena that are all the same; copies: (begin, end, what stands there)"""

    runs: tuple[tuple[int, int, int], ...]
    copies: tuple[tuple[int, int, np.ndarray], ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the copies."""
        return sum(cells.nbytes for _, _, cells in self.copies)


def save(w: World) -> Saved:
    """Keep the whole state."""
    mem = w.mem
    n_chunks = len(mem) // CHUNK_CELLS
    chunks = mem[: n_chunks * CHUNK_CELLS].reshape(n_chunks, CHUNK_CELLS)
    low, high = chunks.min(axis=1), chunks.max(axis=1)
    kind = np.full(n_chunks + 1, len(UNIFORM))  # the last one is what no chunk holds
    for k, cell in enumerate(UNIFORM):
        kind[:-1][(low == cell) & (high == cell)] = k
    edges = [0, *(np.flatnonzero(np.diff(kind)) + 1), n_chunks + 1]
    runs, copies = [], []
    for first, last in pairwise(edges):
        begin, end = int(first) * CHUNK_CELLS, min(int(last) * CHUNK_CELLS, len(mem))
        if kind[first] < len(UNIFORM):
            runs.append((begin, end, UNIFORM[kind[first]]))
        else:
            copies.append((begin, end, mem[begin:end].copy()))
    return Saved(tuple(runs), tuple(copies))


def first_changed(cells: np.ndarray, cell: int) -> int:
    """Where the first block begins of which a cell is not `cell`, or the number of cells."""
    for begin in range(0, len(cells), LOOK_CELLS):
        if (cells[begin : begin + LOOK_CELLS] != cell).any():
            return begin
    return len(cells)


def restore(w: World, saved: Saved) -> None:
    """Put a state back; what a run has left as it was is not written, since it may have no memory yet. Mutates: w."""
    in_bytes = w.mem.view(np.uint8)
    for begin, end, cell in saved.runs:
        changed = begin + first_changed(w.mem[begin:end], cell)
        in_bytes[changed * 8 : end * 8] = cell & 0xFF
    for begin, end, cells in saved.copies:
        w.mem[begin:end] = cells
