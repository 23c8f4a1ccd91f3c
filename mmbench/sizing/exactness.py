"""How wrong is the service table where printed answers rest on it? Measured on those very kills, and mended.

A percentile rests on the kills nearest to it, a share above a time on those nearest to that time. The engine runs them
as drawn, with their own size, hold and wait. Where it disagrees by more than AIM, the sizes of those victims become
nodes of the table with every wait of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from mmbench.records.study_types import Off, StudyRecord, Withheld
from mmbench.sizing.answers import percentile_name, printed
from mmbench.sizing.estimate import n_replications
from mmbench.sizing.off_grid import engine_says, table_says, victim_of
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER, SKIP
from mmbench.sizing.queue.service import Runs, Setting, with_size
from mmbench.sizing.queue.tally import BEHIND, QUANTITIES
from mmbench.sizing.queue.worst import read_kills
from mmbench.sizing.study import Study, kept_of, play, room_of
from mmbench.sizing.worlds import each_world

TOLERANCE = 0.02  # no printed percentile rests on a table that is further off; a share says so
AIM = 0.005
ROUNDS, MOST_SIZES = 4, 24  # of mending, and new nodes in each
N_NEAREST = 15
EXAMINED = ("with", "without", "unlocked")  # worlds whose percentiles are printed
MOST_KILLS = 1 << 20
SMALL_PS = 10**9  # an error is relative to the time itself, or to 1 ms where that is longer


@dataclass
class Examined:
    """Kills of a study in one of its worlds, and what the engine says of those it was asked about.

    entries, waits: int64 (n,); values: int64 (BEHIND, n), as the table has them; said: (entry, wait) -> FIELDS
    target: the percentile that the study is about
    """

    parts: list[Part]
    study: Study
    setting: Setting
    world: str
    entries: np.ndarray
    waits: np.ndarray
    values: np.ndarray
    said: dict[tuple[int, int], list[int]]
    target: float

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
    target: float,
) -> list[Examined]:  # fmt: skip
    """The kills of the first replications, at most MOST_KILLS, as they are and, where there are heavy victims, without.

    said: what the engine said before, of any table.
    """
    room, busy, kept = room_of(study), study.busy, kept_of(study)
    kills: dict[str, list[np.ndarray]] = {world: [] for world in (EXAMINED if study.heavy else EXAMINED[:1])}
    for r in range(max(min(n_replications, MOST_KILLS // study.kept_kills), 1)):
        for world, entries, waits in worlds_of(study, r, busy, room):
            if world in kills:
                kills[world].append(np.stack([entries[kept], waits[kept]]))
    found = []
    for world, of in kills.items():
        entries, waits = np.concatenate(of, axis=1)
        values = np.empty((BEHIND, len(entries)), dtype=np.int64)
        read_kills(entries, waits, study.fields, values)
        found.append(Examined(parts, study, setting, world, entries, waits, values, said, target))
    return found


def worlds_of(
    study: Study, replication: int, busy: np.ndarray, room: list[np.ndarray]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:  # fmt: skip
    """As each_world, and of a study without heavy victims the one that there is."""
    if study.heavy:
        yield from each_world(study, replication, busy, room)
        return
    play(study, replication, busy, room)
    yield EXAMINED[0], room[1], room[2]


def rests_on(at: Examined) -> dict[str, tuple[int, list[int]]]:
    """Answer -> (latency, the kills that it rests on): every printed percentile, both shares above, heavy victims.

    Of other worlds the target alone, which says what heavy victims add: its name has the world's behind it.
    """
    found: dict[str, tuple[int, list[int]]] = {}
    if at.world != EXAMINED[0]:
        kills = nearest(at.values[SKIP], np.arange(len(at.entries)), quantile(at.values[SKIP], at.target))
        return {f"{QUANTITIES[SKIP]} {percentile_name(at.target)} {at.world}": (SKIP, kills)}
    listed = at.study.fields[at.entries, 0, REAPER] != NOT_LISTED
    for q in range(BEHIND):
        asked = np.flatnonzero(listed) if q == REAPER else np.arange(len(at.entries))
        values = at.values[q]
        for p in printed(at.target):
            value = quantile(values, p)
            if value or q != REAPER:  # nothing to be wrong about where the reaper has nothing to do
                found[f"{QUANTITIES[q]} {percentile_name(p)}"] = (q, nearest(values, asked, value))
        if q in (SKIP, REAPER):
            found[f"{QUANTITIES[q]} over"] = (q, nearest(values, asked, at.study.over_ps))
    if at.study.heavy is not None:
        heavy = np.flatnonzero(at.entries >= at.study.heavy.first)
        found["heavy"] = (SKIP, heavy[:: max(len(heavy) // N_NEAREST, 1)][:N_NEAREST].tolist())
    return {name: (q, kills) for name, (q, kills) in found.items() if kills}


def quantile(values: np.ndarray, p: float) -> int:
    """The p-quantile of int64 values, one of them."""
    return int(np.quantile(values, p, method="inverted_cdf"))


def nearest(values: np.ndarray, asked: np.ndarray, target: int) -> list[int]:
    """N_NEAREST of the kills asked, those nearest to a value, in the order of the kills."""
    off = np.abs(values[asked] - target)
    n = min(N_NEAREST, len(off))
    cut = np.sort(np.partition(off, n - 1)[:n])[-1] if n else 0
    return np.sort(asked[np.flatnonzero(off <= cut)[:n]]).tolist() if n else []


def errors(examined: list[Examined]) -> dict[str, Off]:
    """Answer -> median and worst relative error of the kills that it rests on, and how many engine runs say so."""
    found: dict[str, Off] = {}
    for at in examined:
        for name, (q, kills) in rests_on(at).items():
            of = sorted(at.error(i, q) for i in kills)
            found[name] = {"median": median(of), "worst": of[-1], "runs": len(of)}
    return found


def withhold(record: StudyRecord) -> None:
    """Refuse every percentile whose kills the table has wrong by more than TOLERANCE, and what is added to it.

    Mutates: record.
    """
    for name, off in record["interpolation"].items():
        quantity, p, *_ = [*name.split(), ""]
        if off["median"] <= TOLERANCE or p not in record["latency"].get(quantity, {"percentiles": {}})["percentiles"]:
            continue
        why: Withheld = {
            "refused": f"the service table is {off['median']:.1%} off for the kills that it rests on ({off['runs']} "
            f"engine runs), and allowed are {TOLERANCE:.0%}"
        }
        if name == f"{quantity} {p}":
            record["latency"][quantity]["percentiles"][p] = why
        if quantity == QUANTITIES[SKIP] and "added" in record:
            record["added"]["effects"][p] = why


def wrong_sizes(examined: list[Examined]) -> list[tuple[int, int]]:
    """(part, size) of victims about which the table is wrong by more than AIM, the worst first, at most MOST_SIZES."""
    off: dict[tuple[int, int], float] = {}
    asked = [(at, q, i) for at in examined for q, kills in rests_on(at).values() for i in kills]
    for at, q, i in asked:
        part, size, _, _ = victim_of(at.parts, at.study, int(at.entries[i]))
        key = (next(c for c, one in enumerate(at.parts) if one is part), part.family.sizes[size])
        off[key] = max(off.get(key, 0.0), at.error(i, q))
    return sorted((key for key in off if off[key] > AIM), key=lambda key: (-off[key], key))[:MOST_SIZES]


def mended(
    parts: list[Part], runs: list[Runs], setting: Setting, study_of: Callable[[list[Runs]], Study],
    target: float = 0.999, kills: int = MOST_KILLS,
) -> list[Runs]:  # fmt: skip
    """Engine runs whose table is right where answers rest on it, as far as ROUNDS go.

    study_of: the study of a list of runs. Its first replications tell where that is; kills: how many will be played.
    """
    study, said = study_of(runs), dict[tuple[int, int], list[int]]()
    for _ in range(ROUNDS):
        wrong = wrong_sizes(examine(parts, study, setting, n_replications(study, kills), said, target))
        wrong = [(c, size) for c, size in wrong if size not in runs[c].sizes]
        if not wrong:
            break
        for c, size in wrong:
            runs = [*runs[:c], with_size(runs[c], parts[c].family, size, setting, parts[c].hold), *runs[c + 1 :]]
        study = study_of(runs)
    return runs
