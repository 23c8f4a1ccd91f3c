"""The race of exit_mmap and process_mrelease (v6.1, v6.18) as a SimPy program over the same tables.

Written the way SimPy is meant to be used: a process per task, a Resource per page-table lock, a timeout per cost. It
covers 4 KiB anonymous pages in whole tables, and must find what the engine finds: who freed what, who waited how long
for what, when each milestone of the curve was reached, when each task was done.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.machine.gather import FULL_CAPACITY
from mmbench.machine.work import NAMES
from mmbench.model.layout import PAGES_PER_TABLE

if TYPE_CHECKING:
    from mmbench.cost.table import CostTable

LRU_BATCH = 31
Steps = Generator[Any, Any, None]


@dataclass
class Race:
    """The mm, its locks and the clock.

    present, mlocked: uint64 (n_tables, 8), consumed; vmas: (first table, end table) of each VMA
    milestones: freed pages whose moments are wanted, increasing
    """

    env: Any  # simpy.Environment, with an integer clock
    present: np.ndarray
    mlocked: np.ndarray
    vmas: list[tuple[int, int]]
    costs: CostTable
    milestones: list[int]
    gathers: int = 0
    zapped: int = 0
    freed: int = 0
    reached_ps: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        from simpy import Resource

        self.ps = dict(zip(NAMES, self.costs.prices.tolist(), strict=True))
        self.page_table_locks = [Resource(self.env) for _ in self.present]
        self.readers_gone = self.env.event()

    def credit(self, pages: int) -> None:
        """Count freed pages, and note the milestones that they reach."""
        self.freed += pages
        while len(self.reached_ps) < len(self.milestones) and self.freed >= self.milestones[len(self.reached_ps)]:
            self.reached_ps.append(self.env.now)


@dataclass
class Party:
    """One task that unmaps: its mmu_gather, its per-CPU munlock batch, and what it waited for."""

    race: Race
    slots: int = 0
    has_batch_page: bool = False
    lru_batch: int = 0
    freed: int = 0
    end_ps: int = 0
    blocked_ps: dict[str, int] = field(default_factory=dict)

    def wait(self, ps: int) -> Any:
        """Spend time."""
        return self.race.env.timeout(ps)

    def blocked(self, cause: str, ps: int) -> None:
        """Book waiting time."""
        if ps:
            self.blocked_ps[cause] = self.blocked_ps.get(cause, 0) + ps

    def open_gather(self) -> int:
        """tlb_gather_mmu; returns its cost."""
        self.race.gathers += 1
        self.has_batch_page = False
        return self.race.ps["gather"]

    def flush(self, slots: int) -> int:
        """Cost of one flush that frees `slots` folios."""
        ps = self.race.ps
        contended = slots * ps["free_contended"] if self.race.gathers > 1 else 0
        self.blocked("zone_lock", contended)
        return ps["tlb_flush"] + slots * ps["free_folio"] + contended

    def give_back(self, pages: int) -> None:
        """The pages of a finished flush are free."""
        self.freed += pages
        self.race.credit(pages)

    def zap_table(self, table: int) -> Steps:
        """Unmap one table under its lock; flush when the gather is full."""
        race, ps = self.race, self.race.ps
        asked = race.env.now
        with race.page_table_locks[table].request() as lock:
            yield lock
            self.blocked("ptl", race.env.now - asked)
            n = int(np.bitwise_count(race.present[table]).sum())
            n_mlocked = int(np.bitwise_count(race.mlocked[table]).sum())
            race.present[table] = race.mlocked[table] = 0
            held, after, flushed = PAGES_PER_TABLE * ps["walk_entry"], 0, 0
            if n_mlocked:
                holds, self.lru_batch = divmod(self.lru_batch + n_mlocked, LRU_BATCH)
                held += n_mlocked * ps["munlock_folio"] + holds * ps["lru_lock"]
                contended = n_mlocked * ps["lru_contended"] if race.gathers > 1 else 0
                self.blocked("lru_lock", contended)
                after += contended
            if n:
                held += n * (ps["zap_pte"] + ps["zap_anon_folio"])
                race.zapped += n
                held += race.costs.cold_page_ps * max(min(n, race.zapped - race.costs.cold_after_pages), 0)
                self.slots += n
                if not self.has_batch_page:
                    self.has_batch_page = True
                    after += ps["batch_page"]
                if self.slots >= FULL_CAPACITY:
                    flushed = FULL_CAPACITY
                    self.slots -= flushed
                    after += self.flush(flushed)
            yield self.wait(held)
        if after:
            yield self.wait(after)
        if flushed:
            self.give_back(flushed)

    def finish_gather(self, extra_ps: int = 0) -> Steps:
        """tlb_finish_mmu."""
        cost = extra_ps + (self.race.ps["full_flush"] if self.race.gathers > 1 else 0)
        pages, self.slots = self.slots, 0
        if pages:
            cost += self.flush(pages)
        self.race.gathers -= 1
        yield self.wait(cost)
        self.give_back(pages)


def exit_mmap(party: Party, start_ps: int) -> Steps:
    """exit_mm, unmap_vmas under the read lock, then the write lock, free_pgtables and the rest."""
    race, ps = party.race, party.race.ps
    op = ps["lock_op"]
    yield party.wait(start_ps)
    yield party.wait(3 * op)  # exit_mm, the last mmput, mmap_read_lock
    yield party.wait(party.open_gather() + op)
    for first, end in race.vmas:
        yield party.wait(ps["visit_vma"])
        for table in range(first, end):
            yield from party.zap_table(table)
    yield party.wait(2 * op)  # mmap_read_unlock, MMF_OOM_SKIP
    asked = race.env.now
    yield race.readers_gone
    party.blocked("mmap_lock_write", race.env.now - asked)
    yield party.wait(op + len(race.present) * ps["free_table"])
    yield from party.finish_gather(extra_ps=op)
    yield party.wait(len(race.vmas) * ps["free_vma"] + 2 * op)  # remove VMAs, clear the list, unlock
    party.end_ps = race.env.now


def process_mrelease(party: Party, direction: int) -> Steps:
    """One reap pass under the read lock, with a gather per VMA. direction: 1 from the first VMA, -1 from the last."""
    race, ps = party.race, party.race.ps
    op = ps["lock_op"]
    yield party.wait(5 * op)  # mmgrab, test, mmap_read_lock, test, MMF_UNSTABLE
    for first, end in race.vmas[::direction]:
        yield party.wait(party.open_gather() + ps["visit_vma"])
        for table in range(first, end):
            yield from party.zap_table(table)
        yield from party.finish_gather()
    race.readers_gone.succeed()
    yield party.wait(op)
    party.end_ps = race.env.now


def run_race(
    present: np.ndarray,
    mlocked: np.ndarray,
    vmas: list[tuple[int, int]],
    costs: CostTable,
    milestones: list[int],
    *,
    direction: int,
    exit_start_ps: int,
) -> dict[str, Any]:
    """Run the race and return what a record of the engine says of it: freed, blocked, end, curve.

    Raises ImportError without SimPy. Mutates: present, mlocked.
    """
    from simpy import Environment

    env = Environment()
    race = Race(env, present, mlocked, vmas, costs, milestones)
    parties = {"exit": Party(race), "mrelease": Party(race)}
    env.process(exit_mmap(parties["exit"], exit_start_ps))
    env.process(process_mrelease(parties["mrelease"], direction))
    env.run()
    return {
        "freed_pages": {name: party.freed for name, party in parties.items()},
        "blocked_ps": {name: party.blocked_ps for name, party in parties.items()},
        "end_ps": {name: party.end_ps for name, party in parties.items()},
        "curve": {"time_ps": race.reached_ps, "freed_pages": milestones},
    }
