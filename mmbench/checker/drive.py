"""Drive single steps from Python: replay a path of the graph, or any schedule, in a real world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmbench.accelerate import njit, pointer
from mmbench.checker import bfs
from mmbench.checker.expand import AGAIN, is_local, step
from mmbench.checker.packing import N_FIELD, encode
from mmbench.checker.search import Found
from mmbench.checker.symmetry import canonical
from mmbench.checker.world import arena_with_monitor
from mmbench.errors import CannotError
from mmbench.model.world import World, pointers


@dataclass(frozen=True)
class Move:
    """One step of a schedule: which task, and at a RETRY whether it gives up (1) or not (0)."""

    task: int
    choice: int = AGAIN


@njit
def one_step(world: World, problem: bfs.Problem, task: int, choice: int) -> int:
    """One step with the checker's bookkeeping; returns its status. world: with the monitor cell. Mutates: world."""
    rows, knobs, meter = pointer(problem.rows), pointer(problem.knobs), pointer(problem.meter)
    return step(pointers(world), task, rows, choice, knobs, meter)


@njit
def goes_on_locally(world: World, problem: bfs.Problem, task: int) -> bool:
    """True when the task's next step is a local one."""
    return is_local(pointers(world), task, pointer(problem.local))


@njit
def pack_canonical(world: World, problem: bfs.Problem, words: np.ndarray) -> bool:
    """Pack a world as the search does, sorted by symmetry. Mutates: world, words."""
    w = pointers(world)
    if len(problem.pairs):
        canonical(w, pointer(problem.pairs), len(problem.pairs) // 2, pointer(problem.knobs))
    return encode(w.mem, pointer(problem.fields), len(problem.fields) // N_FIELD, pointer(words), len(words))


def world_of(arena: np.ndarray, found: Found) -> World:
    """See an arena as a world."""
    return World(arena, arena.view(np.uint64), found.start.world.elsewhere)


def initial(found: Found) -> World:
    """The world where the search began, with the monitor cell."""
    return world_of(arena_with_monitor(found.start.world), found)


def packed(world: World, found: Found) -> np.ndarray:
    """The packed canonical form of a world, which is not changed. int64 (n_words,)."""
    words = np.zeros(found.plan.n_words, dtype=np.int64)
    pack_canonical(world_of(world.mem.copy(), found), found.problem, words)
    return words


def states_to(found: Found, state: int) -> list[int]:
    """States on the search tree's path from 0 to `state`, both included."""
    path = [state]
    while path[-1] != 0:
        path.append(int(found.graph.parent[path[-1]]))
    return path[::-1]


def moves_from(world: World, found: Found, task: int, choice: int) -> tuple[World, list[Move]]:
    """The world after one transition of the search's graph, and the single steps it consists of."""
    after = world_of(world.mem.copy(), found)
    one_step(after, found.problem, task, choice)
    moves = [Move(task, choice)]
    while found.reduced and goes_on_locally(after, found.problem, task):
        one_step(after, found.problem, task, AGAIN)
        moves.append(Move(task))
    return after, moves


def schedule_to(found: Found, state: int) -> list[Move]:
    """Single steps that lead from the start to a state found by the search.

    The search may know tasks of one kind by each other's names; here every task keeps its own.
    """
    world = initial(found)
    schedule: list[Move] = []
    n = found.plan.n_words
    for to in states_to(found, state)[1:]:
        wanted = found.graph.states[to * n : (to + 1) * n]
        task, choice = divmod(int(found.graph.via[to]), 2)
        others = [t for pair in found.start.symmetric for t in pair if task in pair and t != task]
        for candidate in [task, *others, *range(len(found.start.names))]:
            after, moves = moves_from(world, found, candidate, choice)
            if np.array_equal(packed(after, found), wanted):
                break
        else:
            raise CannotError("a schedule could not be followed to its end; please report this scope and strategy.")
        world, schedule = after, schedule + moves
    return schedule
