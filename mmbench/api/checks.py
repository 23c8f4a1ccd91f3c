"""All interleavings of one design in a small world."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mmbench.api.given import text_of, whole_of
from mmbench.ask.checks import MAX_MEMORY, MAX_STATES, check_all, limits_of

if TYPE_CHECKING:
    from mmbench.checker.verdict import Verdict


def check(
    strategy: str | os.PathLike[str],
    scope: str | os.PathLike[str] = "default",
    *,
    max_states: int = MAX_STATES,
    max_memory: str = MAX_MEMORY,
    own_property: str | os.PathLike[str] | None = None,
    anyway: bool = False,
) -> Verdict:
    """The checker's verdict on a design (an id or a file), with its properties, counterexamples and how far it looked.

    own_property: a file with NAME and holds(v); anyway: search a scope that is far too large, up to the limits.
    """
    limits = limits_of(whole_of(max_states, "max_states"), text_of(max_memory, "max_memory"))
    own = None if own_property is None else text_of(own_property, "own_property")
    return next(check_all([text_of(strategy, "strategy")], text_of(scope, "scope"), limits, own, anyway=anyway))
