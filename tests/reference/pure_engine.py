"""Twin of a whole study without a service table: every kill that is served is an engine run of that very kill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmbench.engine import Prepared, prepare
from mmbench.sizing.off_grid import victim_of
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import REAPER, SKIP
from mmbench.sizing.queue.service import Setting, run_once, with_hold
from mmbench.sizing.queue.tally import BEHIND
from mmbench.sizing.study import Study, play, room_of


class Engine:
    """FIELDS of a kill by the engine, each asked once."""

    def __init__(self, parts: list[Part], study: Study, setting: Setting) -> None:
        self.parts, self.study, self.setting = parts, study, setting
        self.said: dict[tuple[int, int], list[int]] = {}
        self.built: dict[tuple[str, int], Prepared] = {}

    def says(self, entry: int, wait_ps: int) -> list[int]:
        """FIELDS of the victim of an entry that the reaper takes so late."""
        if (entry, wait_ps) not in self.said:
            part, size, held, seed = victim_of(self.parts, self.study, entry)
            of = (part.family.name, part.family.sizes[size])
            if of not in self.built:
                self.built[of] = prepare(part.family.build(of[1]))
            scenario = with_hold(self.setting.scenario, part.hold, part.hold.points_ps[held] if part.hold else 0)
            self.said[entry, wait_ps] = run_once(
                self.built[of], self.setting, scenario, wait_ps, self.setting.seed + seed
            )
        return self.said[entry, wait_ps]

    def is_listed(self, entry: int) -> bool:
        """Does the timer find work? Otherwise the victim never enters the list."""
        return not self.setting.delay_ps or self.says(entry, 0)[SKIP] > self.setting.delay_ps


def by_engine(engine: Engine, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n kills of a study, newest first: int64 (BEHIND + 1, n) of QUANTITIES; and entries and waits with the table."""
    study = replace(engine.study, kept_kills=n, edge_kills=0)
    room = room_of(study)
    play(study, 0, study.busy, room)
    gaps, entries = room[0].tolist(), room[1].tolist()
    waits, listed, now, free = [0] * n, list[tuple[int, int]](), 0, 0

    def serve(kill: int, since: int) -> int:
        waits[kill] = max(free - since, 0)
        return engine.says(entries[kill], waits[kill])[REAPER]

    for i in range(n):
        now += gaps[i]
        while listed and free <= now:
            free += serve(*listed.pop())
        if engine.is_listed(entries[i]):
            if free <= now:
                free = now + engine.says(entries[i], 0)[REAPER]
            else:
                listed.append((i, now))
    while listed:
        free += serve(*listed.pop())
    found = np.array([[*engine.says(e, w)[:BEHIND], w] for e, w in zip(entries, waits, strict=True)], dtype=np.int64).T
    found[REAPER, [not engine.is_listed(e) for e in entries]] = 0
    return found, room[1], room[2]
