"""The event log as a record has it: an object per entry, with the names of steps, ops and locks."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from mmbench.engine.clocks import (
    C_SINCE,
    LOG_FREED,
    LOG_KIND,
    LOG_KINDS,
    LOG_LAST,
    LOG_MET,
    LOG_N,
    LOG_PTL,
    LOG_ROW,
    LOG_STEP,
    LOG_TASK,
    LOG_TIME,
    LOG_TOTAL,
    LOG_VMA,
    LOG_WAIT,
    LOG_WALK,
    NEVER,
    ClockViews,
)
from mmbench.engine.setup import task_key
from mmbench.engine.tasks import Task
from mmbench.machine.assemble import Program
from mmbench.machine.lint import check_paths
from mmbench.machine.ops import Op
from mmbench.machine.protocol import Role, Step
from mmbench.machine.status import ROW_OP
from mmbench.model.world import T_PC, World, views
from mmbench.records.types import Event
from mmbench.words import SPREAD

Path = tuple[tuple[str, Op, str, str], ...]
OP_NAMES = {int(op): op.name.lower() for op in Op}
COUNTS = (*((f"{cause}_ps", LOG_MET + k) for k, cause in enumerate(SPREAD)), ("freed_pages", LOG_FREED))


@lru_cache(maxsize=256)
def _locks(path: Path) -> dict[str, str]:
    steps = tuple(Step(label, op, {}, otherwise, to) for label, op, otherwise, to in path)
    held = check_paths("", "", steps, endless=True) if steps else []
    return {step.label: h.mmap_lock for step, h in zip(steps, held, strict=True) if h.mmap_lock}


def locks_held(role: Role) -> dict[str, str]:
    """Label -> how mmap_lock is held when that step begins, "read" or "write"; other steps are left out."""
    return _locks(tuple((step.label, step.op, step.otherwise, step.to) for step in role))


def timeline(w: World, c: ClockViews, program: Program, tasks: list[Task]) -> list[Event]:
    """The log in the order of time; see mmbench.records.run_record for its fields."""
    keys = [task_key(tasks, k) for k in range(len(tasks))]
    held = [locks_held(task.role) for task in tasks]
    labels = [label for _, label in program.labels]
    ops = [OP_NAMES[op] for op in program.rows[:, ROW_OP].tolist()]
    found: list[Event] = []
    for e in c.log.tolist():
        row, kind = e[LOG_ROW], e[LOG_KIND]
        label, op = (labels[row], ops[row]) if row >= 0 else ("done", "end")
        task = e[LOG_TASK]
        entry: Event = {"at_ps": e[LOG_TIME], "task": keys[task], "kind": LOG_KINDS[kind], "step": label, "op": op}
        if kind == LOG_STEP and label in held[task]:
            entry["mmap_lock"] = held[task][label]
        if kind in (LOG_STEP, LOG_WAIT, LOG_PTL):
            entry |= {"n": e[LOG_N], "last_ps": e[LOG_LAST], "total_ps": e[LOG_TOTAL]}
        if kind == LOG_WALK:
            entry["vma"] = e[LOG_VMA]
        if kind in (LOG_STEP, LOG_WALK):
            entry |= cast(Event, {name: e[cell] for name, cell in COUNTS if e[cell]})
        found.append(entry)
    return sorted(found + _pending(w, c, keys, labels, ops), key=lambda entry: entry["at_ps"])


def _pending(w: World, c: ClockViews, keys: list[str], labels: list[str], ops: list[str]) -> list[Event]:
    """Waits that nobody ended."""
    rows = views(w).tasks[:, T_PC].tolist()
    return [
        {"at_ps": since, "task": keys[k], "kind": LOG_KINDS[LOG_WAIT], "step": labels[rows[k]], "op": ops[rows[k]],
         "n": 1, "last_ps": None, "total_ps": 0}
        for k, since in enumerate(c.rows[:, C_SINCE].tolist())
        if since != NEVER
    ]  # fmt: skip
