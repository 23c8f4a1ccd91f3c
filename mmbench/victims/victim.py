"""A victim: the process whose memory is torn down, as every other part of the project sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmbench.model.layout import VmaTable

MAX_VMAS = 1 << 22  # four times the largest vm.max_map_count that programs ask for


@dataclass(frozen=True)
class Victim:
    """A named address space and where its shape comes from.

    name:   what the user typed or the program was called
    vmas:   its VMAs, one row each, sorted by address
    source: one line: built by which rule, documented where, or recorded how
    facts:  header key/values kept with a victim file (kernel, recorded date, pid, comm, ...)
    """

    name: str
    vmas: VmaTable
    source: str
    facts: dict[str, str] = field(default_factory=dict)
