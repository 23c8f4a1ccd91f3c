"""Exact resident pages of a VMA as runs: text `off+len,off+len`, array int64 (n_runs, 2) of [first, end)."""

from __future__ import annotations

import re

import numpy as np

from mmbench.errors import InputError
from mmbench.model.layout import PAGES_PER_TABLE, VmaTable

ALLOWED = "- or runs like 0+16,64+8 (page offset in the VMA + length), ascending and disjoint"
_RUNS = re.compile(r"[0-9]{1,12}\+[0-9]{1,12}(?:,[0-9]{1,12}\+[0-9]{1,12})*", re.ASCII)


def format_runs(runs: np.ndarray) -> str:
    """Write [first, end) rows as `off+len,off+len`."""
    return ",".join(f"{first}+{end - first}" for first, end in runs.tolist())


def parse_runs(text: str) -> np.ndarray:
    """Read `off+len,off+len`; raise InputError when the text has another form."""
    if _RUNS.fullmatch(text) is None:
        raise InputError(f"found {text[:60]!r}; allowed: {ALLOWED}.")
    runs = np.array([item.split("+") for item in text.split(",")], dtype=np.int64)
    runs[:, 1] += runs[:, 0]
    return runs


def check_runs(table: VmaTable) -> None:
    """Raise InputError, naming the VMA, unless the runs are exactly its resident pages.

    They must be ascending, disjoint, inside the VMA, add up to `resident`, and hold `huge` whole 2 MiB blocks.
    """
    for vma, runs in table.runs.items():
        if not 0 <= vma < table.n_vmas:
            raise InputError(f"VMA {vma} has runs, but there are {table.n_vmas} VMAs.")
        flat = runs.ravel()
        pages, resident = int(table.pages[vma]), int(table.resident[vma])
        if runs.ndim != 2 or len(runs) == 0 or (runs[:, 0] >= runs[:, 1]).any() or (flat[1:] < flat[:-1]).any():
            raise InputError(f"VMA {vma}, runs are {ALLOWED}.")
        if flat[0] < 0 or flat[-1] > pages:
            raise InputError(f"VMA {vma}, runs end at page {int(flat[-1])} of a VMA of {pages} pages.")
        if int((runs[:, 1] - runs[:, 0]).sum()) != resident:
            total = int((runs[:, 1] - runs[:, 0]).sum())
            raise InputError(f"VMA {vma}, runs hold {total} pages, but resident is {resident}.")
        blocks = whole_blocks(runs + int(table.start[vma]))
        if blocks < table.huge[vma]:
            raise InputError(f"VMA {vma}, runs hold {blocks} whole 2 MiB blocks, but huge is {int(table.huge[vma])}.")


def whole_blocks(runs: np.ndarray) -> int:
    """Count the aligned 2 MiB blocks that lie wholly inside runs of page numbers; touching runs are joined."""
    opens = np.concatenate([[True], runs[1:, 0] != runs[:-1, 1]])
    first = runs[opens, 0]
    end = runs[np.append(opens[1:], True), 1]
    return int(np.maximum(end // PAGES_PER_TABLE - -(-first // PAGES_PER_TABLE), 0).sum())
