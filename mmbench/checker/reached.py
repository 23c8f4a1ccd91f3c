"""Which steps of a design a search never came to: "safe" says nothing of them.

The program counters of the states tell it after the search, at no cost inside it. Local steps, which the reduction
takes with the step before, have no state of their own: they are followed from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inner, pointer, shifted
from mmbench.checker.expand import AGAIN, END, GIVE_UP, K_N_CELLS, K_N_FIELDS, K_N_HUGE, K_N_WORDS, choices, step
from mmbench.checker.packing import decode
from mmbench.checker.search import Found
from mmbench.machine.protocol import Role
from mmbench.machine.status import N_ROW, ROW_ALT, ROW_NEXT, ROW_OP
from mmbench.model.world import DONE, MM_N_TASKS, MM_VIOLATIONS, T_PC, T_PENDING, World, pointers, task_at


@njit_inner
def note(seen: Any, row: int) -> None:
    """A task is at a row, or at its end. Mutates: seen."""
    if row != DONE:
        seen[row] = 1


@njit_inner
def leads_to_news(rows: Any, local: Any, seen: Any, row: int) -> bool:
    """True when a step may go to a local one that nobody has been seen at."""
    if rows[row * N_ROW + ROW_OP] == END:
        return False
    to, other = rows[row * N_ROW + ROW_NEXT], rows[row * N_ROW + ROW_ALT]
    return (local[to] and not seen[to]) or (local[other] and not seen[other])


@njit
def mark_reached(problem: Any, graph: Any, saved: Any, scratch: Any, n_states: int, n_expanded: int, seen: Any) -> None:
    """Mark the rows (`seen`: uint8) that some task is at in some state, or passes between two states.

    saved, scratch: int64 arenas. Mutates: saved, scratch, seen.
    """
    rows, local, knobs = pointer(problem.rows), pointer(problem.local), pointer(problem.knobs)
    fields, huge, meter = pointer(problem.fields), pointer(problem.huge), pointer(problem.meter)
    template, states, mem = pointer(problem.template), pointer(graph.states), pointer(saved)
    w = pointers(World(scratch, scratch.view(np.uint64), problem.elsewhere))
    n_words, n_cells = knobs[K_N_WORDS], knobs[K_N_CELLS]
    for s in range(n_states):
        decode(shifted(states, s * n_words), fields, knobs[K_N_FIELDS], template, n_cells, huge, knobs[K_N_HUGE], mem)
        for task in range(mem[MM_N_TASKS]):
            row = mem[task_at(task) + T_PC]
            note(seen, row)
            idle = row == DONE or mem[task_at(task) + T_PENDING] or mem[MM_VIOLATIONS] or s >= n_expanded
            if idle or not leads_to_news(rows, local, seen, row):
                continue
            for choice in range(AGAIN, GIVE_UP + 1):
                for k in range(n_cells):
                    w.mem[k] = mem[k]
                if choice >= choices(w, task, rows):
                    continue
                step(w, task, rows, choice, knobs, meter)
                at = w.mem[task_at(task) + T_PC]
                while at != DONE and not seen[at]:
                    seen[at] = 1
                    if local[at] and rows[at * N_ROW + ROW_OP] != END:
                        at = rows[at * N_ROW + ROW_NEXT]


def unreached(found: Found, roles: dict[str, Role]) -> tuple[tuple[str, str], ...]:
    """(role, label) of a design's steps that no task of a search was ever at; all of a role that nobody in it has."""
    program, seen = found.start.program, np.zeros(len(found.problem.local), dtype=np.uint8)
    saved, scratch = found.plan.template.copy(), found.plan.template.copy()
    mark_reached(found.problem, found.graph, saved, scratch, found.n_states, found.n_expanded, seen)
    reached = {place for place, row in zip(program.labels, seen, strict=True) if row}
    steps = ((role, s.label) for role, steps in roles.items() for s in steps)
    return tuple(place for place in steps if place not in reached)


def in_words(missed: tuple[tuple[str, str], ...], roles: dict[str, Role]) -> str:
    """The steps of a design that were not reached, role by role; a role of which none was by its name alone."""
    parts = []
    for role, steps in roles.items():
        labels = [label for name, label in missed if name == role]
        if len(labels) == len(steps):
            parts.append(f"{role}: nobody here does it")
        elif labels:
            parts.append(f"{role}: {', '.join(labels)}")
    return "; ".join(parts)
