"""Counterexamples: a schedule that breaks a property, as rows of a table, as JSON, and read back for a replay."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmbench import __version__
from mmbench.checker.changes import changes
from mmbench.checker.drive import Move, initial, one_step, schedule_to, world_of
from mmbench.checker.expand import RETRY, all_done, audit, choices
from mmbench.checker.properties import Property
from mmbench.checker.scope import Scope, scope_from, scope_json
from mmbench.checker.search import Found
from mmbench.checker.waits import cycle
from mmbench.checker.world import Start
from mmbench.errors import InputError
from mmbench.machine.ops import BY_CODE, NUMBER
from mmbench.machine.status import BLOCKED, ROW_ALT, ROW_OP
from mmbench.model.world import DONE, MM_VIOLATIONS, T_PC, T_PENDING, World, views

FORMAT = "mmbench-counterexample 1"
MAX_ROUND = 8
KEYS = ("format", "version", "strategy", "spec", "digest", "scope", "property", "claim", "kernel", "waits", "rows")


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

    spec: how to load the strategy again; digest: of its rows; waits: the links of the cycle of a stall or deadlock
    """

    strategy: str
    digest: str
    scope: Scope
    property: Property
    waits: tuple[str, ...]
    rows: tuple[Row, ...]
    names: tuple[str, ...]
    spec: str
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


def add_waiting(found: Found, world: World, rows: list[Row]) -> list[Row]:
    """At a trap, what every task does from here on for ever: the step it blocks in, or one round of its polling.

    Mutates: world, which stays inside the trap.
    """
    out = list(rows)
    for task in range(len(found.start.names)):
        first = int(views(world).tasks[task][T_PC])
        for _ in range(MAX_ROUND):
            if views(world).tasks[task][T_PC] == DONE:
                break
            row = take(found, world, Move(task))
            out.append(replace(row, changed=("waits for ever",)) if row.blocked else row)
            if row.blocked or views(world).tasks[task][T_PC] == first:
                break
    return out


def counterexample(
    name: str, found: Found, state: int, prop: Property, *, trapped: bool, spec: str = ""
) -> Counterexample:
    """The schedule to a state of the search. trapped: the state is one that nobody gets out of."""
    rows, world = follow(found, schedule_to(found, state))
    waits = cycle(found, world) if trapped else []
    rows = add_waiting(found, world, rows) if trapped else rows
    start = found.start
    return Counterexample(
        name, digest_of(start), start.scope, prop, tuple(waits), tuple(rows), start.names, spec or name
    )


def to_json(c: Counterexample) -> dict[str, Any]:
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
        "tasks": list(c.names),
        "rows": [asdict(row) for row in c.rows],
    }


def read(path: Path) -> Counterexample:
    """Read a counterexample file. Raises InputError naming what is wrong with it."""
    try:
        data = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a readable counterexample file: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{path}: not a counterexample; the key format must be {FORMAT!r}.")
    missing = [key for key in KEYS if key not in data]
    if missing:
        raise InputError(f"{path}: the keys {', '.join(missing)} are missing.")
    scope_data = data["scope"]
    if not isinstance(scope_data, dict):
        raise InputError(f"{path}: scope is not an object.")
    scope = scope_from(path, {k: v for k, v in scope_data.items() if k != "format"})
    try:
        rows = tuple(Row(**{**row, "changed": tuple(row["changed"])}) for row in data["rows"])
        names = tuple(data["tasks"])
    except (TypeError, KeyError) as error:
        raise InputError(f"{path}: a row is not as this version writes it: {error}.") from error
    prop = Property(data["property"], data["claim"], data["kernel"])
    return Counterexample(
        data["strategy"],
        data["digest"],
        scope,
        prop,
        tuple(data["waits"]),
        rows,
        names,
        data["spec"],
        data["version"],
    )


def replay(path: Path, c: Counterexample, found: Found) -> Counterexample:
    """Take a file's schedule step by step in the strategy as it is now. found: any search of the same scope.

    Raises InputError when the file is of another version, of another program, or does not end as it says.
    """
    if c.version != __version__:
        raise InputError(f"{path} was written by mmbench {c.version}; this is {__version__}. Check the strategy again.")
    if c.digest != digest_of(found.start):
        raise InputError(f"{path}: strategy {c.strategy!r} has changed since (other steps). Check it again.")
    world, rows = initial(found), []
    for k, old in enumerate(c.rows):
        if not isinstance(old.task, int) or not 0 <= old.task < len(found.start.names):
            raise InputError(f"{path}: row {k + 1} names task {old.task!r}, which is not in the scope.")
        if not choices(world, old.task, found.problem.rows):
            raise InputError(f"{path}: row {k + 1}: task {old.name!r} is done and has no step left.")
        new = take(found, world, Move(old.task, old.choice))
        if new.label != old.label:
            raise InputError(f"{path}: row {k + 1} says {old.label!r}, but the task is at {new.label!r}.")
        rows.append(replace(new, changed=old.changed) if new.blocked else new)
    bits = int(world.mem[MM_VIOLATIONS]) or (audit(world) if all_done(world) else 0)
    links = cycle(found, world) if c.waits else []
    if not bits and not links and c.property.name != "own":
        raise InputError(f"{path}: the schedule runs, but breaks nothing. The file was changed by hand?")
    return replace(c, rows=tuple(rows), waits=tuple(links))
