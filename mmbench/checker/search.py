"""Search: explore everything a scope allows, within bounds on states and memory, and say how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from mmbench.checker import bfs
from mmbench.checker.expand import (
    K_LATE,
    K_N_CELLS,
    K_N_FIELDS,
    K_N_HUGE,
    K_N_WORDS,
    K_OOM_REAPERS,
    K_OWNERS,
    K_REAPABLE,
    K_REAPERS,
    K_REDUCE,
    K_RESIDENT,
    N_KNOBS,
    local_rows,
)
from mmbench.checker.packing import F_BITS, F_CELL, F_OFFSET, F_POS, F_WORD, Plan, decode, encode, plan_of
from mmbench.checker.world import Start, arena_with_monitor, reapable, row_mask
from mmbench.errors import CannotError, InputError
from mmbench.machine.work import new_meter
from mmbench.model.world import N_TASK, TASKS_AT, World
from mmbench.words import REAPERS

MAX_STATES = 10_000_000
MAX_BYTES = 2 << 30
FIRST_STATES = 1 << 16
GROWTH = 4
STATES_BETWEEN_LOOKS = 1 << 17  # a fraction of a second: then Ctrl-C is heard, and the time limit
INDEX_LIMIT = 1 << 29  # an edge keeps twice the index in an int32


@dataclass(frozen=True)
class Limits:
    """Bounds of one search: states kept, bytes of memory, seconds (0: no limit); `cancelled` ends those of a thread."""

    max_states: int = MAX_STATES
    max_bytes: int = MAX_BYTES
    max_seconds: float = 0.0
    cancelled: Event = field(default_factory=Event, compare=False)


@dataclass
class Found:
    """What a search found.

    stop: "" when every reachable state was explored, else why it ended early
    n_expanded: states whose successors are all known; first: property bit -> first state that breaks it
    """

    start: Start
    plan: Plan
    problem: bfs.Problem
    graph: bfs.Graph
    n_states: int
    n_expanded: int
    n_transitions: int
    depth: int
    n_final: int
    seconds: float
    stop: str
    first: dict[int, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.stop

    @property
    def reduced(self) -> bool:
        return bool(self.problem.knobs[K_REDUCE])


def make_problem(start: Start, plan: Plan, reduce: bool) -> bfs.Problem:
    """The constant arrays of a search. reduce: take local steps with the step before, and symmetric tasks as one."""
    knobs = np.zeros(N_KNOBS, dtype=np.int64)
    knobs[K_LATE] = len(start.world.mem)
    knobs[K_RESIDENT] = start.resident_pages
    knobs[K_REAPERS] = row_mask(start, REAPERS)
    knobs[K_OOM_REAPERS] = row_mask(start, ("reaper",))
    knobs[K_OWNERS] = sum(1 << task for task in start.owners)
    knobs[K_REAPABLE] = reapable(start)
    knobs[K_N_FIELDS], knobs[K_N_WORDS] = len(plan.fields), plan.n_words
    knobs[K_N_CELLS], knobs[K_N_HUGE] = len(plan.template), len(plan.huge)
    knobs[K_REDUCE] = int(reduce)
    pairs = np.array(start.symmetric if reduce else [], dtype=np.int64).reshape(-1)
    rows = np.ascontiguousarray(start.program.rows.reshape(-1))
    return bfs.Problem(
        plan.template,
        np.ascontiguousarray(plan.fields.reshape(-1)),
        plan.huge,
        rows,
        local_rows(start.program.rows),
        pairs,
        knobs,
        new_meter(),
        start.world.elsewhere,
    )


def bytes_of(n_states: int, n_edges: int, n_words: int) -> int:
    """Memory of a graph with room for so many states and edges."""
    return n_states * (8 * n_words + 4 + 1 + 8 + 16) + 4 * n_edges


def empty_graph(n_states: int, n_edges: int, n_words: int) -> bfs.Graph:
    """A graph with room for n_states states (a power of two)."""
    return bfs.Graph(
        np.zeros(n_states * n_words, dtype=np.int64),
        np.full(n_states, -1, dtype=np.int32),
        np.zeros(n_states, dtype=np.uint8),
        np.zeros(n_states + 1, dtype=np.int64),
        np.zeros(n_edges, dtype=np.int32),
        np.full(2 * n_states, -1, dtype=np.int32),
    )


def with_more_states(graph: bfs.Graph, n_used: int, n_states: int, n_words: int) -> bfs.Graph:
    """The same graph with room for n_states states."""
    bigger = empty_graph(n_states, 0, n_words)
    bigger.states[: n_used * n_words] = graph.states[: n_used * n_words]
    bigger.parent[:n_used] = graph.parent[:n_used]
    bigger.via[:n_used] = graph.via[:n_used]
    bigger.edge_at[: n_used + 1] = graph.edge_at[: n_used + 1]
    bfs.rehash(bigger.states, n_used, n_words, bigger.table)
    return bigger._replace(edges=graph.edges)


def put_first(problem: bfs.Problem, graph: bfs.Graph, arena: np.ndarray, n_words: int) -> None:
    """Make the arena state 0. Mutates: graph."""
    words = np.zeros(n_words, dtype=np.int64)
    if not encode(arena, problem.fields, len(problem.fields) // 7, words, n_words):
        raise CannotError("the initial state does not fit its fields; please report this scope.")
    graph.states[:n_words] = words
    bfs.rehash(graph.states, 1, n_words, graph.table)


def beginning(start: Start, reduce: bool) -> tuple[Plan, bfs.Problem, bfs.Graph, np.ndarray]:
    """A search before its first step: state 0 is known."""
    plan = plan_of(start)
    problem, graph = make_problem(start, plan, reduce), empty_graph(FIRST_STATES, 4 * FIRST_STATES, plan.n_words)
    put_first(problem, graph, arena_with_monitor(start.world), plan.n_words)
    progress = np.zeros(bfs.N_PROGRESS, dtype=np.int64)
    progress[bfs.FIRST :] = -1
    progress[bfs.P_STATES], progress[bfs.P_LEVEL_END] = 1, 1
    return plan, problem, graph, progress


def unsearched(start: Start, *, reduce: bool = True) -> Found:
    """The world, the program and the packing of a search that has not begun: enough to take single steps."""
    return found_of(start, *beginning(start, reduce), 0.0, "not searched")


def search(start: Start, limits: Limits | None = None, *, reduce: bool = True, stop_at: int = 0) -> Found:
    """Explore all interleavings from `start`, breadth first.

    reduce: use the reductions; stop_at: property bits whose first violation ends the search.
    Raises InputError when a value outgrows its field (a design that counts without bound).
    """
    limits = limits or Limits()
    plan, problem, graph, progress = beginning(start, reduce)
    n_words, arena = plan.n_words, arena_with_monitor(start.world)
    scratch = arena.copy()
    progress[bfs.P_STOP] = stop_at
    words = np.zeros(n_words, dtype=np.int64)
    nothing = np.zeros_like(progress)
    bfs.explore(problem, graph, arena, scratch, words, nothing, 1)  # compiles, so that the seconds are the search's
    began = time.perf_counter()
    stop = ""
    while True:
        code = bfs.explore(problem, graph, arena, scratch, words, progress, STATES_BETWEEN_LOOKS)
        if code == bfs.DOES_NOT_FIT:
            raise InputError(
                "a counter outgrew its field: some task counts (references, gathers or kills) without bound. "
                "Look for a loop in the strategy that never undoes what it does."
            )
        if code in (bfs.COMPLETE, bfs.FOUND):
            stop = "" if code == bfs.COMPLETE else "a property is broken"
            break
        graph, stop = make_room(graph, code, progress, n_words, limits, time.perf_counter() - began)
        if stop:
            break
    return found_of(start, plan, problem, graph, progress, time.perf_counter() - began, stop)


def make_room(
    graph: bfs.Graph, code: int, progress: np.ndarray, n_words: int, limits: Limits, seconds: float
) -> tuple[bfs.Graph, str]:
    """A graph with more room and "", or the same graph and why there is no more."""
    n_used, n_states, n_edges = int(progress[bfs.P_STATES]), len(graph.parent), len(graph.edges)
    if limits.max_seconds and seconds > limits.max_seconds:
        return graph, f"incomplete: {n_used:,} states after {seconds:.0f} s"
    if limits.cancelled.is_set():
        return graph, "cancelled"
    if code == bfs.LOOKS_UP:
        return graph, ""
    if n_used >= limits.max_states or n_used > INDEX_LIMIT:
        return graph, f"incomplete: {n_used:,} states"
    if code == bfs.WANTS_STATES:
        n_states *= 2
    else:
        n_edges *= 2
    if bytes_of(n_states, n_edges, n_words) > limits.max_bytes:
        return graph, f"incomplete: {n_used:,} states in {limits.max_bytes >> 20} MiB"
    if code == bfs.WANTS_STATES:
        return with_more_states(graph, n_used, n_states, n_words), ""
    edges = np.zeros(n_edges, dtype=np.int32)
    edges[: len(graph.edges)] = graph.edges
    return graph._replace(edges=edges), ""


def found_of(
    start: Start,
    plan: Plan,
    problem: bfs.Problem,
    graph: bfs.Graph,
    progress: np.ndarray,
    seconds: float,
    stop: str,
) -> Found:
    """The outcome from the search's scalars."""
    first = {k: int(s) for k, s in enumerate(progress[bfs.FIRST :]) if s >= 0}
    return Found(
        start,
        plan,
        problem,
        graph,
        int(progress[bfs.P_STATES]),
        int(progress[bfs.P_HEAD]),
        int(progress[bfs.P_EDGES]),
        int(progress[bfs.P_DEPTH]),
        int(progress[bfs.P_FINAL]),
        seconds,
        stop,
        first,
    )


