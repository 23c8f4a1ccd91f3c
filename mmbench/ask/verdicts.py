"""What the checker said of a design when somebody last asked it: shipped verdicts, found by the steps, not by the name.

`verdicts.json` is what `mmbench check --record` wrote for every built-in design and every choice of its open points.
A design whose steps are not in it has not been checked.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from mmbench.records.verdicts import SAFE, WORLD

if TYPE_CHECKING:
    from mmbench.strategies import Loaded

FILE = "verdicts.json"


@cache
def by_steps() -> dict[str, dict[str, str]]:
    """Digest of the steps -> scope -> verdict, of the package's own file."""
    data = json.loads((resources.files("mmbench.checker") / FILE).read_text())
    return {digest: data["verdicts"][name] for name, digest in data["designs"].items()}


def of_design(loaded: Loaded) -> dict[str, str]:
    """Scope -> verdict, as "safe" or "fails I5": of WORLD, and of the other scopes those that are not safe.

    Empty for a design that was not checked.
    """
    known = by_steps().get(loaded.steps_digest, {})
    return {scope: said for scope, said in known.items() if scope == WORLD or said != SAFE}
