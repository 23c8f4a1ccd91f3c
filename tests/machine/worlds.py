"""Small worlds with every task of a run, for tests that step them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.engine.setup import assemble_tasks, contend, held_page, place_tasks
from mmbench.engine.tasks import plan_tasks
from mmbench.machine.apply import apply_once
from mmbench.machine.assemble import Program, assemble
from mmbench.machine.gather import FULL_CAPACITY
from mmbench.machine.protocol import Role
from mmbench.machine.work import new_meter
from mmbench.model.build import build
from mmbench.model.layout import VmaTable
from mmbench.model.world import T_CAPACITY, World, views
from mmbench.scenarios import scenario
from mmbench.strategies import load

EVERYBODY: dict[str, int] = {
    "mrelease_start_ps": 0,
    "holder_needs_pages": 3,
    "contended_ppm": 50_000,
    "need_pages": 2,
    "writer_hold_ps": 1,
}


def small_world(vmas: VmaTable, strategy: str, fields: dict[str, int] | None = None) -> tuple[World, Program]:
    """A world with exit, reaper, mrelease, holder, writer, allocator and crowd, ready to step."""
    s = scenario("quiet", EVERYBODY if fields is None else fields)
    w = build(vmas, 8)
    tasks = plan_tasks(load(strategy), s, max(vmas.resident_pages, 1), held_page(w, s))
    program = assemble_tasks(tasks)
    v = views(w)
    contend(v.mlocked, v.pg_locked, v.table_state, 1, s.contended_ppm)
    place_tasks(w, tasks, program, s)
    return w, program


def world_of_role(vmas: VmaTable, role: Role) -> tuple[World, Program]:
    """A world with one task, at the first step of `role`."""
    w, program = build(vmas, 1), assemble({"exit": role})
    views(w).tasks[0, T_CAPACITY] = FULL_CAPACITY
    return w, program


def one_step(w: World, program: Program, task: int, width: int, meter: np.ndarray | None = None) -> int:
    """Let one task take one step."""
    return int(apply_once(w, task, program.rows, width, new_meter() if meter is None else meter))


def live_tasks(w: World, program: Program) -> list[int]:
    """Tasks that are not done."""
    return [int(t) for t in np.flatnonzero(views(w).tasks[:, 0] >= 0)]


def state_of(w: World) -> dict[str, Any]:
    """Everything that a walk in small steps must leave as a walk in large ones does."""
    v = views(w)
    return {name: getattr(v, name).copy() for name in ("mm", "mmap_lock", "tasks", "vmas", "present", "mlocked")}
