"""How wrong is the service table between the engine's runs? Measured on kills of the study itself.

Some kills of the first replication are run in the engine as they were drawn, with their own size, hold and wait, and
compared with what the table says of them: half of them kills that waited, half of them kills that did not.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from mmbench.engine import prepare
from mmbench.sizing.laws.entries import BASE, SEEDS, draw_entries
from mmbench.sizing.queue.mixture import Part
from mmbench.sizing.queue.reaper_list import ALL, FIELDS, REAPER, SKIP, between, lifo, segment_of, share_of
from mmbench.sizing.queue.service import Setting, run_once, with_hold
from mmbench.sizing.study import Study, fill_gaps

CHECKED = (SKIP, ALL, REAPER)
N_KILLS = 16  # of those that waited, and of the others
SMALL_PS = 10**9  # an error is relative to the time itself, or to 1 ms where that is longer


def some_kills(study: Study) -> list[tuple[int, int]]:
    """(entry, wait in ps) of kills of the first replication, evenly chosen."""
    n = study.kept_kills
    gaps, entries, waits, kills, since = (np.zeros(n, dtype=np.int64) for _ in range(5))
    fill_gaps(study.kills, study.seed, 0, gaps)
    draw_entries(study.seed, 0, study.thresholds, study.components, entries)
    lifo(gaps, entries, study.busy, waits, kills, since)
    chosen: list[tuple[int, int]] = []
    for group in (np.flatnonzero(waits > 0), np.flatnonzero(waits == 0)):
        picked = group[:: max(len(group) // N_KILLS, 1)][:N_KILLS]
        chosen += [(int(entries[i]), int(waits[i])) for i in picked]
    return chosen


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


def errors(parts: list[Part], study: Study, setting: Setting) -> Iterator[dict[int, float]]:
    """Relative errors of CHECKED, a kill at a time. The reaper's time of a victim never listed is not compared."""
    for entry, wait_ps in some_kills(study):
        truth, read = engine_says(parts, study, setting, entry, wait_ps), table_says(study.fields, entry, wait_ps)
        checked = CHECKED if study.fields[entry, 0, REAPER] >= 0 else (SKIP, ALL)
        yield {f: abs(read[f] - truth[f]) / max(truth[f], SMALL_PS) for f in checked}


def interpolation_error(parts: list[Part], study: Study, setting: Setting) -> dict[str, dict[str, float]]:
    """Median, 90th percentile and worst relative error of the table, over some kills of the study."""
    found = list(errors(parts, study, setting))
    result = {}
    for f in CHECKED:
        values = sorted(error[f] for error in found if f in error)
        if values:
            at = min(int(0.9 * len(values)), len(values) - 1)
            result[FIELDS[f]] = {"median": median(values), "p90": values[at], "worst": values[-1], "runs": len(values)}
    return result
