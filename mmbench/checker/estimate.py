"""How many states a check may have, before it is run: the product of what each task does when it is alone."""

from __future__ import annotations

import numpy as np

from mmbench.checker.bfs import Problem
from mmbench.checker.drive import one_step
from mmbench.checker.expand import AGAIN
from mmbench.checker.packing import plan_of
from mmbench.checker.search import Limits, bytes_of, make_problem
from mmbench.checker.world import Start, arena_with_monitor
from mmbench.errors import InputError
from mmbench.machine.status import BLOCKED
from mmbench.model.world import DONE, T_PAGE, T_PAGEVEC, T_PC, T_PENDING, T_SUB, T_VMA, World, views

MAX_ALONE = 20_000
FAR_TOO_MANY = 10  # times the limit


def steps_alone(start: Start, problem: Problem, task: int) -> int:
    """Different places that a task passes when nobody else moves."""
    mem = arena_with_monitor(start.world)
    world = World(mem, mem.view(np.uint64), start.world.elsewhere)
    seen: set[tuple[int, ...]] = set()
    for _ in range(MAX_ALONE):
        cells = views(world).tasks[task]
        place = tuple(int(cells[k]) for k in (T_PC, T_SUB, T_VMA, T_PAGE, T_PAGEVEC, T_PENDING))
        if place in seen or cells[T_PC] == DONE:
            break
        seen.add(place)
        if one_step(world, problem, task, AGAIN) == BLOCKED:
            break
    return max(len(seen), 1)


def estimate(start: Start) -> int:
    """About how many states a search will find. Locks keep tasks apart, so it is often fewer; it has no proof."""
    n, problem = 1, make_problem(start, plan_of(start), reduce=True)
    for task in range(len(start.names)):
        n *= steps_alone(start, problem, task)
    return n


def refuse_if_hopeless(start: Start, limits: Limits) -> int:
    """Return the estimate, or raise InputError when it is far beyond the limits."""
    n = estimate(start)
    if n > FAR_TOO_MANY * limits.max_states:
        size = bytes_of(n, 4 * n, plan_of(start).n_words)
        raise InputError(
            f"scope {start.scope.name!r}: about {n:.1e} states ({size / 2**30:.1e} GiB) are to be expected, and the "
            f"limit is {limits.max_states:,}. Take tasks or pages away, or search a part of it with --anyway."
        )
    return n
