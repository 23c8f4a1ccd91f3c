"""A question about all interleavings: a verdict for each design in each scope, and what changed since the last time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from mmbench.errors import InputError
from mmbench.records.verdicts import FORMAT, VERDICTS

if TYPE_CHECKING:
    from mmbench.checker.judgement import Judgement
    from mmbench.checker.scope import Scope
    from mmbench.checker.search import Limits
    from mmbench.checker.verdict import Verdict
    from mmbench.records.checked_types import VerdictsFile
    from mmbench.strategies import Loaded

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
    """Check one design after another in one scope; each verdict as soon as it is there. Arguments as of `judge_all`."""
    for judgement in judge_all(strategies, [scope], limits, own_property, reduce=reduce, anyway=anyway):
        yield judgement.verdicts[0]


def judge_all(
    strategies: Sequence[str],
    scopes: Sequence[str],
    limits: Limits | None = None,
    own_property: str | None = None,
    *,
    reduce: bool = True,
    anyway: bool = False,
) -> Iterator[Judgement]:
    """Check one design after another, as `ID[:param=value]` or a file, in every scope; each as soon as it is judged.

    scopes: names or files; own_property: a file with NAME and holds(v); anyway: search what is far too large, too.
    Searches run beside each other, one on each processor, each within the limits. Raises InputError: for what cannot be
    read or loaded, before the first search.
    """
    from mmbench.checker.estimate import refuse_if_hopeless
    from mmbench.checker.judgement import Judgement
    from mmbench.checker.properties import read_property
    from mmbench.checker.scope import find_scope
    from mmbench.checker.verdict import check
    from mmbench.checker.world import start_of
    from mmbench.strategies import load

    worlds, bounds = [find_scope(scope) for scope in scopes], replace(limits or limits_of(), cancelled=Event())
    own = read_property(Path(own_property)) if own_property else None
    designs = [load(spec) for spec in strategies]

    def verdict(loaded: Loaded, world: Scope) -> Verdict:
        if not anyway:
            refuse_if_hopeless(start_of(world, loaded.roles), bounds)
        return check(loaded.name, loaded.roles, world, bounds, own, reduce=reduce, spec=loaded.spec)

    if own:  # its own code: one call at a time, and what it prints does not go where others print
        for loaded in designs:
            yield Judgement(
                loaded.name, loaded.roles, tuple(verdict(loaded, world) for world in worlds), loaded.steps_digest
            )
        return
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            jobs = [[pool.submit(verdict, loaded, world) for world in worlds] for loaded in designs]
            for loaded, futures in zip(designs, jobs, strict=True):
                yield Judgement(loaded.name, loaded.roles, tuple(job.result() for job in futures), loaded.steps_digest)
        finally:  # whoever asked has gone, or something failed: nobody waits for the rest
            bounds.cancelled.set()
            pool.shutdown(cancel_futures=True)


# --- verdicts as they were --------------------------------------------------------------------------


def recorded(found: Iterable[Judgement]) -> VerdictsFile:
    """Verdicts as a file keeps them, to be compared with later ones; and which steps they are of."""
    judged = {j.strategy: j for j in found}
    return {
        "format": FORMAT,
        "verdicts": {
            name: {v.scope: " ".join([v.verdict, *v.broken]) for v in j.verdicts} for name, j in judged.items()
        },
        "designs": {name: j.steps_digest for name, j in judged.items()},
    }


def read_recorded(path: str) -> dict[str, dict[str, str]]:
    """Strategy -> scope -> verdict of a file that `recorded` made. Raises InputError."""
    from mmbench.records.schema import read

    return dict(read(path, VERDICTS)["verdicts"])


def changed(expected: dict[str, dict[str, str]], found: Iterable[Judgement], *, everything: bool) -> list[str]:
    """A line for each verdict that is not as expected. everything: also for those expected that nobody found."""
    now = recorded(found)["verdicts"]
    lines = [
        f"{strategy}, scope {scope}: {verdict}; expected: {expected.get(strategy, {}).get(scope, 'nothing recorded')}"
        for strategy, scopes in now.items()
        for scope, verdict in scopes.items()
        if expected.get(strategy, {}).get(scope) != verdict
    ]
    gone = [(s, scope) for s, scopes in expected.items() for scope in scopes if scope not in now.get(s, {})]
    return lines + [
        f"{s}, scope {scope}: not checked; expected: {expected[s][scope]}" for s, scope in gone if everything
    ]
