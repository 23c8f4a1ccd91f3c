"""One file for each bystander; a new file is found, and engine, checker, command line and docs know it."""

from __future__ import annotations

import importlib
import pkgutil

from mmbench.scenarios.bystander import Bystander


def found() -> tuple[Bystander, ...]:
    """The BYSTANDER of every module of this package, in the order of their ranks and keys.

    Raises ValueError naming a file that defines none.
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    for module in modules:
        if not isinstance(getattr(module, "BYSTANDER", None), Bystander):
            raise ValueError(f"{module.__file__}: define BYSTANDER = Bystander(key, what, steps, ...).")
    return tuple(sorted((module.BYSTANDER for module in modules), key=lambda one: (one.rank, one.key)))


BYSTANDERS = found()
