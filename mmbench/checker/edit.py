"""Edit a role: leave a step out, replace one, swap two. For history variants and mutants."""

from __future__ import annotations

from dataclasses import replace

from mmbench.errors import InputError
from mmbench.machine.protocol import DONE_LABEL, Role, Step


def index_of(role: Role, label: str) -> int:
    """Where a label is. Raises InputError."""
    for k, step in enumerate(role):
        if step.label == label:
            return k
    raise InputError(f"no step {label!r} in this role; labels: {', '.join(step.label for step in role)}.")


def retarget(role: Role, old: str, new: str) -> Role:
    """Jumps to `old` go to `new`."""
    return tuple(
        replace(s, to=new if s.to == old else s.to, otherwise=new if s.otherwise == old else s.otherwise) for s in role
    )


def without(role: Role, *labels: str) -> Role:
    """The role without some steps; jumps to a step that is gone go to the one after it."""
    for label in labels:
        k = index_of(role, label)
        after = role[k + 1].label if k + 1 < len(role) else DONE_LABEL
        role = retarget((*role[:k], *role[k + 1 :]), label, after)
    return role


def put(role: Role, label: str, *steps: Step) -> Role:
    """The role with other steps in place of one; jumps to it go to the first of them."""
    k = index_of(role, label)
    return retarget((*role[:k], *steps, *role[k + 1 :]), label, steps[0].label)


def swapped(role: Role, k: int) -> Role:
    """The role with what steps k and k + 1 do exchanged; the order of control (labels, `to`) stays."""
    a, b = role[k], role[k + 1]
    first = replace(b, label=a.label, to=a.to)
    second = replace(a, label=b.label, to=b.to)
    return (*role[:k], first, second, *role[k + 2 :])
