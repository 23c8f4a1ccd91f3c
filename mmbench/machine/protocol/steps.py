"""The data model of a design: Step, Role, Param, Strategy. Pure data; assembling gives it an effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mmbench.machine.ops import Op

DONE_LABEL = "done"  # where every role ends; the assembler adds it


@dataclass(frozen=True)
class Step:
    """One labelled atomic step (a walking op repeats at its label).

    args: the op's integer arguments by name; missing ones are 0
    otherwise: label to go to when the op branches
    to: label to go to next, instead of the following step
    """

    label: str
    op: Op
    args: dict[str, int] = field(default_factory=dict)
    otherwise: str = ""
    to: str = ""


Role = tuple[Step, ...]


def step(label: str, op: Op, *, otherwise: str = "", to: str = "", **args: int) -> Step:
    """Write one step of a role."""
    return Step(label, op, args, otherwise, to)


@dataclass(frozen=True)
class Param:
    """A point that a never-posted proposal left open: its default, the other choices, and why it is open."""

    default: str
    choices: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Strategy:
    """One design of OOM teardown.

    id:      what users type
    title:   the design in one line
    status:  which kernels shipped it, or that none did
    sources: commits and messages that it is read from
    holds:   what exit_mmap holds while it does what
    never:   what this design never does
    assumes: the era's constants, for people (delay, skip mask, pinning, batch sizes)
    roles:   function of the parameters (by name) that returns the roles; "exit" is required,
             "mrelease" is missing where the kernel has no process_mrelease
    params:  the open points
    caller_kills: the process_mrelease caller sends the SIGKILL itself, so it begins at the kill
    """

    id: str
    title: str
    status: str
    sources: tuple[str, ...]
    holds: str
    never: str
    assumes: dict[str, str]
    roles: Callable[..., dict[str, Role]]
    params: dict[str, Param] = field(default_factory=dict)
    caller_kills: bool = False
