"""What a lone party in a booted kernel costs besides the model's work at the prices of that kernel's own table.

Five things that the table of a kernel does not know, each told from the record itself, and never from the cell that it
is used for. Of exit and process_mrelease: how dear everything is in this boot (6.1 tears its first victim down at the
table's price and all later ones for 3 % less). Of a reaper: the interpreter's own pages as it meets them, free lists
that have shrunk while everybody slept, and what a page costs that a trylocking reaper of the module looks up by itself
(the model's takes them in batches). Of whoever unmaps pages that a child maps, too: what those cost more than in the
table, which has one kernel's price of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.machine.work import NAMES
from mmbench.model.layout import PAGE_BYTES
from mmbench.records.lab_types import Cell
from mmbench.records.measured_types import Config
from mmbench.release import version_of
from mmbench.strategies.load import Loaded
from mmbench.validation.calibration import with_prices

# The longest list of free pages of a CPU shrinks by an eighth with every look of vmstat_update, one a second, and the
# reaper comes after two: decay_pcp_high, mm/page_alloc.c, since 51a755c56dc0 (v6.7).
SHRINKS_SINCE = (6, 7)
SHRUNK = (7 / 8) ** 2
OWN_PAGES = 3400  # of the victim's interpreter: rss when a reap pass begins, less the victim's range
TRIED = "trylock_munlock"
TRYLOCKS = ("REAP_PASS_TRYLOCK_PAGES", "REAP_PASS_TRYLOCK_VMAS")
LEAST_VICTIMS = 3
SMALL_PAGES = ("anon", "forked")  # kinds of memory in 4 KiB pages


def after_sleep(costs: CostTable, release: str) -> CostTable:
    """The table of a kernel for a reaper that comes 2 s after the last page was freed."""
    if (version_of(release) or (0, 0)) < SHRINKS_SINCE:
        return costs
    cold_after = max(0, round((costs.cold_after_pages + OWN_PAGES) * SHRUNK) - OWN_PAGES)
    return replace(costs, cold_after_pages=cold_after)


def corrected(cells: list[Cell], designs: dict[str, Loaded], stock: str) -> list[Cell]:
    """Cells of lone parties, their ``model_ns`` and ``error`` with what other victims of the record show.

    cells: as validation.designs.alone returns them, with ``busy_ns`` of the model
    """
    donors = [cell for cell in cells if cell["design"] == stock and is_anon(cell)]
    found: list[Cell] = []
    for cell in cells:
        others = [c for c in donors if c["what"] == cell["what"] and c["victim"] != cell["victim"]]
        if cell["what"] == "reaper":
            own = own_ns(others, cell)
            alike = [c for c in cells if c["what"] == "reaper" and c["design"] == cell["design"]]
            alike = [c for c in alike if c["victim"] != cell["victim"]]
            model_ns = round(cell["busy_ns"] + own + looked_up_ns(alike, cell, own, designs))
        else:
            model_ns = round(cell["model_ns"] * level(others))
        found.append(with_model(cell, model_ns))
    missing = missing_elsewhere_ns(found, stock)
    return [
        with_model(c, c["model_ns"] + missing) if c["victim"]["kind"] == "forked" and c["design"] != stock else c
        for c in found
    ]


def is_anon(cell: Cell) -> bool:
    """Whether a cell is of anonymous 4 KiB pages, those that the tables are fitted to."""
    return cell["victim"]["kind"] == "anon"


def base_ps(costs: CostTable, what: str) -> int:
    """What the interpreter's own pages cost whoever meets them: "exit", "mrelease" or "reaper".

    A reap pass meets the same ones, whoever makes it, and without the rest of do_exit; an old kernel's table has only
    what exit takes.
    """
    return costs.base_ps.get("exit" if what == "exit" else "mrelease", costs.base_ps.get("exit", 0))


def with_model(cell: Cell, model_ns: int) -> Cell:
    """The cell with another time of the model, and its error."""
    return {**cell, "model_ns": model_ns, "error": model_ns / cell["ns"] - 1.0}


def missing_elsewhere_ns(cells: list[Cell], stock: str) -> int:
    """What the model misses of pages that a child maps, too, by exit of the kernel's own code; for other designs."""
    exits = [c for c in cells if c["design"] == stock and c["victim"]["kind"] == "forked" and c["what"] == "exit"]
    return exits[0]["ns"] - exits[0]["model_ns"] if exits else 0


