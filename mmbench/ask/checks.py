"""A question about all interleavings: one verdict for each design in one scope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.checker.search import Limits
    from mmbench.checker.verdict import Verdict

MAX_STATES = 10_000_000
MAX_MEMORY = "2GiB"


def limits_of(max_states: int = MAX_STATES, max_memory: str = MAX_MEMORY) -> Limits:
    """The bounds of one search. Raises InputError."""
    from mmbench.checker.search import INDEX_LIMIT, Limits
    from mmbench.victims.sizes import parse_size

    if not 1 <= max_states <= INDEX_LIMIT:
        raise InputError(f"--max-states {max_states}: allowed are 1 to {INDEX_LIMIT}.")
    return Limits(max_states, parse_size(max_memory))


def check_all(
    strategies: Sequence[str],
    scope: str = "default",
    limits: Limits | None = None,
    own_property: str | None = None,
    *,
    reduce: bool = True,
    anyway: bool = False,
) -> Iterator[Verdict]:
    """Check one design after another, as `ID[:param=value]` or a file; each verdict as soon as it is there.

    scope: a name or a file; own_property: a file with NAME and holds(v); anyway: search what is far too large, too.
    Raises InputError: for what cannot be read or loaded, before the first search.
    """
    from mmbench.checker.estimate import refuse_if_hopeless
    from mmbench.checker.properties import read_property
    from mmbench.checker.scope import find_scope
    from mmbench.checker.verdict import check
    from mmbench.checker.world import start_of
    from mmbench.strategies import load

    small_world, bounds = find_scope(scope), limits or limits_of()
    own = read_property(Path(own_property)) if own_property else None
    for loaded in [load(spec) for spec in strategies]:
        if not anyway:
            refuse_if_hopeless(start_of(small_world, loaded.roles), bounds)
        yield check(loaded.name, loaded.roles, small_world, bounds, own, reduce=reduce, spec=loaded.spec)
