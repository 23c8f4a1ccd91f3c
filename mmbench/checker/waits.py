"""Who waits for whom in one state, as a chain of words that closes into a cycle."""

from __future__ import annotations

from mmbench.checker.drive import one_step, world_of
from mmbench.checker.expand import AGAIN
from mmbench.checker.search import Found
from mmbench.machine.ops import Op
from mmbench.machine.status import BLOCKED, ROW_A, ROW_OP
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
    T_LOCK_PAGE,
    T_NEED,
    T_PAGE,
    T_PAGE_HELD,
    T_PC,
    WAIT_MMAP_READ,
    WAIT_MMAP_WRITE,
    WAIT_NONE,
    WAIT_PAGE,
    WAIT_USERS,
    World,
    views,
)

# What an op waits for when it blocks.
CAUSES = {
    int(Op.MMAP_READ_LOCK): WAIT_MMAP_READ,
    int(Op.MMAP_WRITE_LOCK): WAIT_MMAP_WRITE,
    int(Op.LOCK_PAGE): WAIT_PAGE,
    int(Op.UNLOCK_RANGE): WAIT_PAGE,
    int(Op.WAIT_LAST_USER): WAIT_USERS,
}
MEMORY, MMAP_LOCK, PAGE_LOCK, USERS = "memory", "mmap_lock", "the page lock", "the last mm user"


def blocked_on(found: Found, world: World, task: int) -> tuple[int, int]:
    """(WAIT_*, page) of the task's next step when it blocks, else (0, 0). The world is not changed."""
    trial = world_of(world.mem.copy(), found)
    cells = views(world).tasks[task]
    op = int(found.start.program.rows[int(cells[T_PC]), ROW_OP])
    if op not in CAUSES or one_step(trial, found.problem, task, AGAIN) != BLOCKED:
        return WAIT_NONE, 0
    return CAUSES[op], int(cells[T_LOCK_PAGE if op == int(Op.LOCK_PAGE) else T_PAGE])


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
    for task, kind in enumerate(found.start.kinds):
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
        elif kind in ("holder", "allocator") and mem[MM_FREED] + mem[MM_EXTRA_FREED] < cells[T_NEED]:
            out[task] = MEMORY, may_set_skip(found) if not mem[MM_FLAGS] & MMF_OOM_SKIP else []
        elif lock_holders(found, world, task) and polls_for_lock(found, int(cells[T_PC])):
            out[task] = MMAP_LOCK, lock_holders(found, world, task)
    return out


def polls_for_lock(found: Found, row: int) -> bool:
    """True for the rows of a role that tries mmap_read_trylock over and over, outside the pass itself."""
    rows = found.start.program.rows
    role = found.start.program.labels[row][0]
    own = [k for k, (name, _) in enumerate(found.start.program.labels) if name == role]
    tries = [k for k in own if rows[k, ROW_OP] == int(Op.MMAP_READ_TRYLOCK)]
    return bool(tries) and rows[row, ROW_OP] in (
        int(Op.SLEEP),
        int(Op.UNLESS_FLAG),
        int(Op.MMAP_READ_TRYLOCK),
        int(Op.RETRY_SLEEP),
        int(Op.RETRY),
        int(Op.GOTO),
    )


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


def cycle_text(links: list[str], first: str) -> str:
    """One line: a -> b -> ... -> a."""
    return " -> ".join([*links, first]) if links else "no cycle: somebody waits for what nobody will do"
