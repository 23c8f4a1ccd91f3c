"""One kill two ways: as the service table has it, and as the engine runs that very victim, hold and wait."""

from __future__ import annotations

import numpy as np

from mmbench.engine import prepare
from mmbench.sizing.laws.entries import BASE, SEEDS
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import FIELDS, between, segment_of, share_of
from mmbench.sizing.queue.service import Setting, run_once, with_hold
from mmbench.sizing.study import Study


def victim_of(parts: list[Part], study: Study, entry: int) -> tuple[Part, int, int, int]:
    """What an entry stands for: its part of the mixture, and the index of its size, of its hold and of its seed."""
    c = int(np.flatnonzero(study.components[:, BASE] <= entry)[-1])
    slot, seed = divmod(entry - int(study.components[c, BASE]), int(study.components[c, SEEDS]))
    size, held = divmod(slot, parts[c].n_holds)
    return parts[c], size, held, seed


def engine_says(parts: list[Part], study: Study, setting: Setting, entry: int, wait_ps: int) -> list[int]:
    """FIELDS of the victim that an entry stands for, built and run at its own size, hold and wait."""
    part, size, held, seed = victim_of(parts, study, entry)
    scenario = with_hold(setting.scenario, part.hold, part.hold.points_ps[held] if part.hold else 0)
    prepared = prepare(part.family.build(part.family.sizes[size]), reuse=False)
    return run_once(prepared, setting, scenario, wait_ps, setting.seed + seed)


def table_says(fields: np.ndarray, entry: int, wait_ps: int) -> list[float]:
    """FIELDS as the table has them, read at the wait."""
    if not wait_ps:
        return [max(float(x), 0.0) for x in fields[entry, 0]]
    k = segment_of(wait_ps)
    share = share_of(k, wait_ps)
    return [float(between(fields[entry, k, f], fields[entry, k + 1, f], share)) for f in range(len(FIELDS))]
