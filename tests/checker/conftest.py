"""Small helpers of the checker's tests."""

from __future__ import annotations

from mmbench.checker.scope import find_scope
from mmbench.checker.search import Found, search
from mmbench.checker.verdict import Verdict, check
from mmbench.checker.world import start_of
from mmbench.strategies import load


def explore(spec: str, scope: str = "default", *, reduce: bool = True) -> Found:
    """Search one strategy in a named scope."""
    return search(start_of(find_scope(scope), load(spec).roles), reduce=reduce)


def verdict(spec: str, scope: str = "default", **options: object) -> Verdict:
    """Check one strategy in a named scope."""
    loaded = load(spec)
    return check(loaded.name, loaded.roles, find_scope(scope), spec=loaded.spec, **options)  # type: ignore[arg-type]
