"""Every maximum names its kill, so that somebody can look at it, and the engine's own number for that kill."""

from __future__ import annotations

import numpy as np

from mmbench.records.study_types import Told
from mmbench.sizing.off_grid import engine_says, victim_of
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import NOT_LISTED, REAPER
from mmbench.sizing.queue.service import Setting
from mmbench.sizing.queue.tally import BEHIND, N_QUANTITIES, QUANTITIES
from mmbench.sizing.queue.worst import largest_of
from mmbench.sizing.study import Study, play, room_of

MOST_KILLS = 1 << 25  # a second or two; the command of a longer study still prints the same maximum again


def told(part: Part, size: int, held: int, seed: int) -> Told:
    """A victim, for people: family, size, hold and which of the table's seeds."""
    found: Told = {"victim": part.family.name, "size_bytes": part.family.sizes[size], "table_seed": seed}
    if part.hold is None or part.hold.memory:
        return found | {"hold": "memory" if part.hold else "none", "hold_ps": None}
    return found | {"hold": "time", "hold_ps": int(part.hold.points_ps[held])}


def extremes(parts: list[Part], study: Study, setting: Setting, n_replications: int) -> dict[str, Told]:
    """The kill of each of QUANTITIES with the largest value: {} for a study of more than MOST_KILLS.

    kill: its number within its replication, kept kills only, both from 0; exact_ps: as the table has it; engine_ps: of
    the same victim, hold and wait in the engine.
    """
    if n_replications * study.kept_kills > MOST_KILLS:
        return {}
    largest, kills = np.full(N_QUANTITIES, -2, dtype=np.int64), np.zeros(N_QUANTITIES, dtype=np.int64)
    of_kill: dict[int, tuple[int, int]] = {}
    busy, room = study.busy, room_of(study)
    kept = slice(study.edge_kills, study.edge_kills + study.kept_kills)
    for r in range(n_replications):
        play(study, r, busy, room)
        entries, waits, before = room[1][kept], room[2][kept], largest.copy()
        largest_of(entries, waits, study.fields, r * study.kept_kills, largest, kills)
        for q in np.flatnonzero(largest > before):
            at = int(kills[q]) - r * study.kept_kills
            of_kill[int(q)] = (int(entries[at]), int(waits[at]))
    found: dict[str, Told] = {}
    for k, name in enumerate(QUANTITIES):
        entry, wait_ps = of_kill[k]
        replication, kill = divmod(int(kills[k]), study.kept_kills)
        found[name] = {
            "exact_ps": max(int(largest[k]), 0),
            "replication": replication,
            "kill": kill,
            "wait_ps": wait_ps,
        }
        found[name] |= told(*victim_of(parts, study, entry))
        listed = study.fields[entry, 0, REAPER] != NOT_LISTED
        if k < BEHIND and (listed or k != REAPER):
            found[name]["engine_ps"] = engine_says(parts, study, setting, entry, wait_ps)[k]
    return found
