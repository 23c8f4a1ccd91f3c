"""What the reaper meets: times of single victims from the engine, tabulated over size, page-lock hold and lateness.

Every number is an engine run of the chosen strategy, or lies between two. A victim that the reaper takes late has done
part of the work itself, so each victim is run with the reaper late by each of WAITS_PS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.engine import Prepared, prepare, run_prepared
from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.records.meaning import BACK, skip_meaning
from mmbench.records.types import Run
from mmbench.scenarios.scenario import NAMED, NEVER, Scenario
from mmbench.sizing.laws.families import Family
from mmbench.sizing.laws.spoken import HoldLaw
from mmbench.sizing.queue.lateness import over_waits
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER, SKIP
from mmbench.strategies.load import Loaded

HORIZON_PS = 600 * 10**12  # what never happens in ten minutes counts as ten minutes
HOLD_NODES_PS = tuple(1 << k for k in range(27, 50, 2))  # 134 us to 563 s
MOST_AT_ONCE = 1024  # engine runs of victims between the nodes, a second or two
N_SEEDS = 4  # replications where page locks are found held at random


@dataclass(frozen=True)
class Setting:
    """What all runs of a table share: strategy, scenario, costs, and the first seed."""

    loaded: Loaded
    scenario: Scenario
    costs: CostTable
    seed: int = 1

    @property
    def delay_ps(self) -> int:
        """The timer between kill and list: 0 up to v5.17, OOM_REAPER_DELAY from v5.18 on."""
        first = self.loaded.roles["reaper"][0]
        return first.args["ps"] if first.op == Op.SLEEP else 0

    @property
    def n_seeds(self) -> int:
        """Replications: one where nothing is random."""
        return N_SEEDS if self.scenario.contended_ppm else 1


def check_setting(setting: Setting) -> None:
    """Raise InputError for a strategy or scenario without an OOM reaper."""
    if "reaper" not in setting.loaded.roles:
        raise InputError(f"strategy {setting.loaded.name} has no reaper, so no kill waits for one.")
    if setting.scenario.reaper_start_ps == NEVER:
        raise InputError(f"scenario {setting.scenario.name!r} has no OOM reaper. Choose quiet, contended or another.")


def with_hold(scenario: Scenario, hold: HoldLaw | None, hold_ps: int) -> Scenario:
    """The scenario with one mlocked page held: until memory comes (as stuck-holder has it), or for a time."""
    if hold is None:
        return scenario
    if hold.memory:
        return scenario.but(**NAMED["stuck-holder"][1])
    return scenario.but(holder_needs_pages=0, holder_hold_ps=hold_ps)


def row_of(record: Run, late_ps: int, setting: Setting) -> list[int]:
    """FIELDS of one run, ps; what never happened within HORIZON_PS counts as HORIZON_PS."""
    when, end = record["time_ps"], record["end_ps"]
    taken = late_ps + setting.delay_ps

    def capped(ps: int | None) -> int:
        return HORIZON_PS if ps is None else min(ps, HORIZON_PS)

    busy = capped(None if end["reaper"] is None else max(end["reaper"] - taken, 0))
    return [
        capped(when["first"]),
        capped(when["oom_skip"]),
        capped(when["all"]),
        busy,
        capped(end.get("allocator", 0)),
        record["blocked_ps"]["reaper"].get("mmap_lock_retry", 0),
        record["blocked_ps"]["exit"].get("page_lock", 0),
        record["collateral_kills"],
        is_flawed(record),
        is_early(record),
    ]


def is_flawed(record: Run) -> int:
    """1 for an outcome that no speed makes good: gave up, killed another, hung, unsafe, or memory left."""
    left = any(n for why, n in record["left_pages"].items() if why != "mapped_elsewhere")
    return int(record["outcome"] != "completed" or bool(record["collateral_kills"]) or left)


def is_early(record: Run) -> int:
    """1 when MMF_OOM_SKIP does not say that memory is back: never set, by a give-up, or long before it was free."""
    return int(skip_meaning(record) != BACK)


def run_once(prepared: Prepared, setting: Setting, scenario: Scenario, wait_ps: int, seed: int) -> list[int]:
    """FIELDS of one victim that the reaper takes wait_ps later than the scenario says."""
    late_ps = scenario.reaper_start_ps + wait_ps
    late = scenario.but(reaper_start_ps=late_ps)
    until_ps = late_ps + HORIZON_PS
    record = run_prepared(
        prepared, setting.loaded, late, setting.costs, victim="", seed=seed, until_ps=until_ps, story=False
    )
    return row_of(record, late_ps, setting)


def victim_rows(prepared: Prepared, setting: Setting, hold: HoldLaw | None, hold_ps: int) -> np.ndarray:
    """One victim and hold, all seeds and all waits: int64 (n_seeds, N_WAITS, N_FIELDS)."""
    scenario = with_hold(setting.scenario, hold, hold_ps)

    def run(wait_ps: int, seed: int) -> list[int]:
        return run_once(prepared, setting, scenario, wait_ps, seed)

    return np.stack([over_waits(partial(run, seed=setting.seed + s)) for s in range(setting.n_seeds)])


def hold_nodes(hold: HoldLaw | None) -> tuple[int, ...]:
    """Holds to run: the one there is, or a grid around all points of the law."""
    if hold is None or len(hold.points_ps) == 1:
        return (0,) if hold is None else hold.points_ps
    low = max((h for h in HOLD_NODES_PS if h <= min(hold.points_ps)), default=0)
    high = min((h for h in HOLD_NODES_PS if h >= max(hold.points_ps)), default=HOLD_NODES_PS[-1] << 1)
    return tuple(sorted({low or 1, high} | {h for h in HOLD_NODES_PS if low < h < high}))


@dataclass(frozen=True)
class Runs:
    """What the engine ran of one family under one law of holds.

    sizes:   bytes, increasing: these victims were run with the reaper late by every wait
    rows:    int64 (n sizes, n holds, n_seeds, N_WAITS, N_FIELDS)
    at_once: other sizes, run with the reaper in time only: int64 (n holds, n_seeds, N_FIELDS) each
    """

    sizes: tuple[int, ...]
    rows: np.ndarray
    at_once: dict[int, np.ndarray]


def size_rows(family: Family, size_bytes: int, setting: Setting, hold: HoldLaw | None) -> np.ndarray:
    """Engine runs of one size with every wait: int64 (n holds, n_seeds, N_WAITS, N_FIELDS)."""
    prepared, nodes = prepare(family.build(size_bytes)), hold_nodes(hold)
    rows = np.stack([victim_rows(prepared, setting, hold, hold_ps) for hold_ps in nodes])
    return on_line(rows, nodes, hold.points_ps if hold else (0,))


def at_once_rows(family: Family, size_bytes: int, setting: Setting, hold: HoldLaw | None) -> np.ndarray:
    """Engine runs of one size that the reaper takes at once: int64 (n holds, n_seeds, N_FIELDS)."""
    prepared, nodes = prepare(family.build(size_bytes)), hold_nodes(hold)
    rows = [
        [run_once(prepared, setting, with_hold(setting.scenario, hold, hold_ps), 0, setting.seed + s)
         for s in range(setting.n_seeds)]
        for hold_ps in nodes
    ]  # fmt: skip
    return on_line(np.array(rows, dtype=np.int64), nodes, hold.points_ps if hold else (0,))


def on_line(rows: np.ndarray, nodes: tuple[int, ...], points: tuple[int, ...]) -> np.ndarray:
    """Rows at points from rows at nodes, straight between two nodes.

    rows: int64 (n nodes, ...). Returns int64 (n points, ...). Points lie within the nodes.
    """
    if len(nodes) == 1:
        return np.repeat(rows, len(points), axis=0)
    found = []
    for x in points:
        k = min(max(int(np.searchsorted(nodes, x, side="right")) - 1, 0), len(nodes) - 2)
        low, high = nodes[k], nodes[k + 1]
        share = min(max((x - low) / (high - low), 0.0), 1.0)
        found.append(rows[k] + ((rows[k + 1] - rows[k]) * share).astype(np.int64))
    return np.stack(found)


def mark_unlisted(rows: np.ndarray, setting: Setting) -> np.ndarray:
    """A victim whose MMF_OOM_SKIP is set when the timer fires never enters the list. Returns rows. Mutates: rows."""
    if setting.delay_ps:
        done = rows[..., 0, SKIP] <= setting.delay_ps + setting.scenario.reaper_start_ps
        rows[..., 0, REAPER] = np.where(done, NOT_LISTED, rows[..., 0, REAPER])
    return rows


def family_runs(family: Family, setting: Setting, hold: HoldLaw | None, tick: Callable[[], None]) -> Runs:
    """Engine runs of a family: its nodes with every wait, and each other size as most kills meet it, taken at once.

    Where sizes and holds are too many for that (MOST_AT_ONCE), other sizes are read between nodes at once, too.
    """
    rows = []
    for size_bytes in family.nodes:
        rows.append(size_rows(family, size_bytes, setting, hold))
        tick()
    others = sorted(set(family.sizes) - set(family.nodes))
    few = len(others) * len(hold_nodes(hold)) * setting.n_seeds <= MOST_AT_ONCE
    at_once = {size: at_once_rows(family, size, setting, hold) for size in others if few}
    return Runs(family.nodes, np.stack(rows), at_once)


def with_size(runs: Runs, family: Family, size_bytes: int, setting: Setting, hold: HoldLaw | None) -> Runs:
    """The same and one more size with every wait."""
    at = int(np.searchsorted(runs.sizes, size_bytes))
    rows = np.insert(runs.rows, at, size_rows(family, size_bytes, setting, hold), axis=0)
    others = {size: found for size, found in runs.at_once.items() if size != size_bytes}
    return Runs((*runs.sizes[:at], size_bytes, *runs.sizes[at:]), rows, others)


def sized(runs: Runs, sizes: tuple[int, ...], setting: Setting) -> np.ndarray:
    """A family's part of the service table for some sizes: int64 (n sizes, n holds, n_seeds, N_WAITS, N_FIELDS)."""
    found = on_line(runs.rows, runs.sizes, sizes)
    for k, size in enumerate(sizes):
        if size in runs.at_once:
            found[k, :, :, 0] = runs.at_once[size]
    return mark_unlisted(found, setting)