def task_cell(task: int, cell: int) -> int:
    """Where a cell of a task's row lies in the arena."""
    return int(TASKS_AT + task * N_TASK + cell)


def values_of(found: Found, cell: int, states: np.ndarray | slice) -> np.ndarray:
    """The value of a cell that is packed whole, in many states at once. int64 (n,)."""
    (field,) = found.plan.fields[found.plan.fields[:, F_CELL] == cell]
    packed = found.graph.states[: found.n_states * found.plan.n_words].reshape(found.n_states, -1)
    return ((packed[states, field[F_WORD]] >> field[F_POS]) & ((1 << field[F_BITS]) - 1)) - field[F_OFFSET]


def state_arena(found: Found, state: int) -> np.ndarray:
    """The arena of a state (with the checker's monitor cell at its end). int64."""
    n_words = found.plan.n_words
    mem = found.plan.template.copy()
    packed = found.graph.states[state * n_words : (state + 1) * n_words]
    p = found.problem
    decode(packed, p.fields, len(p.fields) // 7, p.template, len(p.template), p.huge, len(p.huge), mem)
    return mem


def state_world(found: Found, state: int) -> World:
    """A model world in the given state (registers that packing leaves out are as at the start)."""
    mem = state_arena(found, state)
    return World(mem, mem.view(np.uint64), found.start.world.elsewhere)
