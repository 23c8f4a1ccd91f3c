"""Find a strategy: a built-in id, or the path of a user's file; with parameters, linted and assembled.

A spec is `ID` or `PATH`, optionally followed by `:name=value,name=value` for the design's open points.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mmbench.errors import InputError, nearest
from mmbench.machine.lint import lint_roles
from mmbench.machine.protocol import Role, Strategy

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
}
IDS = tuple(MODULES)


@dataclass(frozen=True)
class Loaded:
    """A strategy with its parameters chosen and its roles linted.

    name: what results carry: the id, plus the parameters that differ from their defaults
    path: the file it was read from
    spec: what was asked for, to ask for it again
    """

    strategy: Strategy
    params: dict[str, str]
    roles: dict[str, Role]
    path: Path
    spec: str

    @property
    def name(self) -> str:
        changed = {k: v for k, v in self.params.items() if v != self.strategy.params[k].default}
        tail = ",".join(f"{k}={v}" for k, v in changed.items())
        return f"{self.strategy.id}:{tail}" if tail else self.strategy.id


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split `ID:name=value,...` into the id or path and the parameters asked for."""
    head, colon, tail = spec.partition(":")
    asked: dict[str, str] = {}
    for part in tail.split(",") if colon else ():
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise InputError(f"strategy {spec!r}: {part!r} is not name=value (write-downgrade:self_reaping=kept).")
        asked[name.strip()] = value.strip()
    return head, asked


def import_file(path: Path) -> ModuleType:
    """Run a user's strategy file as a module; whatever goes wrong in it becomes an InputError."""
    spec = importlib.util.spec_from_file_location(f"mmbench_user_strategy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file; a strategy file ends in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except Exception as error:
        raise InputError(f"{path}: the file fails when it is imported: {type(error).__name__}: {error}") from error
    return module


def find_module(head: str) -> ModuleType:
    """The module of a built-in id or of a path."""
    if head in MODULES:
        return importlib.import_module(f"mmbench.strategies.{MODULES[head]}")
    if head.endswith(".py") or "/" in head:
        path = Path(head)
        if not path.is_file():
            raise InputError(f"strategy file {head!r} does not exist; give a readable file or an id: {', '.join(IDS)}.")
        return import_file(path)
    raise nearest(head, list(IDS), "strategy")


def choose_params(strategy: Strategy, asked: dict[str, str]) -> dict[str, str]:
    """Defaults overridden by what was asked for, checked against the choices."""
    for name, value in asked.items():
        if name not in strategy.params:
            allowed = ", ".join(strategy.params) or "none"
            raise InputError(f"strategy {strategy.id!r} has no parameter {name!r}. Parameters: {allowed}.")
        if value not in strategy.params[name].choices:
            choices = ", ".join(strategy.params[name].choices)
            raise InputError(f"strategy {strategy.id!r}: {name} = {value!r}. Choices: {choices}.")
    return {name: asked.get(name, param.default) for name, param in strategy.params.items()}


def load(spec: str) -> Loaded:
    """Load, parametrise and lint one strategy. Raises InputError that names the file, role and step."""
    head, asked = split_spec(spec)
    module = find_module(head)
    strategy = getattr(module, "STRATEGY", None)
    if not isinstance(strategy, Strategy):
        raise InputError(f"{head}: defines no STRATEGY = Strategy(...).")
    params = choose_params(strategy, asked)
    try:
        roles = strategy.roles(**params)
    except Exception as error:
        raise InputError(f"{head}: roles({params}) fails: {type(error).__name__}: {error}") from error
    if not isinstance(roles, dict):
        raise InputError(f"{head}: roles() returns {type(roles).__name__}; it returns a dict of role -> steps.")
    lint_roles(strategy.id, roles)
    return Loaded(strategy, params, roles, Path(str(module.__file__)), spec)


def load_all() -> list[Loaded]:
    """All built-in strategies, oldest design first."""
    return [load(name) for name in IDS]
