"""Which victims are measured: a designed set that tells the cost terms apart, and another that the fit never sees.

The calibration set varies one thing at a time around a middle size and adds the corners; the held-out set is drawn at
random from the same ranges, seeded, and shares no configuration with it. Sizes begin at 64 MiB where memory allows:
below, the process around the victim dominates.
"""

import math
import random

from mmbench.errors import CannotError
from mmbench.live.workload import VictimConfig

MIB = 1 << 20
GRAIN_BYTES = 4 * MIB
SMALLEST_BYTES = 64 * MIB
TINY_BYTES = 16 * MIB
MOST_VMAS = 10_000
LEAST_VMA_BYTES = 16 << 10
LARGEST_BYTES = 3072 * MIB  # enough for the term of cold pages, which begins near 1 GiB
STRIDES = (1, 1, 1, 1, 2, 4, 16, 64)
HELD_OUT_TRIES = 100


def calibration_set(
    max_memory_bytes: int, max_locked_bytes: int | None = None, has_thp: bool = True, has_shmem: bool = True
) -> list[VictimConfig]:
    """Return about 25 configurations, none larger than allowed, that together tell every cost term from the others."""
    sizes = _sizes(max_memory_bytes)
    middle, large = sizes[1], sizes[-1]
    shapes: list[VictimConfig] = []
    for size in sizes:
        shapes += [VictimConfig(size), VictimConfig(size, 1.0)]
    shapes += [VictimConfig(middle, 0.5), VictimConfig(large, 0.25, 4), VictimConfig(large, 0.75, 64)]
    shapes += [
        _dense(middle, share, n) for n, share in ((30, 0.0), (300, 1.0), (1000, 0.5), (3000, 0.0), (MOST_VMAS, 0.5))
    ]
    shapes += [VictimConfig(sizes[2], 0.0, 8), VictimConfig(sizes[2], 1.0, 16), VictimConfig(middle, 1.0, 4)]
    shapes += [VictimConfig(_span(middle, s), share, 1, s) for s, share in ((2, 1.0), (8, 0.0), (64, 0.5), (512, 0.0))]
    shapes += [VictimConfig(_span(sizes[0], 16), 1.0, 500, 16), VictimConfig(_span(sizes[0], 128), 0.0, 2000, 128)]
    if has_thp:
        shapes += [VictimConfig(middle, 0.0, kind="thp"), VictimConfig(large, 1.0, 4, kind="thp")]
    if has_shmem:
        shapes += [VictimConfig(sizes[0], 0.0, kind="shmem"), VictimConfig(middle, 1.0, 8, kind="shmem")]
        shapes += [VictimConfig(middle, 0.0, 4, kind="shmem"), VictimConfig(sizes[0], 1.0, kind="shmem")]
    return _fitting(shapes, max_memory_bytes, max_locked_bytes)


def held_out_set(
    n_configs: int,
    max_memory_bytes: int,
    max_locked_bytes: int | None = None,
    has_thp: bool = False,
    has_shmem: bool = False,
    seed: int = 1,
) -> list[VictimConfig]:
    """Draw ``n_configs`` distinct configurations that the calibration set does not have; one seed, one set."""
    known = set(calibration_set(max_memory_bytes, max_locked_bytes, has_thp, has_shmem))
    draw = random.Random(seed)
    kinds = ["anon"] * 8 + ["thp"] * has_thp + ["shmem"] * has_shmem
    found: list[VictimConfig] = []
    for _ in range(n_configs * HELD_OUT_TRIES):
        for config in _fitting([_draw_one(draw, kinds, max_memory_bytes)], max_memory_bytes, max_locked_bytes):
            if config not in known:
                known.add(config)
                found.append(config)
        if len(found) >= n_configs:
            return found[:n_configs]
    raise CannotError(
        f"only {len(found)} of {n_configs} held-out victims fit into {max_memory_bytes // MIB} MiB; raise --max-memory."
    )


def _draw_one(draw: random.Random, kinds: list[str], max_memory_bytes: int) -> VictimConfig:
    kind = draw.choice(kinds)
    sizes = _sizes(max_memory_bytes)
    size = _grain(math.exp(draw.uniform(math.log(sizes[0]), math.log(sizes[-1]))))
    share = draw.choice([0.0, 1.0, round(draw.random(), 2)])
    most = size // (2 * MIB) if kind == "thp" else MOST_VMAS
    n_vmas = round(math.exp(draw.uniform(0.0, math.log(most))))
    if kind != "anon":
        return VictimConfig(size, share, min(n_vmas, size // LEAST_VMA_BYTES), 1, kind)
    stride = draw.choice(STRIDES)
    return VictimConfig(_span(size, stride), share, min(n_vmas, size // LEAST_VMA_BYTES), stride)


def _dense(size_bytes: int, locked_share: float, n_vmas: int) -> VictimConfig:
    return VictimConfig(size_bytes, locked_share, min(n_vmas, size_bytes // LEAST_VMA_BYTES))


def _sizes(max_memory_bytes: int) -> list[int]:
    """Four sizes, evenly spaced in their logarithm, from 64 MiB (less if need be) to nearly what is allowed."""
    largest = min(LARGEST_BYTES, _grain(max_memory_bytes * 0.95))  # page tables and VMAs take memory too
    smallest = min(SMALLEST_BYTES, max(TINY_BYTES, _grain(largest / 4)))
    if largest <= smallest:
        raise CannotError(
            f"{max_memory_bytes // MIB} MiB are too little to measure with; allow at least {2 * TINY_BYTES // MIB} MiB."
        )
    ratio = (largest / smallest) ** (1 / 3)
    return sorted({smallest, _grain(smallest * ratio), _grain(smallest * ratio**2), largest})


def _grain(n_bytes: float) -> int:
    return max(1, int(n_bytes) // GRAIN_BYTES) * GRAIN_BYTES


def _span(size_bytes: int, stride_pages: int) -> int:
    """Span of a sparse victim that costs about as much as a dense one of ``size_bytes``: 8 times wider at most."""
    return size_bytes * min(stride_pages, 8)


def _fitting(shapes: list[VictimConfig], max_memory_bytes: int, max_locked_bytes: int | None) -> list[VictimConfig]:
    """Keep what fits, lower locked shares to what may be locked, and drop repetitions."""
    kept: dict[VictimConfig, None] = {}
    for shape in shapes:
        if max_locked_bytes is not None and shape.locked_bytes > max_locked_bytes:
            grain = shape.unit_pages * 4096
            share = max_locked_bytes // grain * grain / shape.span_bytes
            shape = VictimConfig(shape.span_bytes, share, shape.n_vmas, shape.stride_pages, shape.kind)
        if shape.memory_bytes <= max_memory_bytes:
            kept[shape] = None
    return list(kept)
