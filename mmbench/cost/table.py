"""Cost tables: picoseconds per work item, each with its provenance.

A table is one JSON file. Kinds of provenance: measured, fitted, scaled from, published, assumed. A cost that
nobody measured says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.cost.switches import SEPARATOR, SWITCHES, split, switched
from mmbench.errors import InputError, nearest, short
from mmbench.machine.work import ITEMS, N_WORK, PRICED
from mmbench.records.files import read_json
from mmbench.records.measured_types import Entry
from mmbench.records.schema import Bool, Fields, Int, Text, check, fail, of_file

FORMAT = "mmbench-costs 1"
FOLDER = Path(__file__).parent / "tables"
PROVENANCE = ("measured", "fitted", "scaled from", "published", "assumed")
MAX_PS = 10**15
ENTRY = Fields(
    {"ps": Int(), "provenance": Text(PROVENANCE), "source": Text()},
    {"low_ps": Int(), "high_ps": Int(), "origin": Text(), "carried_over": Bool()},
)
BASES = ("exit", "mrelease", "exit_after", "race")  # what a tear-down costs before the victim's own memory
COLD = "cold_page"
MEANINGS = {ITEMS[k].name: ITEMS[k].meaning for k in PRICED} | {
    COLD: "extra cost of a 4 KiB page beyond the first `cold_after_pages` of an mm"
}
ENTRIES = tuple(MEANINGS)  # what a table prices
DEFAULT = FOLDER / "default.json"
YARDSTICK = "zap_anon_folio"  # tables of two machines, or units, are compared by it


@dataclass(frozen=True)
class CostTable:
    """Prices of all work items.

    prices: int64 (N_WORK,), picoseconds; unpriced items are 0
    cold_page_ps, cold_after_pages: extra per page once that many pages of the mm have been unmapped
    entries: item -> {"ps", "provenance", "source"} as in the file
    base_ps: what a measured process takes besides the victim's memory, by kind of tear-down; {} when nobody measured
    """

    name: str
    machine: str
    prices: np.ndarray
    cold_page_ps: int
    cold_after_pages: int
    entries: dict[str, Entry]
    base_ps: dict[str, int] = field(default_factory=dict)


def table_names() -> list[str]:
    """Names of the tables that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def find_table(spec: str) -> Path:
    """Path of a shipped table by name, or of a user's file."""
    if spec in table_names():
        return FOLDER / f"{spec}.json"
    if "/" in spec or spec.endswith(".json"):
        if not Path(spec).is_file():
            raise InputError(f"cost table {spec!r} does not exist. Shipped tables: {', '.join(table_names())}.")
        return Path(spec)
    table, _, switch = spec.rpartition(SEPARATOR)
    if table in table_names():
        raise nearest(switch, list(SWITCHES), f"switch behind cost table {table!r}:")
    raise nearest(spec, table_names(), "cost table")


def check_entry(path: object, name: str, entry: Any) -> None:
    """Raise InputError unless the entry has an integer price in range, a known provenance and a source."""
    with of_file(str(path)):
        check(entry, ENTRY, f"costs.{name}")
        if entry["ps"] > MAX_PS:
            raise fail(f"costs.{name}.ps", entry["ps"], f"at most {MAX_PS}")


def check_bases(path: object, found: object) -> dict[str, int]:
    """Return the optional base_ps of a table. Raises InputError for an unknown kind or a time out of range."""
    if not isinstance(found, dict):
        raise InputError(f"{path}: base_ps is {short(found)}; it is an object of picoseconds for {', '.join(BASES)}.")
    for name, ps in found.items():
        if name not in BASES:
            raise nearest(name, list(BASES), f"kind of tear-down in base_ps of {path}:")
        if isinstance(ps, bool) or not isinstance(ps, int) or not 0 <= ps <= MAX_PS:
            raise InputError(f"{path}: base_ps {name!r} is {short(ps)}; it is an integer from 0 to {MAX_PS}.")
    return dict(found)


def assumed_entry(where: object, name: str, entries: dict[str, Entry]) -> Entry:
    """Price an item that a table lacks, because the table is older than the item: as the default table has it.

    Scaled by what unmapping an anonymous page costs in the two, since a table may be of another machine, or hold
    instructions. Raises InputError when the table lacks that, or when this is the default table itself.
    """
    if where == DEFAULT or YARDSTICK not in entries:
        raise InputError(f"{where}: the cost {name!r} is missing ({MEANINGS[name]}).")
    shipped = json.loads(DEFAULT.read_text())["costs"]
    if name not in shipped:
        raise InputError(f"{DEFAULT}: the cost {name!r} is missing; every item of machine/work.py has a price there.")
    factor = entries[YARDSTICK]["ps"] / shipped[YARDSTICK]["ps"]
    return {
        "ps": round(shipped[name]["ps"] * factor),
        "provenance": "assumed",
        "source": f"not in this table: the default table's price times {factor:.3f}, the ratio of their {YARDSTICK}",
        "origin": shipped[name]["source"],
    }


def load_table(spec: str = "default") -> CostTable:
    """Load a cost table by name or path, with the switches behind it. Raises InputError naming file and entry."""
    wanted, switches = split(spec)
    path = find_table(wanted)
    data = read_json(path)
    if isinstance(data, dict) and wanted in table_names():
        data["name"] = wanted
    table = table_from(data, path, path.stem)
    if not switches:
        return table
    entries = switched(table.entries, switches)
    return replace(with_entries(table, entries), name=SEPARATOR.join([table.name, *switches]))


def with_entries(table: CostTable, entries: dict[str, Entry]) -> CostTable:
    """A copy of a cost table with other entries."""
    prices = np.array([0 if one.unit else entries[one.name]["ps"] for one in ITEMS], dtype=np.int64)
    return replace(table, prices=prices, cold_page_ps=entries[COLD]["ps"], entries=entries)


def table_from(data: Any, where: object = "cost table", name: str = "unnamed") -> CostTable:
    """Make a cost table from the value of its JSON file. Raises InputError naming `where` and the entry."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{where}: the first key must be format = {FORMAT!r}.")
    entries: Any = data.get("costs", {})
    if not isinstance(entries, dict):
        raise InputError(f"{where}: costs is {type(entries).__name__}; it is an object of entries.")
    for name, entry in entries.items():
        if name not in ENTRIES:
            raise nearest(name, list(ENTRIES), f"cost in {where}:")
        check_entry(where, name, entry)
    entries = {name: entries[name] if name in entries else assumed_entry(where, name, entries) for name in ENTRIES}
    prices = np.zeros(N_WORK, dtype=np.int64)
    for k in PRICED:
        prices[k] = entries[ITEMS[k].name]["ps"]
    after = data.get("cold_after_pages", 0)
    if not isinstance(after, int) or after < 0:
        raise InputError(f"{where}: cold_after_pages = {short(after)}; it is a number of pages.")
    bases = check_bases(where, data.get("base_ps", {}))
    machine = str(data.get("machine", ""))
    return CostTable(str(data.get("name", name)), machine, prices, entries[COLD]["ps"], after, entries, bases)


def rescaled(table: CostTable, factor: float, why: str) -> CostTable:
    """A copy of a cost table with every price times a factor; its entries say so."""
    entries: dict[str, Entry] = {
        name: {
            **entry,
            "ps": round(entry["ps"] * factor),
            "provenance": "assumed" if entry["provenance"] == "assumed" else "scaled from",
            "origin": f"{entry.get('origin', entry['source'])}, times {factor:.3f} ({why})",
        }
        for name, entry in table.entries.items()
    }
    return with_entries(table, entries)
