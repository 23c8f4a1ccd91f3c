"""Real runs of the engine, small ones, for the tests of timelines and traces."""

from __future__ import annotations

from functools import cache
from typing import Any

from mmbench.cost.table import load_table
from mmbench.engine import prepare, run_prepared
from mmbench.engine.setup import Prepared
from mmbench.scenarios import scenario
from mmbench.strategies import load
from mmbench.victims import synthetic

SCENARIOS = ("quiet", "contended", "stuck-holder", "late-exit", "mrelease", "slow-exit", "writer")
EXTRA: dict[str, dict[str, int]] = {"contended": {"contended_ppm": 20_000}}


@cache
def prepared() -> Prepared:
    """64 MiB in 70 VMAs: more than the log tells apart."""
    return prepare(synthetic(64 << 20, vmas=70, thp=0.2, shared=0.1, elsewhere=0.1).vmas)


@cache
def ran(strategy: str, name: str, **more: int) -> dict[str, Any]:
    """One run, with a token."""
    s = scenario(name, EXTRA.get(name, {}) | more)
    record = run_prepared(prepared(), load(strategy), s, load_table(), victim="synthetic-64MiB")
    return record | {"token": f"mm1-{strategy}-{name}"}
