"""Who does the last mmput runs exit_mmap: the roles of a run in which that need not be the victim.

Source: mmput, __mmput, kernel/fork.c; exit_mm, kernel/exit.c (v5.10 to v7.3).
"""

from __future__ import annotations

from dataclasses import replace

from mmbench.errors import InputError
from mmbench.machine.ops import Op
from mmbench.machine.protocol import DONE_LABEL, Role, step

WHOSE = "exit_mmap: "  # before the labels of exit_mmap's steps in somebody else's role


def drops_pin(role: Role) -> bool:
    """True for a role with an mmput of its own."""
    return any(s.op == Op.MMPUT for s in role)


def exit_mmap_of(exit_role: Role) -> tuple[Role, Role]:
    """(steps before exit_mm, steps of exit_mmap). Raises InputError unless exit_mm and the last mmput are in a row."""
    ops = [s.op for s in exit_role]
    k = ops.index(Op.EXIT_MM) if Op.EXIT_MM in ops else len(ops)
    if ops[k + 1 : k + 2] != [Op.WAIT_LAST_USER]:
        raise InputError(
            "this design's exit does not put WAIT_LAST_USER right after EXIT_MM, so nobody else can run its exit_mmap; "
            "choose a scenario without a reader that pins mm_users (--reader-pins-users 0)."
        )
    return exit_role[:k], exit_role[k + 2 :]


def leaving(exit_role: Role) -> Role:
    """The victim's role when others pin mm_users: exit_mm drops its user, and is all unless that was the last."""
    before, exit_mmap = exit_mmap_of(exit_role)
    return (*before, step("exit_mm", Op.EXIT_MM_IF_LAST, otherwise=DONE_LABEL), *exit_mmap)


def taking_over(role: Role, exit_role: Role) -> Role:
    """A role whose mmput may be the last: exit_mmap's steps follow it then."""
    _, exit_mmap = exit_mmap_of(exit_role)
    own = [s if s.to or s is not role[-1] else replace(s, to=DONE_LABEL) for s in role]
    for k, s in enumerate(own):
        if s.op == Op.MMPUT:
            otherwise = s.to or own[k + 1].label
            own[k] = replace(s, op=Op.MMPUT_IF_LAST, to=WHOSE + exit_mmap[0].label, otherwise=otherwise)

    def theirs(label: str) -> str:
        return label if label in ("", DONE_LABEL) else WHOSE + label

    tail = (replace(s, label=theirs(s.label), to=theirs(s.to), otherwise=theirs(s.otherwise)) for s in exit_mmap)
    return (*own, *tail)


def shared_out(roles: dict[str, Role]) -> dict[str, Role]:
    """All roles of a run, "exit" among them, such that whoever does the last mmput runs exit_mmap."""
    exit_role = roles["exit"]
    found = {key: taking_over(role, exit_role) if drops_pin(role) else role for key, role in roles.items()}
    return found | {"exit": leaving(exit_role)}
