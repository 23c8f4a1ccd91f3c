"""Counterexamples: a schedule that breaks a property or ends in a trap, as rows of a table and as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mmbench import __version__
from mmbench.checker.changes import changes
from mmbench.checker.drive import Move, initial, one_step, schedule_to, world_of
from mmbench.checker.expand import RETRY
from mmbench.checker.properties import Property
from mmbench.checker.scope import Scope, scope_json
from mmbench.checker.search import Found
from mmbench.checker.stall import Trap
from mmbench.checker.waits import cycle, loops_of
from mmbench.checker.world import Start
from mmbench.machine.ops import BY_CODE, NUMBER
from mmbench.machine.status import BLOCKED, ROW_ALT, ROW_OP
from mmbench.model.world import DONE, T_PC, T_PENDING, World, views
from mmbench.records.checked_types import ScheduleFile

FORMAT = "mmbench-counterexample 1"
MAX_ROUND = 16


@dataclass(frozen=True)
class Row:
    """One step: task id and name, label, what the op means, whether it blocked, what changed, and the choice taken."""

    task: int
    name: str
    label: str
    meaning: str
    blocked: bool
    changed: tuple[str, ...]
    choice: int


@dataclass(frozen=True)
class Counterexample:
    """A schedule from the start of a scope to a broken property or a trap.

    spec: how to load the strategy again; digest: of its rows; waits: the links of the cycle of a stall or deadlock;
    loops: a line for each task that goes round for ever
    """

    strategy: str
    digest: str
    scope: Scope
    property: Property
    waits: tuple[str, ...]
    rows: tuple[Row, ...]
    names: tuple[str, ...]
    spec: str
    loops: tuple[str, ...] = ()
    version: str = __version__


def digest_of(start: Start) -> str:
    """Hash of the program that the tasks of a check run: labels and rows."""
    rows = start.program.rows.copy()
    rows[:, ROW_OP] &= NUMBER  # without traits, which may be told apart better one day
    data = repr(start.program.labels).encode() + rows.tobytes()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def take(found: Found, world: World, move: Move) -> Row:
    """Let one task take one step and describe it. Mutates: world."""
    start, task = found.start, move.task
    before = world_of(world.mem.copy(), found)
    cells = views(world).tasks[task]
    pending, row = bool(cells[T_PENDING]), int(cells[T_PC])
    status = one_step(world, found.problem, task, move.choice)
    changed = changes(before, world, task, start.names)
    if pending:
        label, meaning = "(flush ends)", "the pages of a flush are given back to the allocator"
    else:
        op = BY_CODE[int(start.program.rows[row, ROW_OP])]
        label, meaning = start.program.labels[row][1], op.spec.meaning
        if int(op) == RETRY:
            meaning += ": gives up" if move.choice else ": tries again"
        if op.spec.branches and views(world).tasks[task][T_PC] == start.program.rows[row, ROW_ALT]:
            changed.append(f"no: goes to {start.program.labels[int(views(world).tasks[task][T_PC])][1]!r}")
    return Row(
        task,
        start.names[task],
        label,
        meaning,
        status == BLOCKED,
        tuple(changed),
        move.choice,
    )


def follow(found: Found, schedule: list[Move]) -> tuple[list[Row], World]:
    """Rows of a schedule and the world at its end."""
    world, rows = initial(found), []
    for move in schedule:
        rows.append(take(found, world, move))
    return rows, world


def add_waiting(found: Found, world: World, rows: list[Row], tasks: Iterable[int]) -> list[Row]:
    """At a trap, what some tasks do from here on for ever: the step one blocks in, or one round of its loop.

    Mutates: world, which stays inside the trap.
    """
    out = list(rows)
    for task in tasks:
        first = int(views(world).tasks[task][T_PC])
        for _ in range(MAX_ROUND):
            if views(world).tasks[task][T_PC] == DONE:
                break
            row = take(found, world, Move(task))
            out.append(replace(row, changed=("waits for ever",)) if row.blocked else row)
            if row.blocked or views(world).tasks[task][T_PC] == first:
                break
    return out


def counterexample(name: str, found: Found, state: int, prop: Property, *, spec: str = "") -> Counterexample:
    """The schedule to a state of the search in which a property is broken."""
    rows, _ = follow(found, schedule_to(found, state))
    start = found.start
    return Counterexample(name, digest_of(start), start.scope, prop, (), tuple(rows), start.names, spec or name)


def trapped(name: str, found: Found, trap: Trap, prop: Property, *, spec: str = "") -> Counterexample:
    """The schedule into a trap, and who waits for whom or goes round there."""
    rows, world = follow(found, schedule_to(found, trap.state))
    start, waits, loops = found.start, cycle(found, world), loops_of(found, world, trap.stuck)
    rows = add_waiting(found, world, rows, range(len(start.names)) if waits else trap.stuck)
    return Counterexample(
        name, digest_of(start), start.scope, prop, tuple(waits), tuple(rows), start.names, spec or name, tuple(loops)
    )


def to_json(c: Counterexample) -> ScheduleFile:
    """A counterexample as a file holds it."""
    return {
        "format": FORMAT,
        "version": c.version,
        "strategy": c.strategy,
        "spec": c.spec,
        "digest": c.digest,
        "scope": scope_json(c.scope),
        "property": c.property.name,
        "claim": c.property.claim,
        "kernel": c.property.kernel,
        "waits": list(c.waits),
        "loops": list(c.loops),
        "tasks": list(c.names),
        "rows": [
            {
                "task": row.task,
                "name": row.name,
                "label": row.label,
                "meaning": row.meaning,
                "blocked": row.blocked,
                "changed": list(row.changed),
                "choice": row.choice,
            }
            for row in c.rows
        ],
    }
