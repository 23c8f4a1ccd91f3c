"""What mmbench can do without, and the extra of its package that brings it."""

from __future__ import annotations

from importlib.util import find_spec

from mmbench.errors import CannotError

EXTRAS = {
    "matplotlib": "plot",
    "asv": "bench",
    "simpy": "bench",
    "ciw": "bench",
    "distributed": "cluster",
    "dask": "cluster",
    "argcomplete": "completion",
    "pandas": "frame",
}


def missing(module: str, needed_for: str) -> CannotError:
    """The sentence for a module that is not installed, naming the extra that brings it."""
    return CannotError(f"{module} is not installed, and {needed_for} it: pip install 'mmbench[{EXTRAS[module]}]'.")


def require(module: str, needed_for: str) -> None:
    """Raise CannotError when a module is not installed; needed_for: such as "pictures need"."""
    try:
        found = find_spec(module)
    except ValueError:  # somebody has set it to None in sys.modules
        found = None
    if found is None:
        raise missing(module, needed_for)
