"""Deadlocks and stalls: states with no way to the end, and the cycle of who waits for whom.

A state is bad when no schedule at all leads from it to the end of every task. If that is so even with the reaper
giving up, it is a deadlock; if only a give-up (MAX_OOM_REAP_RETRIES) leads out, it is a stall. No fairness and no
times are assumed: polling tasks may poll for ever, and it does not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.checker.bfs import mark_ends, spread_back
from mmbench.checker.drive import world_of
from mmbench.checker.search import Found, state_arena, task_cell, values_of
from mmbench.checker.waits import cycle, loops_of
from mmbench.model.world import DONE, T_PC


@dataclass(frozen=True)
class Trap:
    """A state that nobody gets out of.

    n_states: how many states cannot reach the end; stuck: tasks that are not over in any state from there on
    """

    state: int
    n_states: int
    stuck: tuple[int, ...] = ()


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
    from scipy.sparse.csgraph import connected_components

    index = np.flatnonzero(bad)
    graph = graph_of(found, give_up)[index][:, index].tocoo()
    a, b = graph.row, graph.col
    _, part = connected_components(graph, connection="strong")
    leaves = np.zeros(part.max() + 1, dtype=bool)
    leaves[part[a][part[a] != part[b]]] = True
    inner = ~leaves[part] & wanted[index]
    return int(index[np.argmax(inner)]) if inner.any() else int(np.flatnonzero(wanted)[0])


def graph_of(found: Found, give_up: bool) -> Any:
    """The graph's edges as a sparse matrix (n_states, n_states); without those of a give-up unless asked for."""
    from scipy.sparse import csr_array

    n = found.n_expanded
    edge_at = np.append(found.graph.edge_at[: n + 1], np.full(found.n_states - n, found.graph.edge_at[n]))
    used = found.graph.edges[: int(edge_at[-1])]
    data = np.ones(len(used), np.int8) if give_up else (used & 1 == 0).astype(np.int8)
    graph = csr_array((data, used >> 1, edge_at), shape=(found.n_states, found.n_states))
    graph.eliminate_zeros()
    return graph


def never_over(found: Found, state: int) -> tuple[int, ...]:
    """Tasks that are over in no state that can be reached from this one."""
    from scipy.sparse.csgraph import breadth_first_order

    after = breadth_first_order(graph_of(found, give_up=True), state, return_predecessors=False)
    pcs = [values_of(found, task_cell(task, T_PC), after) for task in range(len(found.start.names))]
    return tuple(task for task, pc in enumerate(pcs) if (pc != DONE).all())


def traps(found: Found) -> tuple[Trap | None, Trap | None]:
    """(deadlock, stall) of a search; None where there is none."""
    without = good_states(found, give_up=False) == 0
    if not without.any():
        return None, None
    hopeless = good_states(found, give_up=True) == 0
    stalled = without & ~hopeless
    deadlock = stall = None
    if hopeless.any():
        deadlock = deadlock_of(found, hopeless)
    if stalled.any():
        stall = Trap(innermost(found, without, stalled, False), int(stalled.sum()))
    return deadlock, stall


def deadlock_of(found: Found, hopeless: np.ndarray) -> Trap:
    """The first state from which the end cannot be reached, or where its tasks do not yet wait in a circle or go round
    there, the innermost one. hopeless: bool (n_states,).
    """
    first, n = int(np.argmax(hopeless)), int(hopeless.sum())
    world, stuck = world_of(state_arena(found, first), found), never_over(found, first)
    if not cycle(found, world) and not loops_of(found, world, stuck):
        first = innermost(found, hopeless, hopeless, True)
        stuck = never_over(found, first)
    return Trap(first, n, stuck)
