"""Whole numbers shared out fairly: every part an integer, the sum exact, no part above its due rounded up."""

from __future__ import annotations

import numpy as np

from mmbench.errors import InputError


def split_evenly(total: int, n: int) -> np.ndarray:
    """Split `total` into `n` parts that differ by at most one; int64 (n,)."""
    edges = np.arange(n + 1, dtype=np.int64)
    whole, rest = divmod(total, n)  # keeps the products below 2**63
    return whole + np.diff(edges * rest // n)


def proportional(total: int, weights: np.ndarray) -> np.ndarray:
    """Split `total` <= sum(weights) in proportion to integer `weights`; no part exceeds its weight; int64 (n,).

    The k-th part is the step of floor(total * cumulated weight / sum), so the surplus is spread evenly too.
    """
    whole = int(weights.sum())
    if total == whole:
        return weights.astype(np.int64)
    if total == 0:
        return np.zeros(len(weights), dtype=np.int64)
    # Products reach 2**72: Python integers, because neither int64 nor float64 holds them exactly.
    cumulated = np.cumsum(weights).astype(object) * total // whole
    return np.diff(cumulated.astype(np.int64), prepend=0)


def vmas_per_group(n_vmas: int, units: list[int], pages: list[int]) -> list[int]:
    """Share `n_vmas` among groups in proportion to their pages: at least one each, at most one per unit.

    A unit is what a VMA of the group cannot be smaller than: a page, or 2 MiB of hugetlb.
    Raises InputError when there are more VMAs than units or fewer than groups, saying how many fit.
    """
    if n_vmas > sum(units):
        raise InputError(f"{n_vmas} VMAs do not fit: this size has room for at most {sum(units)} (one page each).")
    if n_vmas < len(units):
        raise InputError(
            f"{n_vmas} VMA{'s' if n_vmas > 1 else ''} cannot be locked and unlocked, shared and private at once: "
            f"these shares make {len(units)} kinds of VMA, so use vmas >= {len(units)} or shares of 0 and 1."
        )
    counts = [1] * len(units)
    spare = n_vmas - len(units)
    while spare:
        # Groups that are full drop out; what they cannot take goes to the others in the next round.
        open_groups = [i for i, unit in enumerate(units) if counts[i] < unit]
        weights = np.array([pages[i] for i in open_groups], dtype=object)
        due = np.diff(np.cumsum(weights) * spare // int(weights.sum()), prepend=0)
        for i, extra in zip(open_groups, due, strict=True):
            taken = min(int(extra), units[i] - counts[i])
            counts[i] += taken
            spare -= taken
    return counts


def interleave(counts: list[int]) -> np.ndarray:
    """Return the order that spreads every group evenly over the whole: a permutation of sum(counts), int64.

    Member j of a group of n sits at (j + 1/2) / n; ties go to the earlier group.
    """
    position = np.concatenate([(np.arange(n) + 0.5) / n for n in counts])
    return np.argsort(position, kind="stable")
