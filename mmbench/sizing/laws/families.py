"""Who dies, as the service table needs it: some victims to build and run, and the sizes that the law asks for.

A family is one component of the mixture of victims. A size that was not built is read between the two nearest that were
(times grow almost straight with pages).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from statistics import NormalDist

import numpy as np

from mmbench.errors import InputError
from mmbench.model.layout import PAGE_BYTES, VmaTable
from mmbench.sizing.laws.strata import tail_points
from mmbench.victims import PROFILES, format_share, parse_share, parse_size, recorded_victims, synthetic, victim
from mmbench.victims.kernel_log import names_kills, read_kills, sizes_pages

N_STRATA, POINTS_PER_STRATUM = 16, 8
MIN_SIZE_BYTES = 1 << 20
MAX_RECORDED = 512
VMAS_PER_GIB = 64
MAX_VMAS = 1000
_LAW = re.compile(r"(lognormal|pareto):([^,]+),([0-9]{1,9}(?:\.[0-9]{1,9})?)", re.ASCII)
_ALLOWED = (
    "a size (256MiB), lognormal:MEDIAN,SIGMA (lognormal:256MiB,1.5), pareto:SMALLEST,ALPHA (pareto:64MiB,1.2), "
    "a profile, a recorded program, a victim file, or a record of kills (FILE.kills.json)"
)


@dataclass(frozen=True)
class Family:
    """One kind of victim.

    name:  what people read
    build: makes the VMAs of a node, from its size in bytes
    nodes: sizes to build, bytes, increasing
    sizes: bytes, within the nodes: equally likely ones, or those of the strata of `strata.tail_points`
    n_strata: 1 for equally likely sizes
    fixed: a named victim, which has no other size
    """

    name: str
    build: Callable[[int], VmaTable]
    nodes: tuple[int, ...]
    sizes: tuple[int, ...]
    n_strata: int = 1
    fixed: bool = False

    def n_locked_pages(self) -> int:
        """mlocked pages of the largest victim: without any, no page lock can be held against one."""
        return self.build(self.nodes[-1]).locked_pages


def n_vmas_of(size_bytes: int) -> int:
    """VMAs of a synthetic victim: 64 a GiB, 1 to 1000."""
    return max(1, min(MAX_VMAS, VMAS_PER_GIB * size_bytes >> 30))


def of_sizes(name: str, sizes: list[int], locked: float, n_strata: int = 1) -> Family:
    """A family of synthetic victims with a locked share."""

    def build(size_bytes: int) -> VmaTable:
        vmas = max(n_vmas_of(size_bytes), 1 if locked in (0.0, 1.0) else 2)
        return synthetic(size_bytes, locked=locked, vmas=vmas).vmas

    return Family(name, build, nodes_of(min(sizes), max(sizes)), tuple(sizes), n_strata)


def nodes_of(smallest: int, largest: int) -> tuple[int, ...]:
    """Sizes to build: both ends, and between them about one for each doubling."""
    n = max(1, (-(-largest // smallest) - 1).bit_length())
    inner = {round(smallest * (largest / smallest) ** (k / n)) // PAGE_BYTES * PAGE_BYTES for k in range(1, n)}
    return tuple(sorted({smallest, largest} | {size for size in inner if smallest < size < largest}))


def page_multiple(size: float, largest: int) -> int:
    """A drawn size as whole pages in bytes, from MIN_SIZE_BYTES to the largest victim."""
    return max(min(-(-int(size) // PAGE_BYTES) * PAGE_BYTES, largest // PAGE_BYTES * PAGE_BYTES), MIN_SIZE_BYTES)


def parse_family(spec: str, locked: str | None, what: str, largest: int) -> Family:
    """The family that `spec` describes; see _ALLOWED. A law draws no victim above `largest` bytes.

    Raises InputError naming the option `what`.
    """
    found = _LAW.fullmatch(spec.strip())
    share = 0.0 if locked is None else parse_share(locked, f"{what}-locked")
    told = f", {format_share(share)} locked" if share else ""
    if found:
        law, middle, parameter = found[1], parse_size(found[2], what), float(found[3])
        if parameter <= 0:
            raise InputError(f"{what} {spec!r}: the last number is {parameter:g}; allowed are numbers above 0.")
        draw = _lognormal if law == "lognormal" else _pareto
        tails = tail_points(N_STRATA, POINTS_PER_STRATUM)
        sizes = [page_multiple(draw(middle, parameter, tail), largest) for tail in tails]
        return of_sizes(spec + told, sizes, share, N_STRATA)
    if re.match(r"(lognormal|pareto)\b", spec.strip()):
        raise InputError(f"{what} {spec!r} is not a law of sizes. Allowed: {_ALLOWED}.")
    if names_kills(spec):
        return of_kills(spec, sizes_pages(read_kills(spec)), share, largest)
    if re.match(r"[0-9.]", spec.strip()):
        return of_sizes(spec + told, [page_multiple(parse_size(spec, what), 1 << 48)], share)
    return _named(spec, locked, what)


def of_kills(name: str, sizes_pages: np.ndarray, locked: float, largest: int) -> Family:
    """The sizes of recorded victims, each as likely as it was found: at most MAX_RECORDED, evenly chosen.

    Raises InputError when the record tells no size.
    """
    if not len(sizes_pages):
        raise InputError(f"{name} tells the size of no victim; give a law of sizes instead.")
    every = -(-len(sizes_pages) // MAX_RECORDED)
    chosen = np.sort(sizes_pages)[every // 2 :: every].tolist()
    return of_sizes(f"{len(chosen)} sizes of {name}", [page_multiple(n * PAGE_BYTES, largest) for n in chosen], locked)


def _named(spec: str, locked: str | None, what: str) -> Family:
    """A profile, a recorded program or a victim file."""
    if spec.partition(":")[0] not in {**PROFILES, **recorded_victims()} and not os.path.exists(spec):
        known = ", ".join([*PROFILES, *recorded_victims()])
        raise InputError(f"{what} {spec!r} is neither. Allowed: {_ALLOWED}. Known by name: {known}.")
    if locked is not None:
        raise InputError(f"{what} {spec} is complete in itself; leave out {what}-locked.")
    one = victim(spec)
    size = one.vmas.resident_pages * PAGE_BYTES
    return Family(one.name, lambda _: one.vmas, (size,), (size,), fixed=True)


def _lognormal(median: int, sigma: float, tail: float) -> float:
    return median * exp(min(-sigma * NormalDist().inv_cdf(tail), 50.0))


def _pareto(smallest: int, alpha: float, tail: float) -> float:
    return smallest * min(tail ** (-1 / alpha), 1e9)
