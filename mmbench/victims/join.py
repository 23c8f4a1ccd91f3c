"""Several address-space parts laid one above the other: an SGA beside a PGA, weights beside an anonymous rest."""

from __future__ import annotations

import numpy as np

from mmbench.model.layout import COLUMNS, PAGES_PER_TABLE, VmaTable, vma_table
from mmbench.victims.synthetic import FIRST_PAGE


def join(*parts: VmaTable) -> VmaTable:
    """Return one table with the VMAs of all parts, in order; alignment to 2 MiB is kept.

    Each part is moved as a whole to the first 2 MiB boundary that leaves at least one page of gap.
    Raises InputError when the sum does not fit the address space.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    runs: dict[int, np.ndarray] = {}
    n_vmas, free = 0, FIRST_PAGE
    for part in parts:
        lowest = int(part.start[0]) // PAGES_PER_TABLE * PAGES_PER_TABLE
        moved = part.start - lowest + free
        for name in COLUMNS:
            columns[name].append(moved if name == "start" else getattr(part, name))
        runs |= {n_vmas + vma: exact for vma, exact in part.runs.items()}
        n_vmas += part.n_vmas
        free = (int(moved[-1] + part.pages[-1]) // PAGES_PER_TABLE + 1) * PAGES_PER_TABLE
    return vma_table({name: np.concatenate(arrays) for name, arrays in columns.items()}, runs)
