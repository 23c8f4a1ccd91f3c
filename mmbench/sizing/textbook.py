"""Queues with known answers, as studies: Poisson kills, and a reaper whose time does not depend on its lateness.

M/M/1 and M/D/1 in order of arrival or newest first; Pollaczek and Khinchine know the mean wait, Takagi (Queueing
Analysis 1, 1991) the second moments. The same kernel runs them as runs the kernel's reaper.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from mmbench.sizing.laws.spoken import KillLaw
from mmbench.sizing.queue.mixture import thresholds_of
from mmbench.sizing.queue.reaper_list import ALL, FIRST, N_FIELDS, N_WAITS, NEED, REAPER, SKIP, WAITS_PS
from mmbench.sizing.study import Heavy, Study


def constant_fields(busy_ps: np.ndarray) -> np.ndarray:
    """A service table whose entries keep the reaper busy for busy_ps, after which all is freed and MMF_OOM_SKIP set.

    busy_ps: (n,). Returns float64 (n, N_WAITS, N_FIELDS).
    """
    fields = np.zeros((len(busy_ps), N_WAITS, N_FIELDS))
    fields[:, :, REAPER] = busy_ps[:, None]
    for f in (FIRST, SKIP, ALL, NEED):
        fields[:, :, f] = WAITS_PS[None, :] + busy_ps[:, None]
    return fields


def exponential_points(mean_ps: int, n: int) -> np.ndarray:
    """n equally likely points of an exponential law, whole ps: float64 (n,)."""
    points: np.ndarray = np.floor(-np.log((np.arange(n) + 0.5) / n) * mean_ps)
    return points


def textbook_study(busy_ps: np.ndarray, load: float, *, seed: int = 1, **options: Any) -> Study:
    """Poisson kills that load a reaper which is busy for one of busy_ps, equally likely. options: of Study."""
    components = np.array([[0, 1, len(busy_ps), 1, 1, 1]], dtype=np.int64)
    kills = KillLaw("poisson", mean_ps=round(float(busy_ps.mean()) / load))
    return Study(seed, kills, np.zeros(0, np.uint64), components, constant_fields(busy_ps), **options)


def two_kinds(ordinary_ps: np.ndarray, heavy_ps: np.ndarray, rarity: float, gap_ps: int, **options: Any) -> Study:
    """Poisson kills, gap_ps apart in the mean; a share `rarity` keeps the reaper busy for one of heavy_ps (n,).

    Unlocked, a heavy victim keeps it busy for half as long. options: of Study.
    """
    n, m = len(ordinary_ps), len(heavy_ps)
    components = np.array([[0, 1, n, 1, 1, 1], [n, 1, m, 1, 1, 1], [n + m, 1, m, 1, 1, 1]], dtype=np.int64)
    unlocked = np.concatenate([np.arange(n), np.arange(n + m, n + 2 * m)])
    ordinary = 1 - Fraction(rarity)
    return Study(
        options.pop("seed", 1), KillLaw("poisson", mean_ps=gap_ps), thresholds_of([ordinary, 1 - ordinary]), components,
        constant_fields(np.concatenate([ordinary_ps, heavy_ps, np.floor(heavy_ps / 2)])),
        heavy=Heavy(n, np.zeros(0, np.uint64), unlocked), **options,
    )  # fmt: skip


def mean_wait_ps(study: Study) -> float:
    """The Pollaczek-Khinchine mean wait of a textbook study."""
    busy = study.fields[:, 0, REAPER]
    rate = 1 / study.kills.mean_ps
    return float(rate * (busy**2).mean() / (2 * (1 - rate * busy.mean())))


def second_moment_ps2(study: Study) -> float:
    """E[W**2] of a textbook study, in order of arrival or newest first."""
    busy = study.fields[:, 0, REAPER]
    rate, second, third = 1 / study.kills.mean_ps, float((busy**2).mean()), float((busy**3).mean())
    idle = 1 - rate * float(busy.mean())
    if study.newest_first:
        return rate * third / (3 * idle**2) + (rate * second) ** 2 / (2 * idle**3)
    return 2 * (rate * second / (2 * idle)) ** 2 + rate * third / (3 * idle)
