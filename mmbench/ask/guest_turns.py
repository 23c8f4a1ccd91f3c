"""A saved schedule as turns that a booted kernel can be made to take: who goes on, and where it stands then.

A guest stops a task between two rows of its program, and inside a munlock that waits for a page lock; nowhere else. A
turn that ends within another walk is rounded: before the walk when the task goes on later, otherwise to its end. What
the kernel's own code does around a program (the reaper's attempts, the killer, allocations) is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mmbench.ask.timed_replay import retaken
from mmbench.checker.counterexample import Counterexample, take
from mmbench.checker.drive import Move, initial
from mmbench.checker.search import Found, unsearched
from mmbench.checker.world import start_of
from mmbench.errors import InputError
from mmbench.lab.designs import DONE_BEFORE, DesignItem, passes, schedule
from mmbench.lab.program import OLD_MUNLOCK_OPS, REAP_OPS, ROLES, Program
from mmbench.model.world import DONE, T_PC, views
from mmbench.strategies.load import Loaded, load
from mmbench.validation.design_rows import plain_rows

if TYPE_CHECKING:
    from mmbench.records.lab_types import Turn

THROUGH = -1  # to the end of its program
WALKS = OLD_MUNLOCK_OPS | REAP_OPS | {"UNMAP_VMAS", "FREE_PGTABLES"}


@dataclass(frozen=True)
class Stretch:
    """Steps that one role takes while no other role of the guest does: from row to row of the lab's program.

    inside: its last step left it within a walk; blocked: and asleep there; reaps: it comes to a reap pass some time
    """

    role: str
    end: int
    inside: bool
    blocked: bool
    reaps: bool


class Asked(NamedTuple):
    """Schedules as experiments, the programs that they need, and file -> why it is none of them."""

    items: list[DesignItem]
    programs: list[Program]
    refused: dict[str, str]


def items_of(paths: Sequence[Path], specs: Sequence[str]) -> Asked:
    """Take every file's schedule again and turn it into an experiment.

    Raises InputError for a file that holds none, for another design than its own or the one named, where nothing breaks
    any more, and for a single one that no guest can take.
    """
    programs: dict[str, Program] = {}
    asked = Asked([], [], {})
    for path in paths:
        again = retaken(path, specs).schedule
        design = load(specs[0] if specs else again.spec)
        program = programs.setdefault(design.name, Program.from_plain(plain_rows(design)))
        try:
            turns = turns_of(path, again, design, program)
        except InputError as error:
            if len(paths) == 1:
                raise
            asked.refused[path.name] = str(error)
        else:
            asked.items.append(schedule(program, turns, f"{again.property.name} in {again.scope.name}"))
    asked.programs.extend(programs.values())
    return asked


def turns_of(path: Path, taken: Counterexample, design: Loaded, program: Program) -> list[Turn]:
    """The turns of a schedule under the design that it is of.

    Raises InputError where the guest has no such task: a second caller, or an exit that other tasks run.
    """
    found = unsearched(start_of(taken.scope, design.roles))
    met = merged(stretches(path, taken, found, program))
    turns = [turn for k, one in enumerate(met) if (turn := turn_of(one, met[k + 1 :], program)) is not None]
    if not turns:
        raise InputError(f"{path}: exit, reaper and mrelease take no step that a guest could be made to take.")
    return turns


def stretches(path: Path, taken: Counterexample, found: Found, program: Program) -> list[Stretch]:
    """Every step of exit, reaper and mrelease, each as a stretch of its own."""
    world, start, steps = initial(found), found.start, list[tuple[int, int, int, bool]]()
    for row in taken.rows:
        before = int(views(world).tasks[row.task][T_PC])
        take(found, world, Move(row.task, row.choice))
        steps.append((row.task, before, int(views(world).tasks[row.task][T_PC]), row.blocked))
    labels = start.program.labels
    out = []
    for task, before, after, blocked in steps:
        role = start.kinds[task]
        if role not in ROLES:
            continue
        if start.kinds.count(role) > 1:
            raise InputError(
                f"{path}: the scope has {start.kinds.count(role)} tasks {role!r}; a guest has one of each."
            )
        at = lab_row(path, program, role, labels, before)
        end = THROUGH if after == DONE else lab_row(path, program, role, labels, after)
        end = THROUGH if program.rows[end].op == "END" else end
        reaps = any(t == task and program_op(program, path, role, labels, b) in REAP_OPS for t, b, _, _ in steps)
        out.append(Stretch(role, end, at == end and program.rows[at].op in WALKS, blocked, reaps))
    return out


def program_op(program: Program, path: Path, role: str, labels: Sequence[tuple[str, str]], pc: int) -> str:
    """The op at a row of the checker's program."""
    return program.rows[lab_row(path, program, role, labels, pc)].op


def lab_row(path: Path, program: Program, role: str, labels: Sequence[tuple[str, str]], pc: int) -> int:
    """The row of the lab's program for one of the checker's: the same number from the end of the role, and label."""
    owner, label = labels[pc]
    rows = [n for n, (one, _) in enumerate(labels) if one == owner]
    first, end = program.roles.get(role, (0, 0))
    row = max(first, end - (rows[-1] + 1 - pc))
    if owner != role or (row > first and program.rows[row].label != label):
        raise InputError(f"{path}: in scope the step {label!r} of {role} is not one of the guest's program.")
    return row


def merged(found: list[Stretch]) -> list[Stretch]:
    """Neighbouring stretches of one role as one; without a caller or reaper who comes to its end and reaps nothing."""
    last = {one.role: one.end for one in found}
    out: list[Stretch] = []
    for one in found:
        if one.role != "exit" and not one.reaps and last[one.role] == THROUGH:
            continue
        if out and out[-1].role == one.role:
            out.pop()
        out.append(one)
    return out


def turn_of(one: Stretch, later: list[Stretch], program: Program) -> Turn | None:
    """The turn of a stretch; None for one that the kernel takes by itself before a program begins."""
    goes_on = any(other.role == one.role for other in later)
    op = program.rows[one.end].op if one.end != THROUGH else ""
    held = one.inside and op in OLD_MUNLOCK_OPS and one.role == "exit" and (one.blocked or bool(later))
    to, whole = one.end, False
    if one.role == "reaper":  # before its pass, or through: all around it is the kernel's own code
        stands = goes_on and one.reaps and one.end != THROUGH and one.end <= passes(program)[0]
        to, whole = passes(program)[0] if stands else THROUGH, one.inside
    elif op in DONE_BEFORE:
        return None
    elif one.inside and not held and not goes_on:
        to, whole = THROUGH, one.inside
    elif one.inside and not held:
        whole = True
    label = "" if to == THROUGH else program.label(to)
    return {"role": one.role, "to": to, "label": label, "held": held, "whole": whole}
