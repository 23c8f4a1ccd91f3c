"""Assemble labelled steps into int64 rows that `machine.apply` interprets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmbench.machine.ops import Op
from mmbench.machine.protocol.steps import DONE_LABEL, Role, Step
from mmbench.machine.status import N_ROW, ROW_A, ROW_ALT, ROW_NEXT, ROW_OP


@dataclass(frozen=True)
class Program:
    """Rows of several roles, one after another.

    rows:   int64 (n_rows, 6): op, three arguments, next row, other row
    starts: role -> its first row
    labels: (role, label) of each row
    """

    rows: np.ndarray
    starts: dict[str, int]
    labels: tuple[tuple[str, str], ...]


def arguments(step: Step) -> list[int]:
    """The step's arguments in the op's order; missing ones are 0."""
    return [step.args.get(name, 0) for name in step.op.spec.args]


def role_rows(role: Role, base: int) -> np.ndarray:
    """Rows of one role whose first row is number `base`. The role has passed the linter."""
    steps = (*role, Step(DONE_LABEL, Op.END))
    at = {step.label: base + k for k, step in enumerate(steps)}
    rows = np.zeros((len(steps), N_ROW), dtype=np.int64)
    for k, step in enumerate(steps):
        args = arguments(step)
        rows[k, ROW_OP] = int(step.op)
        rows[k, ROW_A : ROW_A + len(args)] = args
        rows[k, ROW_NEXT] = at[step.to] if step.to else base + k + 1
        rows[k, ROW_ALT] = at[step.otherwise] if step.otherwise else base + k + 1
    return rows


def assemble(roles: dict[str, Role]) -> Program:
    """Assemble roles (linted) in the given order."""
    parts, starts, labels, base = [], {}, [], 0
    for name, role in roles.items():
        rows = role_rows(role, base)
        starts[name] = base
        labels += [(name, step.label) for step in role] + [(name, DONE_LABEL)]
        parts.append(rows)
        base += len(rows)
    return Program(np.concatenate(parts), starts, tuple(labels))
