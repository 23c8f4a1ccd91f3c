"""The deterministic series are the same on any number of workers, and when they are computed again."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from benchmarks.blocking import Blocking
from benchmarks.common import STRATEGIES, run_victim
from benchmarks.freed import Freed
from benchmarks.throughput import Throughput

VICTIMS = (("1GiB", "90%"), ("2GiB", "10%"), ("64MiB", "100%"), ("3GiB", "50%"))
SERIES = (
    (Blocking(), "track_blocking_seconds"),
    (Freed(), "track_freed_pages"),
    (Freed(), "track_pages_left"),
    (Throughput(), "track_throughput"),
    (Throughput(), "track_seconds_per_million_pages"),
)

Values = dict[tuple[str, str, str, str], float]


def values_of(victim: tuple[str, str]) -> Values:
    """Every series' values of one victim; runs in a worker."""
    records = run_victim(*victim)
    return {
        (name, strategy, *victim): getattr(series, name)(records, strategy, *victim)
        for series, name in SERIES
        for strategy in STRATEGIES
    }


def on_workers(n: int) -> Values:
    """All values, computed by n fresh processes."""
    found: Values = {}
    with ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn")) as pool:
        for values in pool.map(values_of, VICTIMS):
            found |= values
    return found


@pytest.fixture(scope="module")
def here() -> Values:
    """All values, computed in this process, the victims in another order."""
    found: Values = {}
    for victim in reversed(VICTIMS):
        found |= values_of(victim)
    return found


@pytest.mark.parametrize("n", [1, 2])
def test_any_number_of_workers_finds_the_same_values(here: Values, n: int) -> None:
    found = on_workers(n)
    assert len(found) == len(SERIES) * len(STRATEGIES) * len(VICTIMS)
    assert {key: value.hex() if isinstance(value, float) else value for key, value in found.items()} == {
        key: value.hex() if isinstance(value, float) else value for key, value in here.items()
    }
