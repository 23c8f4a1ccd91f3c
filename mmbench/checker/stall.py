"""Deadlocks and stalls: states with no way to the end, and the cycle of who waits for whom.

A state is bad when no schedule at all leads from it to the end of every task. If that is so even with the reaper
giving up, it is a deadlock; if only a give-up (MAX_OOM_REAP_RETRIES) leads out, it is a stall. No fairness and no
times are assumed: polling tasks may poll for ever, and it does not help.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmbench.checker.bfs import mark_ends, spread_back
from mmbench.checker.search import Found


@dataclass(frozen=True)
class Trap:
    """A state that nobody gets out of. n_states: how many states cannot reach the end."""

    state: int
    n_states: int


def ends(found: Found) -> np.ndarray:
    """States that need no way on: the end, a broken property, or not expanded. uint8 (n_states,)."""
    good = np.zeros(found.n_states, dtype=np.uint8)
    scratch = found.plan.template.copy()
    mark_ends(found.problem, found.graph, scratch, found.n_expanded, good)
    good[found.n_expanded :] = 1
    return good


def good_states(found: Found, give_up: bool) -> np.ndarray:
    """States from which the end can be reached. uint8 (n_states,)."""
    good = ends(found)
    while spread_back(found.graph.edge_at, found.graph.edges, good, found.n_expanded, give_up):
        pass
    return good


def innermost(found: Found, bad: np.ndarray, wanted: np.ndarray, give_up: bool) -> int:
    """The first wanted state from which the bad states lead nowhere but back: everybody who will wait, waits.

    bad: bool (n_states,), closed under the allowed steps; wanted: bool, a part of it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = np.flatnonzero(bad)
    number = np.full(found.n_states, -1, dtype=np.int64)
    number[index] = np.arange(len(index))
    edge_at, edges = found.graph.edge_at, found.graph.edges
    counts = (edge_at[1:] - edge_at[:-1])[: found.n_states]
    source = np.repeat(np.arange(found.n_states), np.where(np.arange(found.n_states) < found.n_expanded, counts, 0))
    used = edges[: len(source)]
    keep = bad[source] & ((used & 1 == 0) | give_up)
    a, b = number[source[keep]], number[used[keep] >> 1]
    size = (len(index), len(index))
    _, part = connected_components(coo_array((np.ones(len(a), np.int8), (a, b)), shape=size), connection="strong")
    leaves = np.zeros(part.max() + 1, dtype=bool)
    leaves[part[a][part[a] != part[b]]] = True
    inner = ~leaves[part] & wanted[index]
    return int(index[np.argmax(inner)]) if inner.any() else int(np.flatnonzero(wanted)[0])


def traps(found: Found) -> tuple[Trap | None, Trap | None]:
    """(deadlock, stall) of a search; None where there is none."""
    without = good_states(found, give_up=False) == 0
    if not without.any():
        return None, None
    hopeless = good_states(found, give_up=True) == 0
    stalled = without & ~hopeless
    deadlock = stall = None
    if hopeless.any():
        deadlock = Trap(innermost(found, hopeless, hopeless, True), int(hopeless.sum()))
    if stalled.any():
        stall = Trap(innermost(found, without, stalled, False), int(stalled.sum()))
    return deadlock, stall
