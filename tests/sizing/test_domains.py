"""Kills in domains against their twin; without a victim in the way they are the reaper's plain list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.counting import whole
from mmbench.sizing.queue.domains import draw_domains, serve_domains
from mmbench.sizing.queue.reaper_list import COLLATERAL, N_WAITS, REAPER, lifo
from mmbench.sizing.sample import Sample
from mmbench.sizing.stats.intervals import mean_interval
from mmbench.sizing.study import run_chunk
from mmbench.sizing.textbook import constant_fields, mean_wait_ps, textbook_study
from tests.reference.domains import Machine
from tests.sizing.test_queue import RANDOM_TABLES, random_case

MS = 10**9


def served(gaps, victims, domains, fields) -> tuple[list[int], list[int], list[int]]:
    n = len(gaps)
    waits, held, cost = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64), np.empty(n, np.int64)
    serve_domains(
        np.asarray(gaps), np.asarray(victims), np.asarray(domains), max(domains) + 1, fields, waits, held, cost
    )
    return waits.tolist(), held.tolist(), cost.tolist()


@settings(max_examples=80, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 60), st.integers(1, 5))
def test_domains_are_served_as_their_twin_serves_them(seed: int, n: int, n_domains: int) -> None:
    gaps, _, fields = random_case(seed, n)
    draw = np.random.default_rng(seed)
    fields[:, :, COLLATERAL] = draw.random((5, N_WAITS)) < 0.2
    victims, domains = draw.integers(0, 5, 2 * n), draw.integers(0, n_domains, n)
    twin = Machine(gaps, victims.tolist(), domains.tolist(), fields)
    twin.run()
    assert served(gaps, victims, domains, fields) == (twin.waits, twin.held, twin.cost)


@settings(max_examples=30, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 60))
def test_a_domain_for_each_kill_is_the_plain_list(seed: int, n: int) -> None:
    gaps, entries, fields = random_case(seed, n)
    fields[:, :, COLLATERAL] = 0
    waits, kills, since = (np.zeros(n, dtype=np.int64) for _ in range(3))
    lifo(gaps, entries, np.ascontiguousarray(fields[:, :, REAPER]), waits, kills, since)
    found = served(gaps, np.concatenate([entries, entries]), np.arange(n), fields)
    assert found == (waits.tolist() + [0] * n, [0] * 2 * n, [0] * n)


def test_one_domain_by_hand() -> None:
    """Kills at 0, 1 and 2, each done 5 later; the first costs a further victim, which goes before those held back."""
    fields = constant_fields(np.array([5.0, 5.0]))
    fields[1, :, COLLATERAL] = 1
    waits, held, cost = served([0, 1, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0], fields)
    assert waits == [0] * 6 and cost == [1, 0, 0]
    assert held == [0, 9, 13, 0, 0, 0]  # the further one at 5, then those of 1 and 2 at 10 and 15


@pytest.mark.parametrize("law", ["exponential", "deterministic"])
def test_the_whole_machine_as_one_domain_holds_back_as_pollaczek_and_khinchine_say(law, request) -> None:
    """Nobody waits on the list any more: each kill waits in order of arrival for MMF_OOM_SKIP of the one before."""
    study = replace(textbook_study(request.getfixturevalue(law), 0.6), n_domains=1)
    counts = run_chunk(study, 0, 60)
    kills, ns = whole(counts, "batch_stats")[:, 0], whole(counts, "held")[:, 1]
    found = mean_interval(np.array(1000.0 * ns / kills, dtype=np.float64), 0.999)
    assert found.low <= mean_wait_ps(study) <= found.high < 1.1 * found.value
    assert Sample(counts).total("waited") == 0


def test_the_clock_starts_again_after_years() -> None:
    """Three kills at once, then nothing for a day, 100 times: a clock in ps overflows after 106 days."""
    fields = constant_fields(np.array([50.0 * MS]))
    n = 300
    gaps = np.where(np.arange(n) % 3 == 0, 10**17, MS)
    waits, held, _ = served(gaps, np.zeros(2 * n, np.int64), np.arange(n) % 2, fields)
    assert waits[:n] == [0, 49 * MS, 50 * MS] * (n // 3)
    assert held[:n] == [0, 0, 48 * MS] * (n // 3)


def test_domains_are_drawn_alike_and_evenly() -> None:
    one, two = np.empty(4000, np.int64), np.empty(1000, np.int64)
    draw_domains(7, 0, 4, one)
    draw_domains(7, 3000, 4, two)
    assert one[3000:].tolist() == two.tolist()
    assert np.bincount(one).min() > 900
