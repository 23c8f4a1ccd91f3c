"""The linter: rejects a protocol that cannot be right, naming the role and the step.

It finds unknown ops and arguments, missing or double labels, unreachable steps, ends that cannot be reached,
and, along every path, locks and gathers that do not balance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.machine.protocol.steps import DONE_LABEL, Role, Step
from mmbench.model.layout import PAGES_PER_TABLE
from mmbench.words import PARTIES, PARTY_KEYS, PASSED_OVER

MAX_ARG = 1 << 62


@dataclass(frozen=True)
class Held:
    """What a task holds at a point of its role."""

    mmap_lock: str = ""  # "", "read" or "write"
    gathers: int = 0
    pinned: int = 0

    def __str__(self) -> str:
        lock = f"mmap_lock for {self.mmap_lock}" if self.mmap_lock else "no mmap_lock"
        return f"{lock}, {self.gathers} open gather(s), {self.pinned} mm_users pin(s)"


def fail(strategy: str, role: str, label: str, problem: str) -> InputError:
    """The error for one step."""
    return InputError(f"strategy {strategy!r}, role {role!r}, step {label!r}: {problem}")


def check_shape(strategy: str, role: str, steps: Role) -> None:
    """Labels, ops, arguments and targets of one role."""
    if not steps:
        raise fail(strategy, role, "-", "the role has no steps; leave it out or give it at least one.")
    seen: set[str] = set()
    for s in steps:
        if not isinstance(s, Step):
            raise fail(strategy, role, str(s)[:40], "this is not a step; write step(label, Op.NAME, ...).")
        if not all(isinstance(word, str) for word in (s.label, s.to, s.otherwise)) or not isinstance(s.args, dict):
            raise fail(strategy, role, str(s.label)[:40], "label, to= and otherwise= are words.")
        if not isinstance(s.op, Op):
            raise fail(strategy, role, s.label, f"unknown op {s.op!r}. Ops: {', '.join(op.name for op in Op)}.")
        if not s.label or s.label == DONE_LABEL:
            raise fail(strategy, role, s.label, f"a label is not empty and not {DONE_LABEL!r} (which is added).")
        if s.label in seen:
            raise fail(strategy, role, s.label, "the label is used twice in this role.")
        seen.add(s.label)
        check_arguments(strategy, role, s)
    for s in steps:
        for target in (s.to, s.otherwise):
            if target and target not in seen and target != DONE_LABEL:
                raise fail(strategy, role, s.label, f"goes to {target!r}, which is no label of this role.")


def check_arguments(strategy: str, role: str, s: Step) -> None:
    """Arguments and branch of one step fit its op."""
    spec = s.op.spec
    for name, value in s.args.items():
        if name not in spec.args:
            allowed = ", ".join(spec.args) or "none"
            raise fail(strategy, role, s.label, f"{s.op.name} has no argument {name!r}. Arguments: {allowed}.")
        if isinstance(value, bool) or not isinstance(value, int) or not -MAX_ARG < value < MAX_ARG:
            raise fail(strategy, role, s.label, f"argument {name} = {value!r} is not an integer of 63 bits.")
    if "lru_batch" in spec.args and s.args.get("lru_batch", -1) < 0:
        raise fail(strategy, role, s.label, "lru_batch is 31 since v6.9, 15 since v5.18, 0 before (NO_LRU_BATCH).")
    if "direction" in spec.args and s.args.get("direction", 0) not in (1, -1):
        raise fail(strategy, role, s.label, "direction is 1 (low to high) or -1 (high to low).")
    chunk_pages = s.args.get("chunk_pages", 0)
    if "chunk_pages" in spec.args and (chunk_pages < PAGES_PER_TABLE or chunk_pages & (chunk_pages - 1)):
        raise fail(strategy, role, s.label, "chunk_pages is a power of two, at least 512 (1 GiB is 1 << 18).")
    if "why" in spec.args and not 0 <= s.args.get("why", 0) < len(PASSED_OVER):
        raise fail(strategy, role, s.label, f"why = {s.args['why']} is no reason; take one of the protocol's WHY_*.")
    if "ps" in spec.args and s.args.get("ps", 0) < 0:
        raise fail(strategy, role, s.label, "a sleep is not negative.")
    if spec.branches and not s.otherwise:
        raise fail(strategy, role, s.label, f"{s.op.name} branches: name the other label with otherwise=.")
    if s.otherwise and not spec.branches:
        raise fail(strategy, role, s.label, f"{s.op.name} never branches: otherwise={s.otherwise!r} is dead.")
    if spec.jumps and not s.to:
        raise fail(strategy, role, s.label, f"{s.op.name} needs a target: to=.")


def effect(strategy: str, role: str, s: Step, held: Held, branched: bool) -> Held:
    """What is held after a step, or an error when the step may not run while `held` is."""
    spec = s.op.spec
    lock, gathers, pinned = held.mmap_lock, held.gathers + spec.gather, held.pinned
    if spec.drops:
        if lock != spec.drops:
            found = f"held for {lock}" if lock else "not held"
            raise fail(strategy, role, s.label, f"{s.op.name} needs mmap_lock for {spec.drops}, which is {found} here.")
        lock = ""
    if spec.takes and not branched:
        if lock:
            raise fail(strategy, role, s.label, f"{s.op.name} while mmap_lock is already held for {lock}: deadlock.")
        lock = spec.takes
    if gathers < 0:
        raise fail(strategy, role, s.label, "finishes a gather that is not open.")
    if gathers > 1:
        raise fail(strategy, role, s.label, "opens a second gather while the first is open.")
    if spec.needs_gather and gathers == 0:
        raise fail(strategy, role, s.label, f"{s.op.name} needs an open gather: put TLB_GATHER_MMU before it.")
    pinned += 0 if branched and spec.pins > 0 else spec.pins
    if pinned < 0:
        raise fail(strategy, role, s.label, f"{s.op.name} without a pin: no MMGET_NOT_ZERO on the way here.")
    return Held(lock, gathers, pinned)


def successors(strategy: str, role: str, steps: Role, k: int, held: Held) -> Iterator[tuple[int, Held]]:
    """(index of the next step, what is held there) for each way on; index len(steps) is the end."""
    at = {s.label: i for i, s in enumerate(steps)} | {DONE_LABEL: len(steps)}
    s = steps[k]
    if s.op.spec.ends:
        yield len(steps), held
        return
    yield (at[s.to] if s.to else k + 1), effect(strategy, role, s, held, branched=False)
    if s.otherwise:
        yield at[s.otherwise], effect(strategy, role, s, held, branched=True)


def check_paths(strategy: str, role: str, steps: Role, endless: bool) -> list[Held]:
    """Follow every path: same holds wherever paths meet, nothing held at the end, every step reached.

    Returns what is held when each step begins.
    """
    first: dict[int, Held] = {0: Held()}
    todo = [0]
    while todo:
        k = todo.pop()
        for target, held in successors(strategy, role, steps, k, first[k]):
            label = steps[target].label if target < len(steps) else DONE_LABEL
            if target not in first:
                first[target] = held
                if target < len(steps):
                    todo.append(target)
            elif first[target] != held:
                raise fail(
                    strategy,
                    role,
                    label,
                    f"is reached with {first[target]}, but from {steps[k].label!r} with {held}.",
                )
    unreached = [s.label for k, s in enumerate(steps) if k not in first]
    if not endless and (unreached or len(steps) not in first):
        refuse_loop(strategy, role, steps, first)
    if unreached:
        raise fail(strategy, role, unreached[0], "no path reaches this step.")
    if len(steps) in first and first[len(steps)] != Held():
        raise fail(strategy, role, DONE_LABEL, f"the role ends with {first[len(steps)]}.")
    return [first[k] for k in range(len(steps))]


def refuse_loop(strategy: str, role: str, steps: Role, first: dict[int, Held]) -> None:
    """Raise InputError naming the steps of a loop that no path leads out of, where there is one.

    first: what is held at each step that a path reaches.
    """
    ways = {k: [to for to, _ in successors(strategy, role, steps, k, first[k])] for k in first if k < len(steps)}
    ending = {len(steps)}
    while more := {k for k, to in ways.items() if k not in ending and ending & set(to)}:
        ending |= more
    inside = [k for k in sorted(ways) if k not in ending]
    if not inside:
        return
    path = inside[:1]
    while path[-1] not in path[:-1]:
        path.append(ways[path[-1]][0])
    loop = [steps[k].label for k in path[path.index(path[-1]) :]]
    raise fail(
        strategy, role, loop[0], f"goes round for ever ({' -> '.join(loop)}): no path from here to the end of the role."
    )


def lint_role(strategy: str, role: str, steps: Role, *, endless: bool = False) -> list[Held]:
    """Raise InputError at the first problem of one role, or return what is held when each step begins.

    `endless` allows a role without an end.
    """
    check_shape(strategy, role, steps)
    return check_paths(strategy, role, steps, endless)


def lint_roles(strategy: str, roles: dict[str, Role]) -> None:
    """Raise InputError at the first problem of a design's roles."""
    for name in roles:
        if name not in PARTY_KEYS:
            raise InputError(f"strategy {strategy!r}: unknown role {name!r}. Roles: {', '.join(PARTY_KEYS)}.")
    for party in PARTIES:
        if party.is_required and party.key not in roles:
            raise InputError(f"strategy {strategy!r}: the role {party.key!r} is missing.")
    for name, steps in roles.items():
        if not isinstance(steps, list | tuple):
            raise InputError(
                f"strategy {strategy!r}, role {name!r}: {type(steps).__name__}; a role is a tuple of steps."
            )
        lint_role(strategy, name, tuple(steps))
    needed = [op for op in Op if op.spec.in_every_exit]
    if not {s.op for s in roles["exit"]}.issuperset(needed):
        names = " and ".join(op.name for op in needed)
        raise InputError(f"strategy {strategy!r}: the role 'exit' must use {names}.")
