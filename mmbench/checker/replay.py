"""Counterexample files: read back, and their schedule taken again, step by step, in the strategy as it is now."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from mmbench import __version__
from mmbench.checker.counterexample import FORMAT, Counterexample, Row, digest_of, take
from mmbench.checker.drive import Move, initial
from mmbench.checker.expand import all_done, audit, choices
from mmbench.checker.properties import ALL, BY_BIT, DEADLOCK, STALL, OwnProperty, Property
from mmbench.checker.scope import scope_from
from mmbench.checker.search import Found, Limits, search
from mmbench.checker.stall import good_states
from mmbench.checker.waits import cycle, loops_of
from mmbench.checker.world import Start
from mmbench.errors import InputError, short
from mmbench.model.world import MM_VIOLATIONS, World, views
from mmbench.records.files import read_json
from mmbench.strategies.user_file import users_code

TEXTS = ("version", "strategy", "spec", "digest", "property", "claim", "kernel")
LISTS = ("waits", "loops", "tasks")
TYPES = {"int": int, "str": str, "bool": bool, "tuple[str, ...]": list}
KNOWN = {p.name: p for p in ALL}


def texts(path: Path, where: str, value: object) -> tuple[str, ...]:
    """A list of texts from a file. Raises InputError."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{path}: {where} = {short(value)}; it is a list of texts.")
    return tuple(value)


def row_from(path: Path, n: int, data: object) -> Row:
    """Row n (from 1) of a file. Raises InputError."""
    names = [f.name for f in fields(Row)]
    if not isinstance(data, dict) or sorted(data) != sorted(names):
        raise InputError(f"{path}: row {n} is not as this version writes it; it has the keys {', '.join(names)}.")
    for f in fields(Row):
        if type(data[f.name]) is not TYPES[str(f.type)]:
            raise InputError(f"{path}: row {n}, {f.name} = {short(data[f.name])}; it is of type {f.type}.")
    return Row(**{**data, "changed": texts(path, f"row {n}, changed", data["changed"])})


def read(path: Path) -> Counterexample:
    """Read a counterexample file. Raises InputError naming what is wrong with it."""
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{path}: not a counterexample; the key format must be {FORMAT!r}.")
    missing = [key for key in (*TEXTS, *LISTS, "scope", "rows") if key not in data]
    if missing:
        raise InputError(f"{path}: the keys {', '.join(missing)} are missing.")
    for key in TEXTS:
        if not isinstance(data[key], str):
            raise InputError(f"{path}: {key} = {short(data[key])}; it is a text.")
    if not isinstance(data["scope"], dict) or not isinstance(data["rows"], list):
        raise InputError(f"{path}: scope is an object and rows is a list.")
    lists = {key: texts(path, key, data[key]) for key in LISTS}
    scope = scope_from(path, {k: v for k, v in data["scope"].items() if k != "format"})
    rows = tuple(row_from(path, n, row) for n, row in enumerate(data["rows"], 1))
    name = data["property"]
    if name not in KNOWN and name != "own":
        raise InputError(f"{path}: unknown property {short(name)}. Properties: {', '.join(KNOWN)}, own.")
    prop = KNOWN.get(name) or Property(name, data["claim"], data["kernel"])
    return Counterexample(
        data["strategy"], data["digest"], scope, prop, lists["waits"], rows, lists["tasks"], data["spec"],
        lists["loops"], data["version"],
    )  # fmt: skip


def retake(path: Path, c: Counterexample, found: Found) -> tuple[list[Row], World]:
    """Take every row again; the rows and the world at their end. Raises InputError at the first that differs."""
    world, rows = initial(found), []
    for k, old in enumerate(c.rows, 1):
        if not 0 <= old.task < len(found.start.names):
            raise InputError(f"{path}: row {k} names task {old.task}, which is not in the scope.")
        n_choices = choices(world, old.task, found.problem.rows)
        if not n_choices:
            raise InputError(f"{path}: row {k}: task {short(old.name)} is done and has no step left.")
        if not 0 <= old.choice < n_choices:
            raise InputError(f"{path}: row {k}: choice = {old.choice}; this step has {n_choices} (from 0).")
        new = take(found, world, Move(old.task, old.choice))
        if (new.name, new.label, new.blocked) != (old.name, old.label, old.blocked):
            says = f"{short(old.name)} at {short(old.label)}{', blocked' if old.blocked else ''}"
            found_here = f"{new.name!r} at {new.label!r}{', blocked' if new.blocked else ''}"
            raise InputError(f"{path}: row {k} says {says}; it is {found_here}.")
        rows.append(replace(new, changed=old.changed) if new.blocked else new)
    return rows, world


def is_trap(start: Start, world: World, give_up: bool, limits: Limits | None = None) -> bool:
    """True when no schedule leads from a world to the end of every task: searched anew from there."""
    mem = world.mem[:-1].copy()  # without the monitor
    found = search(replace(start, world=World(mem, mem.view(np.uint64), world.elsewhere)), limits)
    return found.complete and not good_states(found, give_up)[0]


def breaks(c: Counterexample, found: Found, world: World, own: OwnProperty | None) -> bool:
    """True when the world at the end of a schedule breaks what the counterexample says."""
    if c.property == DEADLOCK:
        return is_trap(found.start, world, give_up=True)
    if c.property == STALL:
        return is_trap(found.start, world, give_up=False)
    if c.property.name == "own":
        with users_code(f"the property {c.property.claim!r}"):
            return own is None or not own.holds(views(World(world.mem[:-1], world.bits[:-1], world.elsewhere)))
    bits = int(world.mem[MM_VIOLATIONS]) or (audit(world) if all_done(world) else 0)
    return any(bits >> bit & 1 for bit, p in BY_BIT.items() if p == c.property)


def replay(path: Path, c: Counterexample, found: Found, own: OwnProperty | None = None) -> Counterexample:
    """Take a file's schedule step by step in the strategy as it is now. found: any search of the same scope.

    own: the property that a counterexample of one is judged by; without it, its end is not judged.
    Raises InputError when the file is of another version, of another program, or does not end as it says.
    """
    if c.version != __version__:
        raise InputError(f"{path} was written by mmbench {short(c.version)}; this is {__version__}. Check it again.")
    if c.digest != digest_of(found.start):
        raise InputError(f"{path}: strategy {c.strategy!r} has changed since (other steps). Check it again.")
    rows, world = retake(path, c, found)
    if not breaks(c, found, world, own):
        raise InputError(
            f"{path}: the schedule runs, but does not break {c.property.name}. Was the file changed by hand?"
        )
    around = loops_of(found, world, range(len(found.start.names))) if c.loops else []
    waits = tuple(cycle(found, world)) if c.waits else ()
    return replace(c, rows=tuple(rows), waits=waits, loops=tuple(line for line in around if line in c.loops))
