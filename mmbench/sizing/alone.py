"""Rare holds: how likely is it that a victim which the reaper takes at once takes longer than a time?

The service table's own engine runs are read at holds from the law itself, not at the table's slots, which end at the
hold that one in 2**26 exceeds. Exponential and Pareto holds are drawn by importance sampling; victims without such a
hold are summed exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmbench.engine import prepare
from mmbench.errors import InputError
from mmbench.records.study_types import BruteForce, Rare
from mmbench.sizing.laws.entries import BASE, draw_entries
from mmbench.sizing.laws.strata import slot_chances
from mmbench.sizing.queue.mixture import Part, Table
from mmbench.sizing.queue.reaper_list import ALL, FIELDS, SKIP
from mmbench.sizing.queue.service import HOLD_NODES_PS, Setting, hold_nodes, on_line, run_once, with_hold
from mmbench.sizing.stats.intervals import clopper_pearson
from mmbench.sizing.stats.keyed import uniforms
from mmbench.sizing.stats.tails import Keys, importance
from mmbench.sizing.study import Study

ASKED = (SKIP, ALL)
STREAM_PART, STREAM_SIZE, STREAM_SEED = 211, 212, 213
RUNS = 40_000
LONGEST_PS = 500 * 10**12  # below the ten minutes at which engine runs end
KILLS_AT_ONCE = 1 << 20
MOST_KILLS = 1 << 25


@dataclass(frozen=True)
class Reading:
    """Times of one part's victims, taken at once, over the hold.

    nodes_ps: float64 (n nodes,), holds that the engine ran; rows: float64 (n sizes, n nodes, n_seeds, N_FIELDS)
    chances: float64 (n sizes,), cumulated
    """

    part: Part
    nodes_ps: np.ndarray
    rows: np.ndarray
    chances: np.ndarray

    def latency(self, keys: Keys, holds: np.ndarray) -> np.ndarray:
        """FIELDS of a victim with a drawn size for each hold, straight between two nodes: float64 (n, N_FIELDS)."""
        size = np.searchsorted(self.chances[:-1], uniforms(keys, STREAM_SIZE, 0))
        seed = (uniforms(keys, STREAM_SEED, 0) * self.rows.shape[2]).astype(np.int64)
        k = np.clip(np.searchsorted(self.nodes_ps, holds, side="right") - 1, 0, len(self.nodes_ps) - 2)
        low, high = self.nodes_ps[k], self.nodes_ps[k + 1]
        share = np.clip((holds - low) / (high - low), 0.0, 1.0)[:, None]
        below, above = self.rows[size, k, seed], self.rows[size, k + 1, seed]
        return np.asarray(below + (above - below) * share)


def check_time(over_ps: int, text: str) -> int:
    """A time that engine runs can tell from never. Raises InputError."""
    if not 1 <= over_ps <= LONGEST_PS:
        raise InputError(f"--tail {text!r}: allowed are 1ps to {LONGEST_PS // 10**12}s; single victims end at 600s.")
    return over_ps


def reading(part: Part, setting: Setting, over_ps: int) -> Reading:
    """The engine runs of a part at the table's holds, and at longer ones up to the time asked about."""
    assert part.hold is not None
    nodes = hold_nodes(part.hold)
    longer = [hold for hold in (*HOLD_NODES_PS, HOLD_NODES_PS[-1] << 1) if hold > nodes[-1]]
    enough = sum(hold < over_ps for hold in longer) + 1
    nodes = (*nodes, *(longer[:enough] if nodes[-1] < over_ps else ()))
    family, built = part.family, []
    for size_bytes in family.nodes:
        prepared = prepare(family.build(size_bytes))
        built.append([
            [run_once(prepared, setting, with_hold(setting.scenario, part.hold, hold), 0, setting.seed + s)
             for s in range(setting.n_seeds)]
            for hold in nodes
        ])  # fmt: skip
    rows = on_line(np.array(built, dtype=np.int64), family.nodes, family.sizes).astype(np.float64)
    return Reading(
        part, np.array(nodes, dtype=np.float64), rows, np.cumsum(slot_chances(len(family.sizes), family.n_strata))
    )


