"""Several reapers on one list: against the twin, against the one thread, and against Erlang."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.choosing import batch_means_ps
from mmbench.sizing.queue.crew import crew_newest, crew_oldest
from mmbench.sizing.queue.reaper_list import REAPER, fifo, lifo
from mmbench.sizing.sample import Sample
from mmbench.sizing.stats.intervals import mean_interval
from mmbench.sizing.study import run_chunk
from mmbench.sizing.textbook import textbook_study
from tests.reference.reaper_list import waits_of
from tests.sizing.test_queue import RANDOM_TABLES, random_case


def waits(gaps, entries, busy, n_reapers: int, *, newest_first: bool) -> list[int]:
    free, found = np.zeros(n_reapers, dtype=np.int64), np.zeros(len(gaps), dtype=np.int64)
    if newest_first:
        crew_newest(gaps, entries, busy, free, found, np.zeros_like(gaps), np.zeros_like(gaps))
    else:
        crew_oldest(gaps, entries, busy, free, found)
    return found.tolist()


@settings(max_examples=60, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 60), st.integers(1, 5), st.booleans())
def test_every_crew_does_what_its_twin_does(seed, n, n_reapers, newest_first) -> None:
    gaps, entries, fields = random_case(seed, n)
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    truth = waits_of(gaps, entries, fields, newest_first=newest_first, n_reapers=n_reapers)
    assert waits(gaps, entries, busy, n_reapers, newest_first=newest_first) == truth


@settings(max_examples=30, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 400))
def test_a_crew_of_one_is_the_kernels_thread(seed, n) -> None:
    gaps, entries, fields = random_case(seed, n)
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    found, kills, since = (np.zeros(n, dtype=np.int64) for _ in range(3))
    lifo(gaps, entries, busy, found, kills, since)
    assert waits(gaps, entries, busy, 1, newest_first=True) == found.tolist()
    fifo(gaps, entries, busy, found)
    assert waits(gaps, entries, busy, 1, newest_first=False) == found.tolist()


def erlang_wait(n: int, load: float) -> float:
    """Mean wait of M/M/n in mean services (Erlang 1917); load: of all together, below 1."""
    offered = n * load
    last = offered**n / factorial(n) / (1 - load)
    return last / (sum(offered**k / factorial(k) for k in range(n)) + last) / (n * (1 - load))


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest", "oldest"])
@pytest.mark.parametrize("n_reapers", [2, 8])
def test_mean_wait_is_erlangs(n_reapers, newest_first, exponential) -> None:
    study = textbook_study(exponential, n_reapers * 0.7, newest_first=newest_first)
    sample = Sample(run_chunk(replace(study, n_reapers=n_reapers), 0, 40))
    found = mean_interval(batch_means_ps(sample), 0.999)
    service = float(exponential.mean())
    truth = service * (1 + erlang_wait(n_reapers, 0.7))
    assert found.low <= truth <= found.high < 1.1 * truth
