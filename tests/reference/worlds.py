"""Twin of the worlds: each played by the reaper's twin, each latency read by itself, percentiles from sorted lists."""

from __future__ import annotations

from math import ceil

import numpy as np

from mmbench.rng import draw64
from mmbench.sizing.laws.draws import STREAM_WHICH_ELSE, STREAM_WHO_ELSE
from mmbench.sizing.laws.entries import draw_entries
from mmbench.sizing.study import Study, fill_gaps
from tests.reference.reaper_list import fields_at, waits_of


def entry_of(study: Study, kill: int) -> int:
    """The ordinary entry in place of a heavy kill, of one size slot axis and nothing else."""
    who, which = (int(draw64(study.seed, stream, kill)) for stream in (STREAM_WHO_ELSE, STREAM_WHICH_ELSE))
    assert study.heavy is not None
    c = sum(who >= int(t) for t in study.heavy.thresholds)
    base, n_strata, n_points = (int(x) for x in study.components[c, :3])
    zeros = (which & -which).bit_length() - 1 if which & 0xFFFF_FFFF else 31
    return base + min(zeros, n_strata - 1) * n_points + (which >> 32) * n_points // 2**32


def worlds(study: Study, n_replications: int) -> dict[str, list[tuple[int, int, float]]]:
    """Each world's kept kills in order: (entry, wait, time to MMF_OOM_SKIP)."""
    assert study.heavy is not None
    found: dict[str, list[tuple[int, int, float]]] = {"with": [], "unlocked": [], "without": [], "own": []}
    n = study.kept_kills + 2 * study.edge_kills
    kept = range(study.edge_kills, study.edge_kills + study.kept_kills)
    for r in range(n_replications):
        gaps, drawn = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        fill_gaps(study.kills, study.seed, r * n, gaps)
        draw_entries(study.seed, r * n, study.thresholds, study.components, drawn)
        heavy = drawn >= study.heavy.first
        entries = {
            "with": drawn,
            "unlocked": np.array([study.heavy.unlocked[e] for e in drawn]),
            "without": np.array([entry_of(study, r * n + i) if heavy[i] else drawn[i] for i in range(n)]),
        }
        kills = {}
        for world, which in entries.items():
            waits = waits_of(gaps, which, study.fields, newest_first=study.newest_first)
            kills[world] = [(int(e), w, fields_at(study.fields, int(e), w)["skip"])
                            for e, w in zip(which, waits, strict=True)]  # fmt: skip
        kills["own"] = [kills["with" if heavy[i] else "without"][i] for i in range(n)]
        for world, of_world in kills.items():
            found[world] += [of_world[i] for i in kept]
    return found


def quantile(values: list[float], p: float) -> float:
    """The smallest value with at least a share p at or below it."""
    return sorted(values)[max(ceil(p * len(values)), 1) - 1]
