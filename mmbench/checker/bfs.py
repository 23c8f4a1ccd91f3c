"""Breadth-first search over packed states, compiled: the loop of the checker.

States are kept once, found by a hash and compared in full, so no state is lost to a collision. The order of discovery
is breadth first: the first state with a property broken is at the end of a shortest schedule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mmbench.accelerate import njit, njit_inner, pointer, shifted
from mmbench.checker.expand import (
    GIVE_UP,
    K_N_CELLS,
    K_N_FIELDS,
    K_N_HUGE,
    K_N_WORDS,
    all_done,
    audit,
    choices,
    transition,
)
from mmbench.checker.packing import VIOLATION_BITS, decode, encode_changed
from mmbench.checker.symmetry import canonical
from mmbench.model.world import MM_N_TASKS, MM_VIOLATIONS, World, pointers

# How a stretch of search ends.
COMPLETE, WANTS_STATES, WANTS_EDGES, DOES_NOT_FIT, FOUND, LOOKS_UP = range(6)

# The search's own scalars, int64: then FIRST + bit, the first state that breaks a property, or -1.
P_STATES, P_HEAD, P_EDGES, P_DEPTH, P_LEVEL_END, P_STOP, P_FINAL = range(7)
FIRST = 7
N_PROGRESS = FIRST + VIOLATION_BITS


class Graph(NamedTuple):
    """All that a search has found.

    states: int64 (capacity, n_words); parent: int32 (capacity,); via: uint8, 2 * task + choice of the step
    from the parent; edges: int32, 2 * successor + (1 for a give-up), those of state s in
    [edge_at[s], edge_at[s + 1]); table: int32 (power of two,), hash slots with state or -1
    """

    states: np.ndarray
    parent: np.ndarray
    via: np.ndarray
    edge_at: np.ndarray
    edges: np.ndarray
    table: np.ndarray


class Problem(NamedTuple):
    """What is searched: scratch and constant arrays, all int64 unless said.

    template, fields, huge: see packing.Plan; rows: the program; local: rows that are local steps;
    pairs: interchangeable tasks; knobs: expand's scalars; meter: a scratch meter; elsewhere: uint64
    """

    template: np.ndarray
    fields: np.ndarray
    huge: np.ndarray
    rows: np.ndarray
    local: np.ndarray
    pairs: np.ndarray
    knobs: np.ndarray
    meter: np.ndarray
    elsewhere: np.ndarray


@njit_inner
def hash_of(words: Any, n: int) -> int:
    """A 63-bit hash of n words."""
    h = np.uint64(0x9E3779B97F4A7C15)
    for k in range(n):
        h ^= np.uint64(words[k])
        h *= np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(29)
    h *= np.uint64(0x94D049BB133111EB)
    return np.int64((h ^ (h >> np.uint64(32))) >> np.uint64(1))  # type: ignore[return-value]


@njit_inner
def slot_of(states: Any, table: Any, mask: int, words: Any, n: int) -> int:
    """The slot of a state, or the free slot where it belongs."""
    slot = hash_of(words, n) & mask
    while True:
        known = table[slot]
        if known < 0:
            return slot
        at = known * n
        same = True
        for k in range(n):
            if states[at + k] != words[k]:
                same = False
                break
        if same:
            return slot
        slot = (slot + 1) & mask


@njit
def rehash(states: Any, n_states: int, n_words: int, table: Any) -> None:
    """Fill an empty table with all known states. Mutates: table."""
    s, mask = pointer(states), len(table) - 1
    for k in range(n_states):
        table[slot_of(s, pointer(table), mask, shifted(s, k * n_words), n_words)] = k


@njit_inner
def judge(w: Any, progress: Any, state: int) -> int:
    """Book the properties that a new state breaks and return their bits. Mutates: progress."""
    bits = w.mem[MM_VIOLATIONS]
    if bits == 0 and all_done(w):
        progress[P_FINAL] += 1
        bits = audit(w)
    if bits == 0:
        return 0
    for k in range(VIOLATION_BITS):
        if bits >> k & 1 and progress[FIRST + k] < 0:
            progress[FIRST + k] = state
    return bits


@njit
def explore(problem: Any, graph: Any, mem: Any, scratch: Any, words: Any, progress: Any, n_states: int) -> int:
    """Expand n_states states in order, or until none is left or room runs out; call again, with more room.

    mem, scratch: int64 arenas (template's size); words: int64 (n_words,). A state that breaks a property is kept
    but not expanded. Returns COMPLETE, WANTS_STATES, WANTS_EDGES, DOES_NOT_FIT, FOUND (a property in P_STOP) or
    LOOKS_UP (n_states are expanded: the caller may hear a signal). Mutates: graph, mem, scratch, words, progress.
    """
    rows, local, knobs = pointer(problem.rows), pointer(problem.local), pointer(problem.knobs)
    fields, huge, pairs = pointer(problem.fields), pointer(problem.huge), pointer(problem.pairs)
    template, meter, out = pointer(problem.template), pointer(problem.meter), pointer(words)
    states, table, edges = pointer(graph.states), pointer(graph.table), pointer(graph.edges)
    saved = pointer(mem)
    w = pointers(World(scratch, scratch.view(np.uint64), problem.elsewhere))
    n_words, n_cells, n_fields = knobs[K_N_WORDS], knobs[K_N_CELLS], knobs[K_N_FIELDS]
    n_pairs, n_tasks, mask = len(problem.pairs) // 2, mem[MM_N_TASKS], len(graph.table) - 1
    room = min(len(graph.parent), len(graph.table) // 2) - 2 * n_tasks
    edge_room = len(graph.edges) - 2 * n_tasks
    looks_up_at = progress[P_HEAD] + n_states
    while progress[P_HEAD] < progress[P_STATES]:
        if progress[P_STATES] > room:
            return WANTS_STATES
        if progress[P_EDGES] > edge_room:
            return WANTS_EDGES
        head = progress[P_HEAD]
        if head == looks_up_at:
            return LOOKS_UP
        if head == progress[P_LEVEL_END]:
            progress[P_DEPTH] += 1
            progress[P_LEVEL_END] = progress[P_STATES]
        here = shifted(states, head * n_words)
        decode(here, fields, n_fields, template, n_cells, huge, knobs[K_N_HUGE], saved)
        n_tasks_here = 0 if saved[MM_VIOLATIONS] else n_tasks
        for task in range(n_tasks_here):
            for k in range(n_cells):
                w.mem[k] = saved[k]
            n_choices = choices(w, task, rows)
            for choice in range(n_choices):
                if choice:
                    for k in range(n_cells):
                        w.mem[k] = saved[k]
                transition(w, task, rows, local, choice, knobs, meter)
                if n_pairs:
                    canonical(w, pairs, n_pairs, knobs)
                if not encode_changed(w.mem, saved, here, fields, n_fields, out, n_words):
                    return DOES_NOT_FIT
                slot = slot_of(states, table, mask, out, n_words)
                to = table[slot]
                if to == head:
                    continue
                if to < 0:
                    to = progress[P_STATES]
                    table[slot] = to
                    for k in range(n_words):
                        states[to * n_words + k] = out[k]
                    graph.parent[to] = head
                    graph.via[to] = 2 * task + choice
                    progress[P_STATES] = to + 1
                    if judge(w, progress, to) & progress[P_STOP]:
                        return FOUND
                edges[progress[P_EDGES]] = 2 * to + (1 if n_choices == 2 and choice == GIVE_UP else 0)
                progress[P_EDGES] += 1
        progress[P_HEAD] = head + 1
        graph.edge_at[head + 1] = progress[P_EDGES]
    return COMPLETE


@njit
def mark_ends(problem: Any, graph: Any, mem: Any, n_expanded: int, good: Any) -> None:
    """Mark states without a successor that need none: all tasks done, or a property broken. Mutates: good, mem."""
    fields, huge, knobs = pointer(problem.fields), pointer(problem.huge), pointer(problem.knobs)
    template, states = pointer(problem.template), pointer(graph.states)
    w = pointers(World(mem, mem.view(np.uint64), problem.elsewhere))
    n_words = knobs[K_N_WORDS]
    for s in range(n_expanded):
        if graph.edge_at[s] == graph.edge_at[s + 1]:
            here = shifted(states, s * n_words)
            decode(here, fields, knobs[K_N_FIELDS], template, knobs[K_N_CELLS], huge, knobs[K_N_HUGE], w.mem)
            if w.mem[MM_VIOLATIONS] or all_done(w):
                good[s] = 1


@njit
def spread_back(edge_at: Any, edges: Any, good: Any, n_states: int, give_up: bool) -> bool:
    """Make states good (`good`: uint8) that have a good successor, in one sweep backwards; True when there was one.

    give_up: also along steps in which the reaper gives up. Mutates: good.
    """
    changed = False
    for back in range(n_states):
        s = n_states - 1 - back
        if good[s]:
            continue
        for k in range(edge_at[s], edge_at[s + 1]):
            if (give_up or not edges[k] & 1) and good[edges[k] >> 1]:
                good[s] = 1
                changed = True
                break
    return changed
