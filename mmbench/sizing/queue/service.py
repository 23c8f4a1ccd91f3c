"""What the reaper meets: times of single victims from the engine, tabulated over size, page-lock hold and lateness.

Every number is an engine run of the chosen strategy, or lies between two. A victim that the reaper takes late has done
part of the work itself, so each victim is run with the reaper late by each of WAITS_PS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.engine import Prepared, prepare, run_prepared
from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.scenarios.scenario import NAMED, NEVER, Scenario
from mmbench.sizing.laws.families import Family
from mmbench.sizing.laws.spoken import HoldLaw
from mmbench.sizing.queue.lateness import over_waits
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER, SKIP
from mmbench.strategies.load import Loaded

HORIZON_PS = 600 * 10**12  # what never happens in ten minutes counts as ten minutes
HOLD_NODES_PS = tuple(1 << k for k in range(27, 50, 2))  # 134 us to 563 s
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


def row_of(record: dict[str, Any], late_ps: int, setting: Setting) -> list[int]:
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
    ]


def run_once(prepared: Prepared, setting: Setting, scenario: Scenario, wait_ps: int, seed: int) -> list[int]:
    """FIELDS of one victim that the reaper takes wait_ps later than the scenario says."""
    late_ps = scenario.reaper_start_ps + wait_ps
    late = scenario.but(reaper_start_ps=late_ps)
    record = run_prepared(
        prepared, setting.loaded, late, setting.costs, victim="", seed=seed, until_ps=late_ps + HORIZON_PS
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


def node_rows(family: Family, setting: Setting, hold: HoldLaw | None) -> Iterator[np.ndarray]:
    """Engine runs of a family, a node at a time: int64 (n hold nodes, n_seeds, N_WAITS, N_FIELDS)."""
    for size_bytes in family.nodes:
        prepared = prepare(family.build(size_bytes))
        yield np.stack([victim_rows(prepared, setting, hold, hold_ps) for hold_ps in hold_nodes(hold)])


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


def family_nodes(family: Family, setting: Setting, hold: HoldLaw | None, tick: Callable[[], None]) -> np.ndarray:
    """Engine runs of all nodes, read at the law's holds: int64 (n nodes, n holds, n_seeds, N_WAITS, N_FIELDS)."""
    found = []
    for rows in node_rows(family, setting, hold):
        found.append(on_line(rows, hold_nodes(hold), hold.points_ps if hold else (0,)))
        tick()
    return np.stack(found)


def sized(nodes: np.ndarray, family: Family, sizes: tuple[int, ...], setting: Setting) -> np.ndarray:
    """The family's part of the service table for some sizes: int64 (n sizes, n holds, n_seeds, N_WAITS, N_FIELDS)."""
    return mark_unlisted(on_line(nodes, family.nodes, sizes), setting)
