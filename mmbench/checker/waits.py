"""Who waits for whom in one state, as a chain of words that closes into a cycle."""

from __future__ import annotations

from collections.abc import Iterable

from mmbench.checker.drive import one_step, packed, world_of
from mmbench.checker.expand import AGAIN
from mmbench.checker.search import Found
from mmbench.machine.apply import apply_once
from mmbench.machine.ops import BY_CODE, Op
from mmbench.machine.status import BLOCKED, ROW_A, ROW_ALT, ROW_NEXT, ROW_OP
from mmbench.machine.work import new_meter
from mmbench.model.world import (
    DONE,
    MM_EXTRA_FREED,
    MM_FLAGS,
    MM_FREED,
    MMF_OOM_SKIP,
    RW_QUEUE,
    RW_QUEUED,
    RW_READERS,
    RW_WRITER,
    T_NEED,
    T_PAGE_HELD,
    T_PC,
    T_WAIT,
    T_WAIT_PAGE,
    WAIT_MMAP_READ,
    WAIT_MMAP_WRITE,
    WAIT_NONE,
    WAIT_PAGE,
    WAIT_USERS,
    World,
    views,
)

MAX_LOOP = 64  # steps of a loop that is told
MEMORY, MMAP_LOCK, PAGE_LOCK, USERS = "memory", "mmap_lock", "the page lock", "the last mm user"


def blocked_on(found: Found, world: World, task: int) -> tuple[int, int]:
    """(WAIT_*, page) of the task's next step when it blocks, else (0, 0). The world is not changed."""
    trial = world_of(world.mem.copy(), found)
    op = BY_CODE[int(found.start.program.rows[int(views(world).tasks[task][T_PC]), ROW_OP])]
    if not op.spec.blocks or apply_once(trial, task, found.start.program.rows, 1, new_meter()) != BLOCKED:
        return WAIT_NONE, 0
    cells = views(trial).tasks[task]
    return int(cells[T_WAIT]), int(cells[T_WAIT_PAGE])


def lock_holders(found: Found, world: World, task: int) -> list[int]:
    """Who keeps `task` off mmap_lock: the holders, and those queued before it."""
    mem, n = world.mem, len(found.start.names)
    holders = [int(mem[RW_WRITER]) - 1] if mem[RW_WRITER] else []
    holders += [t for t in range(n) if mem[RW_READERS] >> t & 1]
    queued = [int(mem[RW_QUEUE + k]) >> 1 for k in range(int(mem[RW_QUEUED]))]
    return [t for t in holders + queued[: queued.index(task) if task in queued else None] if t != task]


def may_set_skip(found: Found) -> list[int]:
    """Tasks whose role sets MMF_OOM_SKIP."""
    program = found.start.program
    setters = {
        role
        for (role, _), row in zip(program.labels, program.rows, strict=True)
        if row[ROW_OP] == int(Op.SET_FLAG) and row[ROW_A] & MMF_OOM_SKIP
    }
    return [t for t, kind in enumerate(found.start.kinds) if kind in setters]


def waits_of(found: Found, world: World) -> dict[int, tuple[str, list[int]]]:
    """Task -> (what it waits for, who would have to act), for every task that is not done and cannot get on."""
    v, mem = views(world), world.mem
    out: dict[int, tuple[str, list[int]]] = {}
    for task in range(len(found.start.kinds)):
        cells = v.tasks[task]
        if cells[T_PC] == DONE:
            continue
        wait, page = blocked_on(found, world, task)
        if wait == WAIT_PAGE:
            out[task] = PAGE_LOCK, [t for t, c in enumerate(v.tasks) if c[T_PAGE_HELD] == page + 1]
        elif wait in (WAIT_MMAP_READ, WAIT_MMAP_WRITE):
            out[task] = MMAP_LOCK, lock_holders(found, world, task)
        elif wait == WAIT_USERS:
            out[task] = USERS, [t for t, k in enumerate(found.start.kinds) if k != "exit" and k in found.start.kinds]
        elif found.start.needs_memory(task) and mem[MM_FREED] + mem[MM_EXTRA_FREED] < cells[T_NEED]:
            out[task] = MEMORY, may_set_skip(found) if not mem[MM_FLAGS] & MMF_OOM_SKIP else []
        elif lock_holders(found, world, task) and polls_for_lock(found, int(cells[T_PC])):
            out[task] = MMAP_LOCK, lock_holders(found, world, task)
    return out


def polls_for_lock(found: Found, row: int) -> bool:
    """True for a row from which its role comes to a mmap_read_trylock, however long it sleeps before."""
    rows = found.start.program.rows
    seen, todo = set(), [row]
    while todo:
        k = todo.pop()
        spec = BY_CODE[int(rows[k, ROW_OP])].spec
        if spec.takes and spec.branches:
            return True
        if k not in seen and not spec.ends and not spec.walks:
            seen.add(k)
            todo += [int(rows[k, ROW_NEXT])] + ([int(rows[k, ROW_ALT])] if spec.branches else [])
    return False


def phrase(name: str, what: str) -> str:
    """One link of the chain."""
    if what == MEMORY:
        return f"{name} waits for memory -> the killer waits for MMF_OOM_SKIP"
    return f"{name} waits for {what}"


def cycle(found: Found, world: World) -> list[str]:
    """The links of a cycle of waiting tasks, the last one waiting for the first; empty when there is none."""
    waits = waits_of(found, world)
    for first in sorted(waits, key=lambda t: waits[t][0] != MEMORY):
        chain = follow(waits, [first])
        if chain:
            return [phrase(found.start.names[t], waits[t][0]) for t in chain]
    return []


def follow(waits: dict[int, tuple[str, list[int]]], chain: list[int]) -> list[int]:
    """Extend a chain until it closes at its first task; [] when it does not."""
    for to in waits[chain[-1]][1]:
        if to == chain[0]:
            return chain
        if to in waits and to not in chain:
            closed = follow(waits, [*chain, to])
            if closed:
                return closed
    return []


def loop_of(found: Found, world: World, task: int) -> list[str]:
    """The labels that a task goes round when nobody else moves, first label last again; [] when it does not."""
    trial = world_of(world.mem.copy(), found)
    seen: dict[bytes, int] = {}
    rows: list[int] = []
    for n in range(MAX_LOOP):
        place, row = packed(trial, found).tobytes(), int(views(trial).tasks[task][T_PC])
        if place in seen:
            around = rows[seen[place] :]
            first = around.index(min(around))  # however far round it is, the loop is told from the same step on
            labels = [found.start.program.labels[k][1] for k in around[first:] + around[:first]]
            return [*labels, labels[0]]
        seen[place] = n
        rows.append(row)
        if row == DONE or one_step(trial, found.problem, task, AGAIN) == BLOCKED:
            break
    return []


def loops_of(found: Found, world: World, tasks: Iterable[int]) -> list[str]:
    """A line for each of `tasks` that goes round for ever. The world is not changed."""
    around = {task: loop_of(found, world, task) for task in tasks}
    return [
        f"{found.start.names[task]} goes round for ever: {' -> '.join(loop)}" for task, loop in around.items() if loop
    ]


def cycle_text(links: list[str], first: str) -> str:
    """One line: a -> b -> ... -> a."""
    return " -> ".join([*links, first]) if links else "no cycle: somebody waits for what nobody will do"
