"""One file = one design of OOM teardown. `load` finds them by id, or loads a user's own file."""

from mmbench.strategies.load import IDS, Loaded, load, load_all

__all__ = ["IDS", "Loaded", "load", "load_all"]
