"""A victim as data: how large, how much of it locked, in how many VMAs, how sparse, of what kind of memory.

:class:`VictimConfig` is what people and designs write; :class:`Facts` is what the kernel will find, by arithmetic,
and is checked against pagemap and maps once the victim lives.
"""

from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from mmbench.errors import InputError, nearest, short
from mmbench.live.pagemap import PAGE_BYTES

PAGES_PER_TABLE = 512
# a gather of more pages than this allocates a batch page (mm/mmu_gather.c, MMU_GATHER_BUNDLE)
GATHER_SLOTS_ON_STACK = 8
MAX_VMAS = 60_000  # vm.max_map_count is 65530 unless somebody changed it
KINDS = ["anon", "shmem", "file", "thp", "forked"]  # forked: anonymous pages that a child of the victim maps, too


@dataclass(frozen=True)
class Facts:
    """What tearing a victim down works on; pages are 4 KiB and present, a THP counts as 512 of them.

    ``n_tables`` are the PTE tables under its range (none for THP), ``n_batched_vmas`` the VMAs with more than 8 pages.
    """

    n_pages: int
    n_locked_pages: int
    n_unlocked_pages: int
    n_tables: int
    n_vmas: int
    n_batched_vmas: int
    n_thps: int


@dataclass(frozen=True)
class VictimConfig:
    """One victim's shape: a range of ``span_bytes`` whose every ``stride_pages``-th page is present.

    The lowest ``locked_share`` of the range is mlocked; ``n_vmas`` equal segments alternate in protection, and a lock
    boundary inside a segment makes one VMA more. Raises InputError for a shape that cannot be built.
    """

    span_bytes: int
    locked_share: float = 0.0
    n_vmas: int = 1
    stride_pages: int = 1
    kind: str = "anon"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise nearest(str(self.kind), KINDS, "kind of victim memory")
        unit = self.unit_pages
        if self.span_bytes < unit * PAGE_BYTES or self.span_bytes % (unit * PAGE_BYTES):
            raise InputError(
                f"a {self.kind} victim of {self.span_bytes} bytes: give a multiple of {unit * PAGE_BYTES}."
            )
        if not 0.0 <= self.locked_share <= 1.0:
            raise InputError(f"locked share {self.locked_share}: give a number from 0 to 1.")
        most_vmas = min(MAX_VMAS, self.span_pages // unit)
        if not 1 <= self.n_vmas <= most_vmas:
            raise InputError(f"{self.n_vmas} VMAs in {self.span_bytes} bytes: allowed is 1 to {most_vmas}.")
        if not 1 <= self.stride_pages <= self.span_pages or (self.kind == "thp" and self.stride_pages != 1):
            raise InputError(
                f"a stride of {self.stride_pages} pages: allowed is 1 to {self.span_pages}, and only 1 for thp."
            )

    @property
    def unit_pages(self) -> int:
        """Pages that no boundary may split: a whole THP, or one page."""
        return PAGES_PER_TABLE if self.kind == "thp" else 1

    @property
    def span_pages(self) -> int:
        """Pages of the range, present or not."""
        return self.span_bytes // PAGE_BYTES

    @property
    def locked_span_pages(self) -> int:
        """Pages of the range below the lock boundary."""
        return round(self.span_pages * self.locked_share / self.unit_pages) * self.unit_pages

    @property
    def locked_bytes(self) -> int:
        """Bytes that count against RLIMIT_MEMLOCK: the locked range, present or not."""
        return self.locked_span_pages * PAGE_BYTES

    @property
    def memory_bytes(self) -> int:
        """Memory the victim will take: its pages, its tables, and about 256 bytes per VMA."""
        facts = self.facts()
        return (facts.n_pages + facts.n_tables + facts.n_thps) * PAGE_BYTES + facts.n_vmas * 256

    def segment_edges(self) -> list[int]:
        """Page numbers, relative to the range, where protection changes; first 0, last the range's end."""
        n_units = self.span_pages // self.unit_pages
        return [i * n_units // self.n_vmas * self.unit_pages for i in range(self.n_vmas + 1)]

    def vma_edges(self) -> list[int]:
        """Page numbers where VMAs begin, and the range's end: segment edges and the lock boundary."""
        return sorted({*self.segment_edges(), self.locked_span_pages})

    def n_present_below(self, page: int) -> int:
        """Pages present among the first ``page`` pages of the range."""
        return -(-page // self.stride_pages)

    def facts(self) -> Facts:
        """Return what the kernel will find in this victim, exactly."""
        n_pages = self.n_present_below(self.span_pages)
        n_locked = self.n_present_below(self.locked_span_pages)
        last_page = (n_pages - 1) * self.stride_pages
        n_tables = n_pages if self.stride_pages >= PAGES_PER_TABLE else last_page // PAGES_PER_TABLE + 1
        edges = self.vma_edges()
        below = [self.n_present_below(edge) for edge in edges]
        n_batched = sum(high - low > GATHER_SLOTS_ON_STACK for low, high in pairwise(below))
        is_thp = self.kind == "thp"
        return Facts(
            n_pages=n_pages,
            n_locked_pages=n_locked,
            n_unlocked_pages=n_pages - n_locked,
            n_tables=0 if is_thp else n_tables,
            n_vmas=len(edges) - 1,
            n_batched_vmas=n_batched,
            n_thps=n_pages // PAGES_PER_TABLE if is_thp else 0,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> "VictimConfig":
        """Read :meth:`to_dict`'s output back; an unknown or missing field is an InputError that names it."""
        allowed = [field.name for field in fields(cls)]
        for name in found:
            if name not in allowed:
                raise nearest(name, allowed, "victim field")
        if "span_bytes" not in found:
            raise InputError(f"a victim without span_bytes; its fields are {', '.join(allowed)}.")
        for name, value in found.items():
            wanted: tuple[type, ...] = {"kind": (str,), "locked_share": (int, float)}.get(name, (int,))
            if isinstance(value, bool) or not isinstance(value, wanted):
                raise InputError(
                    f"victim field {name} is {short(value)}: give {' or '.join(kind.__name__ for kind in wanted)}."
                )
        return cls(**found)

    def __str__(self) -> str:
        """Short name for tables and plots, such as ``512 MiB anon, 50 % locked, 16 VMAs``."""
        parts = [f"{self.span_bytes / 2**20:g} MiB {self.kind}"]
        parts += [f"{self.locked_share:.0%} locked"] if self.locked_share else []
        parts += [f"{self.n_vmas} VMAs"] if self.n_vmas > 1 else []
        parts += [f"1 page in {self.stride_pages}"] if self.stride_pages > 1 else []
        return ", ".join(parts)
