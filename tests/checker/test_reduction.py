"""The reductions change how much is searched and nothing that is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.checker.drive import initial, one_step, packed
from mmbench.checker.expand import choices
from mmbench.checker.mutants import mutants_of
from mmbench.checker.scope import Scope, Vma, find_scope
from mmbench.checker.search import unsearched
from mmbench.checker.stall import traps
from mmbench.checker.verdict import check
from mmbench.checker.world import start_of
from mmbench.errors import InputError
from mmbench.machine.lint import lint_roles
from mmbench.strategies import IDS, load

from .conftest import explore, verdict

TWO_PAGES = (Vma(0, 1), Vma(512, 1, ("locked",)))
SMALL = Scope("small", TWO_PAGES, ("exit", "reaper", "mrelease", "holder", "allocator"))
SMALLER = Scope("smaller", TWO_PAGES, ("exit", "reaper", "mrelease", "holder"))


@pytest.mark.parametrize("spec", IDS)
def test_same_properties_with_and_without(spec: str) -> None:
    roles = load(spec).roles
    full, reduced = (check(spec, roles, SMALL, reduce=reduce, explain=False) for reduce in (False, True))
    assert full.properties == reduced.properties and full.verdict == reduced.verdict
    assert reduced.states * 2 < full.states


@pytest.mark.parametrize("spec", ["v4.14", "drop-oom-skip", "v5.17"])
def test_same_properties_in_the_default_scope(spec: str) -> None:
    full, reduced = verdict(spec, reduce=False, explain=False), verdict(spec, explain=False)
    assert full.properties == reduced.properties and full.verdict == reduced.verdict


@pytest.mark.parametrize("spec", ["v4.17"])
def test_same_properties_with_two_callers(spec: str) -> None:
    full = verdict(spec, "two-callers", reduce=False, explain=False)
    reduced = verdict(spec, "two-callers", explain=False)
    assert full.properties == reduced.properties
    assert reduced.states * 4 < full.states


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=150))
def test_swapping_equal_callers_gives_the_same_packed_state(tasks: list[int]) -> None:
    scope = find_scope("two-callers")
    found = unsearched(start_of(scope, load("v5.17").roles))
    assert found.start.symmetric == [(2, 3)]
    a, b = initial(found), initial(found)
    for task in tasks:
        for world, other in ((a, task), (b, {2: 3, 3: 2}.get(task, task))):
            if choices(world, other, found.problem.rows):
                one_step(world, found.problem, other, 0)
    assert np.array_equal(packed(a, found), packed(b, found))


@pytest.mark.parametrize("spec", ["v5.17", "drop-oom-skip"])
def test_same_verdict_on_mutants(spec: str) -> None:
    """Broken designs, too, are judged the same: on every mutant that the linter lets through."""
    n = 0
    for mutant in mutants_of(load(spec)):
        try:
            lint_roles(spec, mutant.roles)
        except InputError:
            continue
        full = check(spec, mutant.roles, SMALLER, reduce=False, explain=False)
        reduced = check(spec, mutant.roles, SMALLER, explain=False)
        assert full.properties == reduced.properties, (mutant.role, mutant.kind, mutant.label)
        n += 1
    assert n > 20


def test_traps_are_found_in_both() -> None:
    for spec in ("drop-oom-skip", "v5.17"):
        full, reduced = traps(explore(spec, reduce=False)), traps(explore(spec))
        assert [t is None for t in full] == [t is None for t in reduced]


def test_reduced_states_are_states_of_the_full_graph() -> None:
    full, reduced = explore("v4.17", reduce=False), explore("v4.17")
    n = full.plan.n_words
    known = {row.tobytes() for row in np.reshape(full.graph.states[: full.n_states * n], (-1, n))}
    assert all(row.tobytes() in known for row in np.reshape(reduced.graph.states[: reduced.n_states * n], (-1, n)))
    assert len(known) == full.n_states
