"""A small world with its tasks placed and its program assembled: where a search begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmbench.checker.scope import CAST, Scope, locked_pages, table_of
from mmbench.errors import InputError
from mmbench.machine.assemble import Program, assemble
from mmbench.machine.ops import BY_CODE, REAPS, Op
from mmbench.machine.protocol import VM_LOCKED, Role, step
from mmbench.machine.status import ROW_A, ROW_OP
from mmbench.model.build import build
from mmbench.model.layout import ANON, VM_SHARED
from mmbench.model.world import (
    MM_FLAGS,
    MMF_OOM_VICTIM,
    T_CAPACITY,
    T_LOCK_PAGE,
    T_NEED,
    T_NEXT_VICTIM,
    T_PC,
    V_FIRST,
    V_FLAGS,
    V_KIND,
    World,
    views,
)
from mmbench.scenarios.last_user import drops_pin, shared_out
from mmbench.scenarios.scenario import DEFAULTS

# A victim that sleeps before exit_mm until it gets a page lock (a fault, a read): it cannot be killed out of it.
STUCK: Role = (
    step("the victim waits for a page", Op.LOCK_PAGE),
    step("the victim goes on", Op.UNLOCK_PAGE),
)


@dataclass(frozen=True)
class Start:
    """The initial state of a check.

    world: the model world; names: unique task names by task id; kinds: role of each task;
    program: rows, one copy per role (tasks of one role share it); resident_pages: at the kill
    """

    scope: Scope
    world: World
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    program: Program
    resident_pages: int

    def locks_page(self, task: int) -> bool:
        """True when the task takes a page lock that the scope names."""
        kind = self.kinds[task]
        return CAST[kind][0].locks_page if kind in CAST else kind == "exit" and self.scope.victim_waits

    def needs_memory(self, task: int) -> bool:
        """True when the task has an allocation that waits for pages of the victim."""
        return self.kinds[task] in CAST and bool(CAST[self.kinds[task]][0].needs)

    @property
    def owners(self) -> list[int]:
        """Tasks that may run exit_mmap: exit, and those whose mmput can be the last."""
        put = {role for (role, _), row in zip(self.program.labels, self.program.rows, strict=True)
               if row[ROW_OP] == int(Op.MMPUT_IF_LAST)}  # fmt: skip
        return [task for task, kind in enumerate(self.kinds) if kind == "exit" or kind in put]

    @property
    def symmetric(self) -> list[tuple[int, int]]:
        """Pairs of neighbouring tasks of one kind: swapping them changes nothing."""
        return [(k, k + 1) for k in range(len(self.kinds) - 1) if self.kinds[k] == self.kinds[k + 1]]


def unique_names(kinds: list[str]) -> tuple[str, ...]:
    """Task names: the kind, numbered where several tasks are of one kind."""
    return tuple(kind if kinds.count(kind) == 1 else f"{kind}{kinds[:k].count(kind)}" for k, kind in enumerate(kinds))


def start_of(scope: Scope, roles: dict[str, Role]) -> Start:
    """Build the world of a scope for a strategy's roles. Tasks whose role the strategy lacks are left out.

    Raises InputError when the strategy has no exit role.
    """
    if "exit" not in roles:
        raise InputError("a strategy without the role 'exit' cannot be checked.")
    known = {**roles, **{name: one.steps({**DEFAULTS, **values}) for name, (one, values) in CAST.items()}}
    if scope.victim_waits:
        known["exit"] = (*STUCK, *roles["exit"])
    kinds = sorted((kind for kind in scope.tasks if kind in known), key=list(scope.tasks).index)
    known = {kind: known[kind] for kind in dict.fromkeys(kinds)}
    if any(CAST[kind][0].may_be_last_user and drops_pin(known[kind]) for kind in kinds if kind in CAST):
        known = shared_out(known)
    program = assemble(known)
    table = table_of(scope)
    w = build(table, len(kinds))
    v = views(w)
    page = list(locked_pages(scope, v.vmas[:, V_FIRST].tolist()))
    start = Start(scope, w, unique_names(kinds), tuple(kinds), program, table.resident_pages)
    for task, kind in enumerate(kinds):
        cells = v.tasks[task]
        cells[T_PC] = program.starts[kind]
        cells[T_CAPACITY] = scope.gather_slots
        if start.locks_page(task):
            cells[T_LOCK_PAGE] = page[scope.holder_page]
        if start.needs_memory(task):
            cells[T_NEED] = scope.needs_of(CAST[kind][0].name) or table.resident_pages
            cells[T_NEXT_VICTIM] = table.resident_pages
    w.mem[MM_FLAGS] = MMF_OOM_VICTIM if scope.oom_victim else 0
    return start


def row_mask(start: Start, kinds: tuple[str, ...]) -> int:
    """Bit mask of the tasks of some kinds."""
    return sum(1 << k for k, kind in enumerate(start.kinds) if kind in kinds)


def reapable(start: Start) -> int:
    """Bit mask of the VMAs that the strategy's reap passes empty whatever else happens.

    Not those that they skip, shared mappings, and, where they trylock, those with page locks in them.
    """
    passes = [row for row in start.program.rows if row[ROW_OP] & REAPS]
    if not passes:
        return 0
    skip = int(passes[0][ROW_A]) | (VM_LOCKED if BY_CODE[int(passes[0][ROW_OP])].spec.leaves_locked else 0)
    mask = 0
    for k, vma in enumerate(views(start.world).vmas):
        shared = vma[V_FLAGS] & VM_SHARED and vma[V_KIND] != ANON
        if not vma[V_FLAGS] & skip and not shared:
            mask |= 1 << k
    return mask


def arena_with_monitor(world: World) -> np.ndarray:
    """The arena plus one cell of the checker's own: which tasks took mmap_lock after MMF_OOM_SKIP was set."""
    return np.concatenate([world.mem, np.zeros(1, dtype=np.int64)])
