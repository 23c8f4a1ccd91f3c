"""Measured tear-downs to a cost table: the prices with which the model itself comes nearest to what was measured.

The model says how much of each work item a tear-down has; prices are what is unknown. Exit, process_mrelease and the
exit of what that left are fitted together, because one price serves them all. What a kernel's teardown cannot show
apart moves together in proportions taken from another table: such a group is a *part*, and its unknown is a factor on
that table's prices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mmbench.cost.fit import INTERVAL_PERCENT, N_BOOTSTRAP, Floats
from mmbench.cost.table import COLD, FORMAT, CostTable
from mmbench.errors import InputError
from mmbench.machine.work import NAMES, UNPRICED
from mmbench.records.measured_types import CostFile, Entry, Observation

COLD_PART = "cold"
FITTED = ("exit", "mrelease", "exit_after")
COLD_AFTER_PAGES = tuple(mib * 256 for mib in (64, 128, 192, 256, 384, 512, 768, 1024, 1536))
LEAST_COLD_SIZES = 2
SAME_LOSS, TINY_LOSS = 1.001, 1e-12  # losses as good as equal: then as few pages as possible are cold
LEAST_SPREAD = 0.02  # no kind of tear-down is trusted more than this, however quiet it was


class Part(NamedTuple):
    """Items whose prices move together, and why their proportion is what it is."""

    items: tuple[str, ...]
    split: str


PARTS = {
    "page": Part(("zap_pte", "zap_anon_folio", "free_folio"), "split: 41 % freeing (profile, linux-mm, 4 Sep 2025)"),
    "munlock": Part(("munlock_folio", "lru_lock"), "split: a sixth into the lruvec lock, assumed"),
    "walk": Part(("walk_entry",), ""),
    "table": Part(("free_table",), ""),
    "vma": Part(("visit_vma", "free_vma"), "split: assumed"),
    "reap_vma": Part(("gather", "tlb_flush"), "split: assumed"),
    "batch": Part(("batch_page",), ""),
    COLD_PART: Part((COLD,), ""),
    "thp": Part(("zap_thp",), ""),
    "shmem": Part(("zap_shmem_folio",), ""),
    "munlock_shmem": Part(("munlock_shmem_folio",), ""),
}
# What a kernel before v5.18 shows instead: munlock is a pass of its own over the whole span. It has no process_mrelease
# to walk tables and open gathers more than once, so those cannot be told from walking and from the base.
OLD_PARTS = {name: PARTS[name] for name in ("page", "walk", "vma", COLD_PART, "shmem")} | {
    "old_munlock": Part(("old_munlock_page",), ""),
    "old_pagevec": Part(("old_munlock_pagevec",), ""),
    "old_absent": Part(("old_munlock_absent",), ""),
}
# Nothing here shows these; they follow a part whose work is of the same sort.
FOLLOWERS = {
    "zap_file_folio": "page",
    "zap_elsewhere_folio": "page",
    "large_folio": "page",
    "buddy_folio": "page",
    "old_munlock_page": "munlock",
    "old_munlock_pagevec": "munlock",
    "old_munlock_thp": "munlock",
    "old_munlock_absent": "munlock",
    "old_munlock_rmap": "munlock",
    "trylock_munlock": "munlock",
    "lru_contended": "munlock",
    "free_contended": "page",
    "thp_contended": "thp",
}


class Prices(NamedTuple):
    """What was fitted: part -> (factor, low, high) on the prices of another table, and kind -> base, picoseconds.

    errors: kind -> relative errors, one per configuration; cold_after_pages: where pages begin to be cold
    """

    factors: dict[str, tuple[float, float, float]]
    base_ps: dict[str, int]
    errors: dict[str, Floats]
    cold_after_pages: int


class _System(NamedTuple):
    """One system of equations, a row per tear-down and a column per unknown, and its solution."""

    parts: list[str]
    matrix: Floats
    solution: Floats
    fitted: Floats
    errors: Floats
    loss: float


def fit_prices(
    observations: list[Observation],
    reference: CostTable,
    seed: int = 1,
    parts: dict[str, Part] = PARTS,
    cold_after: tuple[int, ...] = COLD_AFTER_PAGES,
) -> Prices:
    """Fit a factor per part and a base per kind, all non-negative, to relative errors.

    An observation has ``what`` (exit, mrelease, exit_after), ``median_ns``, ``spread`` and ``work`` (item -> how often
    in the model). A kind counts by how quiet it was. Where pages begin to be cold is chosen from `cold_after` by
    the smallest error. Raises InputError when the configurations are too few or too alike to tell the parts apart.
    """
    used = [o for o in observations if o["what"] in FITTED]
    kinds = [what for what in FITTED if any(o["what"] == what for o in used)]
    prices = _prices(reference)
    fixed = np.array([_cost(o["work"], _unfitted(parts), prices) for o in used])
    measured = np.maximum(np.array([o["median_ns"] * 1000.0 for o in used]) - fixed, 1.0)
    kind, weight = np.array([o["what"] for o in used]), _weights(used, kinds)
    bounds = _told_apart(used, cold_after)
    systems = {after: _system(used, kinds, parts, prices, measured, weight, after) for after in bounds}
    least = min(system.loss for system in systems.values())
    after = max(pages for pages, system in systems.items() if system.loss <= least * SAME_LOSS + TINY_LOSS)
    best = systems[after]
    low, high = _intervals(best.matrix, best.fitted, best.errors, kind, weight, seed)
    factors = {part: (float(best.solution[i]), float(low[i]), float(high[i])) for i, part in enumerate(best.parts)}
    base_ps = {what: round(best.solution[len(best.parts) + i] * 1e9) for i, what in enumerate(kinds)}
    errors = {what: best.errors[kind == what] for what in kinds}
    return Prices(factors, base_ps, errors, after if COLD_PART in factors else reference.cold_after_pages)


def _told_apart(used: list[Observation], cold_after: tuple[int, ...]) -> list[int]:
    """Bounds that at least two different sizes exceed, for one size alone fits any bound at any price; and no bound."""
    sizes = {_last_mappings(o["work"]) for o in used}
    exceeded = [after for after in cold_after if sum(n > after for n in sizes) >= LEAST_COLD_SIZES]
    return [*exceeded, max(sizes, default=0)]


def _last_mappings(work: dict[str, int]) -> int:
    """PTE-mapped 4 KiB pages of a tear-down that go to the allocator, so that some may be cold."""
    return work.get("zap_pte", 0) - work.get("zap_elsewhere_folio", 0)


def _system(
    used: list[Observation],
    kinds: list[str],
    parts: dict[str, Part],
    prices: dict[str, int],
    measured: Floats,
    weight: Floats,
    after: int,
) -> _System:
    """Set up and solve for pages that are cold beyond the first `after` of an mm."""
    works = [o["work"] | {COLD: max(_last_mappings(o["work"]) - after, 0)} for o in used]
    columns = {part: np.array([_cost(work, items, prices) for work in works]) for part, (items, _) in parts.items()}
    seen = {part: column for part, column in columns.items() if column.any()}
    bases = [np.array([1e9 * (o["what"] == what) for o in used]) for what in kinds]
    matrix = np.array([*seen.values(), *bases]).T
    _refuse_alike(matrix, list(seen))
    solution = _solve(matrix, measured, weight)
    fitted = matrix @ solution
    errors = fitted / measured - 1.0
    return _System(list(seen), matrix, solution, fitted, errors, float(np.sum((weight * errors) ** 2)))


def _solve(matrix: Floats, measured: Floats, weight: Floats) -> Floats:
    """Minimise the weighted sum of squared relative errors over non-negative unknowns; scaling is for the solver."""
    from scipy.optimize import nnls

    relative = matrix * (weight / measured)[:, None]
    scale = np.linalg.norm(relative, axis=0)
    solution, _ = nnls(relative / scale, weight)
    return np.asarray(solution / scale, dtype=np.float64)


def _intervals(
    matrix: Floats, fitted: Floats, errors: Floats, kind: Any, weight: Floats, seed: int
) -> tuple[Floats, Floats]:
    """Refit what was fitted with the relative errors of other configurations of the same kind; 95 % bounds."""
    n_rows, n_unknowns = matrix.shape
    widened = np.maximum(errors * np.sqrt(n_rows / (n_rows - n_unknowns)), -0.9)
    draw = np.random.default_rng(seed)
    same = {what: np.flatnonzero(kind == what) for what in dict.fromkeys(kind.tolist())}
    refits = []
    for _ in range(N_BOOTSTRAP):
        drawn = np.empty(n_rows)
        for rows in same.values():
            drawn[rows] = widened[draw.choice(rows, len(rows))]
        refits.append(_solve(matrix, fitted / (1.0 + drawn), weight))
    low, high = np.percentile(refits, INTERVAL_PERCENT, axis=0)
    return low, high


def _prices(table: CostTable) -> dict[str, int]:
    """Prices to scale; one that is 0 in the other table counts as 1 ps, so that it can be anything here."""
    known = {name: max(int(table.prices[k]), 1) for k, name in enumerate(NAMES) if name not in UNPRICED}
    return known | {COLD: max(table.cold_page_ps, 1)}


def _cost(work: dict[str, int], items: tuple[str, ...], prices: dict[str, int]) -> float:
    return float(sum(work.get(item, 0) * prices[item] for item in items))


def _unfitted(parts: dict[str, Part]) -> tuple[str, ...]:
    fitted = {item for part in parts.values() for item in part.items}
    return tuple(name for name in NAMES if name not in fitted and name not in UNPRICED)


def _refuse_alike(matrix: Floats, parts: list[str]) -> None:
    scaled = matrix / np.maximum(np.linalg.norm(matrix, axis=0), 1e-300) if matrix.size else matrix
    n_rows, n_columns = matrix.shape if matrix.ndim == 2 else (0, 0)
    if n_rows <= n_columns or np.linalg.matrix_rank(scaled, tol=1e-6) < n_columns:
        raise InputError(
            f"{n_rows} measured tear-downs cannot tell {n_columns} costs apart ({', '.join(parts)}). Measure more "
            "configurations, of different sizes, locked shares, VMA counts and strides."
        )


def _weights(used: list[Observation], kinds: list[str]) -> Floats:
    """How much a relative error counts, by kind: the inverse of how widely its measurements spread."""
    spread = {w: float(np.median([o["spread"] for o in used if o["what"] == w])) for w in kinds}
    return np.array([LEAST_SPREAD / max(spread[o["what"]], LEAST_SPREAD) for o in used])


def table_of(prices: Prices, reference: CostTable, where: str, parts: dict[str, Part] = PARTS) -> CostFile:
    """Return a full cost table, ready to be written as JSON: fitted, proportioned and carried-over costs say so.

    where: kernel and machine, for people. A part that no configuration showed is carried over, as is what this kernel
    cannot show.
    """
    known, costs = _prices(reference), dict[str, Entry]()
    for part, (items, split) in parts.items():
        for item in items:
            factor = prices.factors.get(part)
            if factor:
                costs[item] = _entry(known[item], factor, _told(part, items, split, where))
    for item in known:
        if item not in costs:
            costs[item] = _carried(item, known[item], prices, reference)
    return {
        "format": FORMAT,
        "name": "calibrated",
        "machine": where,
        "cold_after_pages": prices.cold_after_pages,
        "base_ps": prices.base_ps,
        "costs": {item: costs[item] for item in known},
    }


def set_fitted(table: CostFile, prices_ps: dict[str, int], source: str) -> None:
    """Put prices that were found otherwise into a table. Mutates: table."""
    for item, ps in prices_ps.items():
        table["costs"][item] = {"ps": ps, "provenance": "fitted", "source": source}


def carried_over(table: CostFile) -> list[str]:
    """Names of the costs that this calibration could not see, and took from another table."""
    return [name for name, entry in table["costs"].items() if entry.get("carried_over")]


def _told(part: str, items: tuple[str, ...], split: str, where: str) -> str:
    alone = "" if len(items) == 1 else f" as part of {part!r} ({split})"
    return f"model fitted to exit, process_mrelease and the exit after it{alone}: {where}"


def _entry(was_ps: int, factor: tuple[float, float, float], source: str) -> Entry:
    value, low, high = (round(was_ps * f) for f in factor)
    is_alone = "as part of" not in source
    return {
        "ps": value,
        "provenance": "fitted" if is_alone else "scaled from",
        "source": source,
        "low_ps": low,
        "high_ps": high,
    }


def _carried(item: str, was_ps: int, prices: Prices, reference: CostTable) -> Entry:
    entry = reference.entries[item]
    origin = entry.get("origin", entry["source"])
    leader = FOLLOWERS.get(item)
    factor = prices.factors[leader][0] if leader in prices.factors else 1.0
    if leader is None or factor == 1.0:
        provenance = entry["provenance"] if entry["provenance"] in ("published", "assumed") else "scaled from"
        source = f"not shown by this calibration; from cost table {reference.name!r}: {origin}"
    else:
        provenance = "assumed" if entry["provenance"] == "assumed" else "scaled from"
        source = (
            f"this kernel cannot show it; cost table {reference.name!r} ({origin}) times {factor:.3f}, as {leader!r} "
            "is here against there"
        )
    return {
        "ps": round(was_ps * factor),
        "provenance": provenance,
        "source": source,
        "origin": origin,
        "carried_over": True,
    }
