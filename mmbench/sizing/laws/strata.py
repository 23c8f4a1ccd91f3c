"""A law in a few slots that keep its tail: each stratum holds half of what is left, and a few points share a stratum.

A table of equally likely sizes would end at its last per cent; 16 strata of 8 points reach one in a quarter million.
"""

from __future__ import annotations


def tail_points(n_strata: int, n_points: int) -> list[float]:
    """P(larger) at the middle of each slot; stratum g holds (2**-g-1, 2**-g], the last stratum all the rest."""
    found = []
    for g in range(n_strata):
        high, low = 2.0**-g, 2.0 ** -(g + 1) if g < n_strata - 1 else 0.0
        found += [high + (low - high) * (2 * k + 1) / (2 * n_points) for k in range(n_points)]
    return found


def slot_chances(n_slots: int, n_strata: int) -> list[float]:
    """Probability of each slot; n_strata 1 means equally likely slots."""
    n_points = n_slots // n_strata
    halves = [2.0 ** -min(g + 1, n_strata - 1) for g in range(n_strata)]
    return [half / n_points for half in halves for _ in range(n_points)]
