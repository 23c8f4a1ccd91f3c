"""A user's file is a guest: what it prints goes to stderr, and whatever it raises becomes one sentence."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType

from mmbench.errors import InputError, short
from mmbench.machine.protocol import Param, Strategy

MOST_OF_A_MESSAGE = 300  # characters
ALLOWED = {
    "id": "a word without blanks, commas and colons",
    "sources": "a tuple of texts",
    "assumes": "a dict of texts",
    "roles": "a function that returns the roles",
    "params": "a dict of name -> Param(default, choices, why), the default one of the choices",
}


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """Run a user's code. Raises InputError, naming `what`, for everything it raises: sys.exit() too, but not Ctrl-C."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise InputError(f"{what}{where}: {error.msg}.") from error
    except SystemExit as error:
        raise InputError(f"{what} calls sys.exit({short(error.code)}); a design returns, it does not exit.") from error
    except BaseException as error:
        raise InputError(f"{what} fails: {type(error).__name__}: {str(error)[:MOST_OF_A_MESSAGE]}") from error


def import_file(path: Path) -> ModuleType:
    """Run a user's file as a module. Raises InputError naming the file and what went wrong in it."""
    name = f"mmbench_user_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file; its name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where a dataclass of the file looks for its own annotations
    with users_code(str(path)):
        spec.loader.exec_module(module)
    return module


def is_word(value: object) -> bool:
    """True for what may name a design on a command line."""
    return isinstance(value, str) and value.isprintable() and bool(value) and not set(" ,:") & set(value)


def is_param(param: object) -> bool:
    """True for a Param of texts whose default is one of its choices."""
    if not isinstance(param, Param) or not isinstance(param.choices, tuple | list):
        return False
    return all(isinstance(text, str) for text in (*param.choices, param.why)) and param.default in param.choices


def check_fields(head: str, s: Strategy) -> None:
    """Raise InputError at the first field of a Strategy that is not what the protocol says. head: its file or id."""
    good = {
        "id": is_word(s.id),
        **{name: isinstance(getattr(s, name), str) for name in ("title", "status", "holds", "never")},
        "sources": isinstance(s.sources, tuple | list) and all(isinstance(text, str) for text in s.sources),
        "assumes": isinstance(s.assumes, dict)
        and all(isinstance(text, str) for pair in s.assumes.items() for text in pair),
        "roles": callable(s.roles),
        "params": isinstance(s.params, dict) and all(is_word(k) and is_param(p) for k, p in s.params.items()),
    }
    for name, fits in good.items():
        if not fits:
            raise InputError(f"{head}: {name} = {short(getattr(s, name))}; it is {ALLOWED.get(name, 'a text')}.")
