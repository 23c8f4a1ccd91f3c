"""How fast is this machine at the model? CPU time, so that a busy neighbour does not count.

asv calls `setup` before every call, so a call destroys its pages only once; `setup` copies a template that is built
at the first use. A benchmark raises when what it timed was not the right answer.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from mmbench.accelerate import njit, pointer
from mmbench.cost.table import load_table
from mmbench.engine import Prepared, prepare, run_prepared
from mmbench.model.build import build
from mmbench.model.invariants import consistent
from mmbench.model.layout import PAGES_PER_TABLE, WORDS_PER_TABLE, VmaTable
from mmbench.model.world import MM_NR_MLOCK, MM_RSS
from mmbench.pages.reap import unmap_uncontended
from mmbench.pages.unlock_range import munlock_part
from mmbench.pages.unmap import unmap_range
from mmbench.scenarios import scenario
from mmbench.strategies import load
from mmbench.victims import parse_size, synthetic

SIZES = ("1GiB", "64GiB")


@njit
def reap_tables(planes: Any, n_tables: int) -> Any:
    """Reap all tables of three planes: (unmapped, of those PG_mlocked, left because contended). Mutates: planes."""
    words = pointer(planes)
    n, n_mlocked, n_left = 0, 0, 0
    plane = n_tables * WORDS_PER_TABLE
    for at in range(0, plane, WORDS_PER_TABLE):
        found = unmap_uncontended(words, at, plane + at, 2 * plane + at, 0, PAGES_PER_TABLE)
        n += found[0]
        n_mlocked += found[1]
        n_left += found[2]
    return n, n_mlocked, n_left


@njit
def munlock_tables(planes: Any, n_tables: int) -> Any:
    """Munlock all tables of three planes: (munlocked, positions without a page). Mutates: planes."""
    words = pointer(planes)
    n, n_absent = 0, 0
    plane = n_tables * WORDS_PER_TABLE
    for at in range(0, plane, WORDS_PER_TABLE):
        found = munlock_part(words, at, plane + at, 0, PAGES_PER_TABLE)
        n += found[0]
        n_absent += found[1]
    return n, n_absent


def count(*planes: Any) -> int:
    """Pages that are set in all of the planes, counted by NumPy alone."""
    return int(np.bitwise_count(np.bitwise_and.reduce(planes)).sum())


@cache
def pages_of(size: str) -> tuple[Any, dict[str, Any]]:
    """Planes present, mlocked and pg_locked, one after another in one array, and what each kernel must find there."""
    n_pages = parse_size(size) // 4096
    draw = np.random.default_rng(1).integers(0, 2**64, size=(3, 3, n_pages // 64), dtype=np.uint64)
    present = draw[0, 0] | draw[0, 1] | draw[0, 2]  # 7 in 8
    mlocked = present & (draw[1, 0] | draw[1, 1])  # 3 in 4 of them
    pg_locked = np.bitwise_and.reduce(draw[2])  # 1 in 8
    left = count(present, mlocked, pg_locked)
    answers = {
        "unmap": (count(present), count(mlocked)),
        "reap": (count(present) - left, count(mlocked) - left, left),
        "munlock": (count(mlocked), n_pages - count(present)),
    }
    return np.concatenate((present, mlocked, pg_locked)), answers


def must_be(found: Any, right: Any) -> None:
    """Raise AssertionError unless a kernel returned the right answer."""
    if tuple(found) != right:
        raise AssertionError(f"the kernel returned {tuple(found)}; right is {right}")


class Speed:
    """Base of the timings."""

    version = "1"
    timeout = 300
    timer = time.process_time


class Kernels(Speed):
    """Page work alone: 7 of 8 pages present, 3 of 4 of those mlocked, 1 of 8 page locks held."""

    params = (SIZES,)
    param_names = ("size",)

    def setup(self, size: str) -> None:
        """Fresh pages."""
        self.template, self.answers = pages_of(size)
        self.planes = self.template.copy()
        self.n_tables = len(self.planes) // (3 * WORDS_PER_TABLE)
        empty = np.zeros(3 * WORDS_PER_TABLE, dtype=np.uint64)
        unmap_range(empty, 0, WORDS_PER_TABLE, 0, PAGES_PER_TABLE)  # compile outside the timed call
        reap_tables(empty, 1)
        munlock_tables(empty, 1)

    def time_unmap(self, size: str) -> None:
        """unmap_range over all pages."""
        n_words = self.n_tables * WORDS_PER_TABLE
        must_be(unmap_range(self.planes, 0, n_words, 0, n_words * 64), self.answers["unmap"])

    def time_reap(self, size: str) -> None:
        """unmap_uncontended over all tables."""
        must_be(reap_tables(self.planes, self.n_tables), self.answers["reap"])

    def time_munlock(self, size: str) -> None:
        """munlock_part over all tables."""
        must_be(munlock_tables(self.planes, self.n_tables), self.answers["munlock"])

    time_unmap.unit = time_reap.unit = time_munlock.unit = "seconds"  # type: ignore[attr-defined]


@cache
def vmas_of(size: str) -> VmaTable:
    """VMAs of a synthetic victim whose world was built once and found right: that also compiles `build`."""
    vmas = synthetic(parse_size(size)).vmas
    world = build(vmas, n_tasks=1)
    must_be(
        (consistent(world), world.mem[MM_RSS], world.mem[MM_NR_MLOCK]), (True, vmas.resident_pages, vmas.locked_pages)
    )
    return vmas


class Build(Speed):
    """From a table of VMAs to a world."""

    params = (SIZES,)
    param_names = ("size",)

    def setup(self, size: str) -> None:
        """The victim's VMAs, and compiled code."""
        self.vmas = vmas_of(size)

    def time_build(self, size: str) -> None:
        """model.build of the default synthetic victim."""
        world = build(self.vmas, n_tasks=8)
        must_be((world.mem[MM_RSS],), (self.vmas.resident_pages,))

    time_build.unit = "seconds"  # type: ignore[attr-defined]


@cache
def ready_victim(size: str) -> Prepared:
    """A fully mlocked victim, ready for many runs."""
    return prepare(synthetic(parse_size(size), locked=1.0).vmas)


class Engine(Speed):
    """The whole engine: exit_mmap and process_mrelease race over fully mlocked memory."""

    params = (("v6.1", "v6.18"), ("64GiB", "1TiB"))
    param_names = ("strategy", "size")

    def setup(self, strategy: str, size: str) -> None:
        """A first race, which builds the victim, loads compiled code and touches all memory."""
        self.race(strategy, size)

    def race(self, strategy: str, size: str) -> None:
        """One run and its record, checked."""
        record = run_prepared(ready_victim(size), load(strategy), scenario("mrelease"), load_table(), victim=size)
        freed = record["freed_pages"]
        must_be((sum(freed.values()), min(freed["exit"], freed["mrelease"]) > 0), (parse_size(size) // 4096, True))

    def time_race(self, strategy: str, size: str) -> None:
        """One run and its record."""
        self.race(strategy, size)

    time_race.unit = "seconds"  # type: ignore[attr-defined]