def level(donors: list[Cell]) -> float:
    """How much dearer everything is in a boot than in the table, by the kernel's own code; 1 where none was run."""
    return float(np.median([c["ns"] / c["model_ns"] for c in donors])) if donors else 1.0


def own_ns(donors: list[Cell], cell: Cell) -> float:
    """What a reap of the interpreter's own pages takes: as the kernel's own code shows it on other victims.

    Those are of 4 KiB pages, and what the model misses of theirs is in it; beside huge pages, and where the reaper
    leaves the victim as it is, it is the table's base.
    """
    if not donors or cell["victim"]["kind"] not in SMALL_PAGES or leaves_all(cell):
        return float(cell["model_ns"] - cell["busy_ns"])
    return float(np.median([c["ns"] - c["busy_ns"] for c in donors]))


def leaves_all(cell: Cell) -> bool:
    """Whether the reaper of a cell takes no page of the victim's range."""
    return cell.get("model_left", 0) * PAGE_BYTES >= cell["victim"]["span_bytes"]


def looked_up_ns(alike: list[Cell], cell: Cell, own: float, designs: dict[str, Loaded]) -> float:
    """What the module's trylock walk takes more for a cell's pages, by the same design's other anonymous victims."""
    if cell["victim"]["kind"] not in SMALL_PAGES or not tries_locks(designs[cell["design"]]):
        return 0.0
    return float(np.array(looked_up(cell["victim"])) @ looked_up_prices(alike, own))


def tries_locks(design: Loaded) -> bool:
    """Whether the reaper of a design tries page locks."""
    return any(step.op.name in TRYLOCKS for step in design.roles["reaper"])


def looked_up_prices(cells: list[Cell], own: float) -> np.ndarray:
    """Of an mlocked page and of another, in instructions, that fit one design's reapers; zero of too few victims."""
    known = [c for c in cells if is_anon(c)]
    if len(known) < LEAST_VICTIMS:
        return np.zeros(2)
    missing = np.array([c["ns"] - c["busy_ns"] - own for c in known])
    prices, *_ = np.linalg.lstsq(np.array([looked_up(c["victim"]) for c in known]), missing, rcond=None)
    return np.asarray(prices)


def beside_others(costs: CostTable, cells: list[Cell], design: Loaded) -> CostTable:
    """A table for an OOM kill, with what this design's reaper pays for a page alone, where it tries page locks."""
    reapers = [c for c in cells if c["what"] == "reaper" and c["design"] == design.name]
    if not reapers or not tries_locks(design):
        return costs
    own = float(
        np.median([c["model_ns"] - c["busy_ns"] for c in reapers if c["victim"]["kind"] not in SMALL_PAGES] or [0.0])
    )
    mlocked, other = looked_up_prices(reapers, own) * 1000
    base_ps = {what: round(ps + other * OWN_PAGES) for what, ps in costs.base_ps.items()}
    tried = int(costs.prices[NAMES.index(TRIED)]) + round(mlocked)
    return replace(with_prices(costs, {TRIED: tried}), base_ps=base_ps)


def looked_up(victim: Config) -> list[float]:
    """Pages of a victim, mlocked ones and others, the interpreter's among them."""
    pages = victim["span_bytes"] / 4096
    return [pages * victim["locked_share"], pages * (1 - victim["locked_share"]) + OWN_PAGES]
