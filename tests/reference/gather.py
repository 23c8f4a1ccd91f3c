"""Twin of the mmu_gather: the pages in it, each with whether another mm maps it too."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Gather:
    """A gather of so many slots, emptied whenever it is full; n_freed: folios that the allocator got of it."""

    capacity: int
    is_elsewhere: list[bool] = field(default_factory=list)
    n_freed: int = 0

    def add(self, elsewhere: bool) -> None:
        """One folio of one page is unmapped."""
        self.is_elsewhere.append(elsewhere)
        if len(self.is_elsewhere) == self.capacity:
            self.flush()

    def flush(self) -> None:
        """Every folio loses its reference; one that another mm maps too stays."""
        self.n_freed += self.is_elsewhere.count(False)
        self.is_elsewhere = []
