"""How wrong is the service table where printed answers rest on it? Measured on those very kills, and mended.

A percentile rests on the kills nearest to it, a share above a time on those nearest to that time. The engine runs them
as drawn, with their own size, hold and wait. Where it disagrees by more than AIM, the sizes of those victims become
nodes of the table with every wait of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from mmbench.records.study_types import Off
from mmbench.sizing.answers import PERCENTILES
from mmbench.sizing.off_grid import engine_says, table_says, victim_of
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER, SKIP
from mmbench.sizing.queue.service import Runs, Setting, with_size
from mmbench.sizing.queue.tally import BEHIND, QUANTITIES
from mmbench.sizing.queue.worst import read_kills
from mmbench.sizing.study import Study, kept_of, play, room_of

TOLERANCE = 0.02  # no printed number rests on a table that is further off, or it says so
AIM = 0.005
ROUNDS, MOST_SIZES = 4, 24  # of mending, and new nodes in each
N_NEAREST = 15
MOST_KILLS = 1 << 20
SMALL_PS = 10**9  # an error is relative to the time itself, or to 1 ms where that is longer


@dataclass
class Examined:
    """Kills of a study, and what the engine says of those it was asked about.

    entries, waits: int64 (n,); values: int64 (BEHIND, n), as the table has them; said: (entry, wait) -> FIELDS
    """

    parts: list[Part]
    study: Study
    setting: Setting
    entries: np.ndarray
    waits: np.ndarray
    values: np.ndarray
    said: dict[tuple[int, int], list[int]]
    percentiles: tuple[float, ...] = PERCENTILES

    def engine(self, i: int) -> list[int]:
        """FIELDS of kill i by the engine."""
        kill = (int(self.entries[i]), int(self.waits[i]))
        if kill not in self.said:
            self.said[kill] = engine_says(self.parts, self.study, self.setting, *kill)
        return self.said[kill]

    def error(self, i: int, q: int) -> float:
        """Relative error of the table about latency q of kill i."""
        truth = self.engine(i)[q]
        return abs(table_says(self.study.fields, int(self.entries[i]), int(self.waits[i]))[q] - truth) / max(
            truth, SMALL_PS
        )


def examine(
    parts: list[Part], study: Study, setting: Setting, n_replications: int, said: dict[tuple[int, int], list[int]],
    percentiles: tuple[float, ...] = PERCENTILES,
) -> Examined:  # fmt: skip
    """The kills of the first replications, at most MOST_KILLS; said: what the engine said before, of any table."""
    room, busy, kept = room_of(study), study.busy, kept_of(study)
    entries, waits = [], []
    for r in range(max(min(n_replications, MOST_KILLS // study.kept_kills), 1)):
        play(study, r, busy, room)
        entries.append(room[1][kept].copy())
        waits.append(room[2][kept].copy())
    found = Examined(
        parts, study, setting, np.concatenate(entries), np.concatenate(waits), np.empty(0), said, percentiles
    )
    found.values = np.empty((BEHIND, len(found.entries)), dtype=np.int64)
    read_kills(found.entries, found.waits, study.fields, found.values)
    return found


def rests_on(at: Examined) -> dict[str, tuple[int, list[int]]]:
    """Answer -> (latency, the kills that it rests on): every printed percentile, both shares above, heavy victims."""
    found: dict[str, tuple[int, list[int]]] = {}
    listed = at.study.fields[at.entries, 0, REAPER] != NOT_LISTED
    for q in range(BEHIND):
        asked = np.flatnonzero(listed) if q == REAPER else np.arange(len(at.entries))
        values = at.values[q]
        for p in at.percentiles:
            target = int(np.quantile(values, p, method="inverted_cdf"))
            if target or q != REAPER:  # nothing to be wrong about where the reaper has nothing to do
                found[f"{QUANTITIES[q]} p{p * 100:.10g}"] = (q, nearest(values, asked, target))
        if q in (SKIP, REAPER):
            found[f"{QUANTITIES[q]} over"] = (q, nearest(values, asked, at.study.over_ps))
    if at.study.heavy is not None:
        heavy = np.flatnonzero(at.entries >= at.study.heavy.first)
        found["heavy"] = (SKIP, heavy[:: max(len(heavy) // N_NEAREST, 1)][:N_NEAREST].tolist())
    return {name: (q, kills) for name, (q, kills) in found.items() if kills}


def nearest(values: np.ndarray, asked: np.ndarray, target: int) -> list[int]:
    """N_NEAREST of the kills asked, those nearest to a value, in the order of the kills."""
    off = np.abs(values[asked] - target)
    n = min(N_NEAREST, len(off))
    cut = np.sort(np.partition(off, n - 1)[:n])[-1] if n else 0
    return np.sort(asked[np.flatnonzero(off <= cut)[:n]]).tolist() if n else []


def errors(at: Examined) -> dict[str, Off]:
    """Answer -> median and worst relative error of the kills that it rests on, and how many engine runs say so."""
    found: dict[str, Off] = {}
    for name, (q, kills) in rests_on(at).items():
        of = sorted(at.error(i, q) for i in kills)
        found[name] = {"median": median(of), "worst": of[-1], "runs": len(of)}
    return found


def wrong_sizes(at: Examined) -> list[tuple[int, int]]:
    """(part, size) of victims about which the table is wrong by more than AIM, the worst first, at most MOST_SIZES."""
    off: dict[tuple[int, int], float] = {}
    for q, kills in rests_on(at).values():
        for i in kills:
            part, size, _, _ = victim_of(at.parts, at.study, int(at.entries[i]))
            key = (next(c for c, one in enumerate(at.parts) if one is part), part.family.sizes[size])
            off[key] = max(off.get(key, 0.0), at.error(i, q))
    return sorted((key for key in off if off[key] > AIM), key=lambda key: (-off[key], key))[:MOST_SIZES]


def mended(
    parts: list[Part], runs: list[Runs], setting: Setting, study_of: Callable[[list[Runs]], Study],
    percentiles: tuple[float, ...] = PERCENTILES,
) -> list[Runs]:  # fmt: skip
    """Engine runs whose table is right where answers rest on it, as far as ROUNDS go.

    study_of: the study of a list of runs. Its first replications tell where that is.
    """
    study, said = study_of(runs), dict[tuple[int, int], list[int]]()
    for _ in range(ROUNDS):
        wrong = wrong_sizes(examine(parts, study, setting, MOST_KILLS, said, percentiles))
        wrong = [(c, size) for c, size in wrong if size not in runs[c].sizes]
        if not wrong:
            break
        for c, size in wrong:
            runs = [*runs[:c], with_size(runs[c], parts[c].family, size, setting, parts[c].hold), *runs[c + 1 :]]
        study = study_of(runs)
    return runs
