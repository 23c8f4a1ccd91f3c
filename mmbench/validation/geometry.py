"""A measured victim's configuration, as JSON, to the model's table of VMAs: the same pages at the same places.

The arithmetic is written again here on purpose: whoever measures must not share code with whoever predicts. A test
holds the two together.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mmbench.errors import InputError
from mmbench.model.layout import (
    ANON,
    COLUMNS,
    PAGE_BYTES,
    PAGES_PER_TABLE,
    SHMEM,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_SHARED,
    VmaTable,
    vma_table,
)
from mmbench.records.measured_types import Config

FIRST_PAGE = 1 << 20  # any 2 MiB boundary
KINDS = {
    "anon": ANON,
    "thp": ANON,
    "forked": ANON,
    "shmem": SHMEM,
}  # file mappings: their folios are the kernel's choice
FIELDS = ("span_bytes", "locked_share", "n_vmas", "stride_pages", "kind")


def vmas_of(config: Config) -> VmaTable:
    """Return the VMAs of a victim that was, or will be, measured.

    A range of span_bytes, its lowest locked_share mlocked, cut into n_vmas equal segments, every stride_pages-th
    page present, of anon, thp or shmem memory, or of anon memory that a forked child maps, too. Raises InputError for a
    field that is missing, or a kind that the model cannot predict.
    """
    missing = [name for name in FIELDS if name not in config]
    if missing:
        raise InputError(f"a victim without {', '.join(missing)}; a configuration has {', '.join(FIELDS)}.")
    if config["kind"] not in KINDS:
        raise InputError(f"a victim of {config['kind']!r} memory cannot be predicted; allowed: {', '.join(KINDS)}.")
    edges = vma_edges(config)
    first, end = np.array(edges[:-1], dtype=np.int64), np.array(edges[1:], dtype=np.int64)
    stride = config["stride_pages"]
    is_locked = end <= locked_pages(config)
    flags = np.where(is_locked, VM_LOCKED | (VM_LOCKONFAULT if stride > 1 else 0), 0)
    resident = -(-end // stride) - -(-first // stride)
    columns = {
        "start": FIRST_PAGE + first,
        "pages": end - first,
        "flags": flags | (VM_SHARED if config["kind"] == "shmem" else 0),
        "kind": KINDS[config["kind"]],
        "resident": resident,
        "elsewhere": resident if config["kind"] == "forked" else 0,
        "huge": (end - first) // PAGES_PER_TABLE if config["kind"] == "thp" else 0,
    }
    return vma_table(columns, present_runs(edges, stride))


def with_own_pages(table: VmaTable, n_own: int) -> VmaTable:
    """The same victim with the pages of the process that measures below its range.

    Almost all of them are of files, so a gather takes them and they stay.
    """
    if not n_own:
        return table
    own = vma_table({"start": FIRST_PAGE - n_own, "pages": n_own, "elsewhere": n_own})
    columns = {name: np.append(getattr(own, name), getattr(table, name)) for name in COLUMNS}
    return vma_table(columns, {k + 1: pages for k, pages in table.runs.items()})


def locked_pages(config: Config) -> int:
    """Pages of the range below the lock boundary, present or not."""
    unit = unit_pages(config)
    return round(span_pages(config) * config["locked_share"] / unit) * unit


def vma_edges(config: Config) -> list[int]:
    """Page numbers where VMAs begin, and the range's end: segment edges and the lock boundary."""
    unit, n_vmas = unit_pages(config), config["n_vmas"]
    n_units = span_pages(config) // unit
    edges = {k * n_units // n_vmas * unit for k in range(n_vmas + 1)}
    return sorted(edges | {locked_pages(config)})


def present_runs(edges: list[int], stride: int) -> dict[int, np.ndarray]:
    """The present pages of those sparse VMAs that an even spread would place elsewhere."""
    runs = {}
    for k, (first, end) in enumerate(pairwise(edges)):
        if stride > 1 and (first % stride or end % stride):
            pages = np.arange(-(-first // stride) * stride, end, stride, dtype=np.int64) - first
            runs[k] = np.stack([pages, pages + 1], axis=1)
    return runs


def unit_pages(config: Config) -> int:
    """Pages that no boundary may split."""
    return PAGES_PER_TABLE if config["kind"] == "thp" else 1


def span_pages(config: Config) -> int:
    """Pages of the range, present or not."""
    return int(config["span_bytes"]) // PAGE_BYTES
