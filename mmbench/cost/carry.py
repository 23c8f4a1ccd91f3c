"""Prices of the old munlock pass, which no kernel since v5.18 runs: a booted 5.10's instructions, in time of here.

An instruction is no nanosecond: the rate differs from one part of a tear-down to the next (caches, locked
instructions), so the rate is taken from work of the same sort. Old munlock isolates and puts back pages as
munlock at rmap removal does; how far off that may be is told by the rate of a page's whole unmapping.
"""

from __future__ import annotations

from mmbench.cost.from_fit import PARTS
from mmbench.cost.table import CostTable, load_table, table_names
from mmbench.records.measured_types import CostFile, Entry
from mmbench.release import version_of

CARRIED = ("old_munlock_page", "old_munlock_pagevec", "old_munlock_absent")
BOOTED = "lab-5.10"  # the table in instructions that has them
# Work whose nanoseconds per instruction stand for the old pass's. The first gives the price, both the interval.
RATES = {"munlock at rmap removal": "munlock", "unmapping a page": "page"}


def lab_table_of(release: str) -> str | None:
    """The shipped table in instructions of the series that a kernel release belongs to, or of the one before it."""
    version = version_of(release) or (0, 0)
    series = {tuple(map(int, name.removeprefix("lab-").split("."))): name for name in table_names() if "lab-" in name}
    older = [key for key in series if key <= version]
    return series[max(older)] if older else None


def rates(costs: dict[str, Entry], booted: CostTable) -> dict[str, float]:
    """Nanoseconds per instruction of the work of RATES that this machine showed. costs: item -> entry, of its table."""
    found = {}
    for work, part in RATES.items():
        items = PARTS[part].items
        if not any(costs[item].get("carried_over") for item in items):
            instructions = sum(booted.entries[item]["ps"] for item in items)
            found[work] = sum(costs[item]["ps"] for item in items) / instructions
    return found


def carry_old_munlock(table: CostFile, release: str) -> None:
    """Price CARRIED in the table of a machine that runs a kernel release, with an interval from two rates.

    Leaves them as they are when the machine did not show those rates, or no table in instructions is old enough.
    Mutates: table.
    """
    name, costs = lab_table_of(release), table["costs"]
    found = rates(costs, load_table(name)) if name else {}
    if len(found) < len(RATES):
        return
    old = load_table(BOOTED)
    like, rate = next(iter(found.items()))
    for item in CARRIED:
        n = old.entries[item]["ps"] / 1000
        told = ", ".join(f"{value:.3f} of {other}" for other, value in found.items())
        costs[item] = {
            "ps": round(n * rate * 1000),
            "provenance": "scaled from",
            "source": f"{n:.0f} instructions ({BOOTED}) times the nanoseconds here per instruction in {name}: {told}",
            "low_ps": round(n * min(found.values()) * 1000),
            "high_ps": round(n * max(found.values()) * 1000),
            "origin": f"{BOOTED} at the rate of {like}",
            "carried_over": True,
        }
