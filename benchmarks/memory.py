"""How many bytes does the array model take? Of its arrays, not of the process: imports alone are 200 MB."""

from __future__ import annotations

from mmbench.model.build import build
from mmbench.model.world import MM_RSS
from mmbench.victims import parse_size, synthetic

SIZES = ("1GiB", "64GiB", "1TiB")
N_VMAS = (2, 1000, 100_000)


class Memory:
    """Worlds of synthetic victims with 8 tasks."""

    version = "1"
    timeout = 300
    params = (SIZES, N_VMAS)
    param_names = ("size", "vmas")

    def track_array_bytes_per_page(self, size: str, vmas: int) -> float:
        """Bytes of all arrays of a world, over its pages. Lower is better."""
        pages = parse_size(size) // 4096
        world = build(synthetic(parse_size(size), vmas=vmas).vmas, n_tasks=8)
        if world.mem[MM_RSS] != pages:
            raise AssertionError(f"{world.mem[MM_RSS]} pages, not {pages}")
        return (world.mem.nbytes + world.elsewhere.nbytes) / pages

    track_array_bytes_per_page.unit = "bytes/page"  # type: ignore[attr-defined]
