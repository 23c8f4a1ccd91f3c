"""Find a strategy: a built-in id, or the path of a user's file; with parameters, linted and assembled.

A spec is `ID` or `PATH`, optionally followed by `:name=value,name=value` for the design's open points.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from mmbench.errors import InputError, nearest, short
from mmbench.machine.lint import lint_roles
from mmbench.machine.protocol import Role, Strategy
from mmbench.strategies.user_file import check_fields, import_file, users_code

MODULES = {
    "v4.14": "v4_14",
    "v4.17": "v4_17",
    "drop-oom-skip": "drop_oom_skip",
    "write-downgrade": "write_downgrade",
    "unlocking-flag": "unlocking_flag",
    "trylock": "trylock",
    "no-munlock": "no_munlock",
    "v5.17": "v5_17",
    "v5.18": "v5_18",
    "v6.1": "v6_1",
    "v6.18": "v6_18",
    "exit-write": "exit_write",
    "exit-mm-stash": "exit_mm_stash",
    "reap-kill": "reap_kill",
    "handover-1g": "handover_1g",
}
IDS = tuple(MODULES)
YOURS = "yours"  # the status of every design that is read from a file, whatever the file says
UNTIMED = ("ps", "lru_batch")  # arguments that only a clock can tell apart


@dataclass(frozen=True)
class Loaded:
    """A strategy with its parameters chosen and its roles linted.

    name: what results carry: the id, plus the parameters that differ from their defaults; a user's is ID@FILE
    path: the file it was read from
    spec: what was asked for, to ask for it again
    file: a user's file as it was typed, "" for a built-in design
    """

    strategy: Strategy
    params: dict[str, str]
    roles: dict[str, Role]
    path: Path
    spec: str
    file: str = ""

    @property
    def steps_digest(self) -> str:
        """Hash of the steps of every role, without what takes time only: alike for a design and its copy."""
        steps = [
            (role, s.label, s.op.name, sorted((k, v) for k, v in s.args.items() if k not in UNTIMED), s.to, s.otherwise)
            for role, steps in sorted(self.roles.items())
            for s in steps
        ]
        return hashlib.blake2b(repr(steps).encode(), digest_size=8).hexdigest()

    @property
    def name(self) -> str:
        changed = {k: v for k, v in self.params.items() if v != self.strategy.params[k].default}
        tail = ",".join(f"{k}={v}" for k, v in changed.items())
        return f"{self.strategy.id}:{tail}" if tail else self.strategy.id


def is_file(path: str) -> bool:
    """True for a regular file; a name that no file can have is none."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split `ID:name=value,...` into the id or path and the parameters asked for; a path may have colons of its own."""
    head, colon, tail = spec.rpartition(":")
    if not colon or is_file(spec) or ("/" in tail and "=" not in tail):
        return spec, {}
    asked: dict[str, str] = {}
    for part in tail.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise InputError(
                f"strategy {short(spec)}: {short(part)} is not name=value (write-downgrade:self_reaping=kept)."
            )
        asked[name.strip()] = value.strip()
    return head, asked


def find_module(head: str) -> ModuleType:
    """The module of a built-in id or of a path."""
    if head in MODULES:
        return importlib.import_module(f"mmbench.strategies.{MODULES[head]}")
    if head.endswith(".py") or "/" in head:
        if not is_file(head):
            allowed = f"a readable file or an id: {', '.join(IDS)}"
            raise InputError(f"strategy file {short(head)} does not exist; give {allowed}.")
        return import_file(Path(head))
    raise nearest(head, list(IDS), "strategy")


def as_yours(strategy: Strategy, path: str) -> Strategy:
    """The design of a user's file, told apart from every other: its id is ID@FILE, its status `yours`."""
    return replace(strategy, id=f"{strategy.id}@{re.sub(r'[ ,:]', '_', Path(path).name)}", status=YOURS)


def choose_params(strategy: Strategy, asked: dict[str, str]) -> dict[str, str]:
    """Defaults overridden by what was asked for, checked against the choices."""
    for name, value in asked.items():
        if name not in strategy.params:
            allowed = ", ".join(strategy.params) or "none"
            raise InputError(f"strategy {strategy.id!r} has no parameter {short(name)}. Parameters: {allowed}.")
        if value not in strategy.params[name].choices:
            choices = ", ".join(strategy.params[name].choices)
            raise InputError(f"strategy {strategy.id!r}: {name} = {short(value)}. Choices: {choices}.")
    return {name: asked.get(name, param.default) for name, param in strategy.params.items()}


def load(spec: str) -> Loaded:
    """Load, parametrise and lint one strategy. Raises InputError that names the file, role and step."""
    head, asked = split_spec(spec)
    module = find_module(head)
    strategy = getattr(module, "STRATEGY", None)
    if not isinstance(strategy, Strategy):
        raise InputError(f"{head}: defines no STRATEGY = Strategy(...).")
    check_fields(head, strategy)
    file = "" if head in MODULES else head
    if file:
        strategy = as_yours(strategy, file)
    params = choose_params(strategy, asked)
    with users_code(f"{head}: roles({params})"):
        roles = strategy.roles(**params)
    if not isinstance(roles, dict):
        raise InputError(f"{head}: roles() returns {type(roles).__name__}; it returns a dict of role -> steps.")
    lint_roles(strategy.id, roles)
    return Loaded(strategy, params, roles, Path(str(module.__file__)), spec, file)


def load_all() -> list[Loaded]:
    """All built-in strategies, oldest design first."""
    return [load(name) for name in IDS]


def load_choices() -> list[Loaded]:
    """All built-in strategies, each followed by itself with every other choice of one of its open points."""
    found = []
    for design in load_all():
        found.append(design)
        for name, param in design.strategy.params.items():
            others = [choice for choice in param.choices if choice != param.default]
            found += [load(f"{design.strategy.id}:{name}={choice}") for choice in others]
    return found