def drawn_parts(parts: list[Part]) -> list[int]:
    """Parts whose holds have a law to draw from."""
    return [c for c, part in enumerate(parts) if part.hold is not None and part.hold.law is not None]


def alone(
    parts: list[Part], table: Table, study: Study, setting: Setting, over_ps: int, n_kills: int, confidence: float
) -> dict[str, Rare]:
    """P(a kill that the reaper takes at once takes longer than over_ps), to MMF_OOM_SKIP and to all freed.

    n_kills: of the study. Beside it what the study's own kills say when each is taken at once, as the table has them.
    """
    drawn = drawn_parts(parts)
    readings = [reading(parts[c], setting, over_ps) for c in drawn]
    of_kills = brute_force(study, over_ps, min(n_kills, MOST_KILLS), confidence)
    found: dict[str, Rare] = {}
    for f in ASKED:
        exact = sum(exact_share(table, c, f, over_ps) for c in range(len(parts)) if c not in drawn)
        reached = [at for at in readings if at.rows[..., f].max() > over_ps]
        found[FIELDS[f]] = rare(reached, f, over_ps, exact, study.seed, confidence, of_kills[f])
    return found


def rare(
    readings: list[Reading], f: int, over_ps: int, exact: float, seed: int, confidence: float, beside: BruteForce
) -> Rare:  # fmt: skip
    """Importance sampling of the held parts that can take so long at all, plus the exact share of the others.

    beside: what the study's own kills say.
    """
    if not readings:
        method = "sum over the table" if exact else "nothing in the table takes so long"
        return {"method": method, "value": exact, "low": exact, "high": exact, "brute_force": beside}
    shares = np.array([float(at.part.share) for at in readings])

    def simulate(keys: Keys) -> np.ndarray:
        which = (uniforms(keys, STREAM_PART, 0) * len(readings)).astype(np.int64)
        weights = np.zeros(len(keys))
        for k, at in enumerate(readings):
            mine = which == k
            law = at.part.hold.law if at.part.hold else None
            assert law is not None
            holds, ratio = law.sample(keys[mine], 1, over_ps)
            longer = at.latency(keys[mine], holds[:, 0].astype(np.float64))[:, f] > over_ps
            weights[mine] = np.where(longer, ratio * shares[k] * len(readings) / shares.sum(), 0.0)
        return weights

    tail = importance(simulate, RUNS, seed, confidence)
    value, low, high = (exact + float(shares.sum()) * x for x in (tail.value, tail.low, tail.high))
    return {
        "method": "importance sampling of holds", "value": value, "low": low, "high": min(high, 1.0),
        "hits": tail.hits, "runs": tail.n, "exact_part": exact, "brute_force": beside,
    }  # fmt: skip


def exact_share(table: Table, component: int, f: int, over_ps: int) -> float:
    """P(a victim of this component, and longer than over_ps when taken at once), summed over the table."""
    base = int(table.components[component, BASE])
    ends = [int(b) for b in table.components[:, BASE] if b > base]
    rows = slice(base, min(ends, default=len(table.fields)))
    return float(table.chances[rows][table.fields[rows, 0, f] > over_ps].sum())


def brute_force(study: Study, over_ps: int, n: int, confidence: float) -> dict[int, BruteForce]:
    """The study's own kills, each as if taken at once: hits of n, Clopper-Pearson; kills are independent then."""
    hits = np.zeros(len(study.fields), dtype=np.int64)
    for first in range(0, n, KILLS_AT_ONCE):
        entries = np.empty(min(KILLS_AT_ONCE, n - first), dtype=np.int64)
        draw_entries(study.seed, first, study.thresholds, study.components, entries)
        hits += np.bincount(entries, minlength=len(hits))
    found: dict[int, BruteForce] = {}
    for f in ASKED:
        over = int(hits[study.fields[:, 0, f] > over_ps].sum())
        low, high = clopper_pearson(over, n, confidence, one_sided=not over)
        found[f] = {"value": over / n, "low": low, "high": high, "hits": over, "kills": n}
    return found
