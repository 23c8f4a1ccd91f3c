"""What kernels changed in the price of a step, as switches of any cost table: ``default+tables-ipi+no-zone-wait``.

Nobody has measured these where a table comes from, so each switch is the most that the change can matter: with it and
without it are bounds, and what lies between them does not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmbench.records.measured_types import Entry

SEPARATOR = "+"
GRACE_PERIOD_PS = 10 * 10**9  # 10 ms: a few ticks of an idle machine


@dataclass(frozen=True)
class Switch:
    """One change: an item's new price is `times` the old one, plus `more` times the price of `of`, plus `plus_ps`."""

    what: str
    source: str
    items: tuple[str, ...]
    times: float = 1.0
    more: float = 0.0
    of: str = ""
    plus_ps: int = 0

    def price(self, item: str, entries: Mapping[str, Entry]) -> int:
        """The item's price in picoseconds, with the change."""
        return (
            round(entries[item]["ps"] * self.times + (entries[self.of]["ps"] * self.more if self.of else 0))
            + self.plus_ps
        )


SWITCHES = {
    "no-zone-wait": Switch(
        "6.19: zone lock and pcp lock let go after every pcp->batch pages, taken so far that nobody waits for them",
        "free_pcppages_bulk, mm/page_alloc.c; Joshua Hahn, 20251013190812.787205-4, held for up to 2,000 pages before",
        ("free_contended", "thp_contended"),
        times=0.0,
    ),
    "tables-ipi": Switch(
        "up to 6.13: no batch page is to be had, so each page table waits for an IPI to every CPU",
        "tlb_remove_table_one, mm/mmu_gather.c; priced as a forced full flush",
        ("free_table",),
        more=1.0,
        of="full_flush",
    ),
    "tables-call-rcu": Switch(
        "7.3 with CONFIG_PT_RECLAIM: without a batch page each table is queued by call_rcu",
        "tlb_remove_table_one, mm/mmu_gather.c, v7.3-rc4; priced as a bookkeeping step",
        ("free_table",),
        more=1.0,
        of="lock_op",
    ),
    "tables-synchronize-rcu": Switch(
        "7.3 without CONFIG_PT_RECLAIM: without a batch page each table waits for a grace period, here 10 ms",
        "tlb_remove_table_one, mm/mmu_gather.c, v7.3-rc4",
        ("free_table",),
        plus_ps=GRACE_PERIOD_PS,
    ),
    "drain-frees": Switch(
        "7.2: a munlocked folio that only the batch still holds is freed at the drain, not put on the LRU first",
        "9669b87065a6 (JP Kobryn); taken so far that munlock needs no lruvec lock",
        ("lru_lock", "lru_contended"),
        times=0.0,
    ),
    "foreign-cpu": Switch(
        "every page is freed on another CPU than the one that allocated it",
        "races of booted 6.12 to 7.3: 310 to 440 instructions more a page where freeing takes 420 to 530 (docs/lab.md)",
        ("free_folio",),
        times=1.8,
    ),
}  # fmt: skip


def split(spec: str) -> tuple[str, list[str]]:
    """A table's name or path, and the switches behind it; what is no switch belongs to the name."""
    *head, last = spec.split(SEPARATOR)
    if not head or last not in SWITCHES:
        return spec, []
    table, switches = split(SEPARATOR.join(head))
    return table, [*switches, last]


def switched(entries: Mapping[str, Entry], names: list[str]) -> dict[str, Entry]:
    """The entries of a table with some switches on, one after another; what they change is assumed, and says why."""
    found = dict(entries)
    for name in names:
        switch = SWITCHES[name]
        for item in switch.items:
            was = found[item]
            found[item] = {
                "ps": switch.price(item, found),
                "provenance": "assumed",
                "source": f"{switch.what} ({switch.source})",
                "origin": str(was.get("origin", was["source"])),
            }
    return found
