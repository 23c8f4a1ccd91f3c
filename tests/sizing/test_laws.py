"""Laws as people write them, and every way to write them wrong."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from mmbench.errors import InputError
from mmbench.sizing.laws.families import nodes_of, parse_family
from mmbench.sizing.laws.spoken import parse_holds, parse_kills, parse_probability, recorded_kills

GIB = 1 << 30


@pytest.mark.parametrize(
    ("text", "value"), [("1/2400", Fraction(1, 2400)), ("0.01", Fraction(1, 100)), ("1%", Fraction(1, 100)), ("1", 1)]
)
def test_probabilities_are_exact(text, value) -> None:
    assert parse_probability(text, "--rarity") == value


@pytest.mark.parametrize("text", ["1.5", "-0.1", "101%", "nan", "", "1/0", "2/1", "half", "1e-3%"])
def test_what_is_no_probability_is_refused(text) -> None:
    with pytest.raises(InputError, match="--rarity"):
        parse_probability(text, "--rarity")


def test_rates_are_kills_per_second() -> None:
    assert parse_kills("poisson:30/min").kills_per_s == pytest.approx(0.5)
    assert parse_kills("bursts:6/h,size=5,gap=100ms").kills_per_s == pytest.approx(5 / 600.4)
    assert recorded_kills("log", np.array([10**12, 3 * 10**12])).kills_per_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    "text",
    ["poisson", "poisson:", "poisson:0/s", "poisson:1/week", "poisson:-1/s", "uniform:1/s", "bursts:1/s",
     "bursts:1/s,size=0,gap=1s", "bursts:1/s,size=5", "bursts:1/s,size=5,gap=soon", "bursts:1/s,size=99999,gap=1ms",
     "poisson:99999999999/s", "poisson:0.1/day"],
)  # fmt: skip
def test_what_is_no_law_of_kills_is_refused(text) -> None:
    with pytest.raises(InputError):
        parse_kills(text)


@pytest.mark.parametrize("gaps", [[], [5], [0, 0, 0], [1, -1]])
def test_records_that_cannot_be_replayed_are_refused(gaps) -> None:
    with pytest.raises(InputError, match="kill"):
        recorded_kills("log", np.array(gaps, dtype=np.int64))


def test_holds() -> None:
    assert parse_holds("none") is None
    assert parse_holds("memory").memory
    assert parse_holds("fixed:50ms").points_ps == (50 * 10**9,)
    points = parse_holds("exp:50ms").points_ps
    assert len(points) == 96 and list(points) == sorted(points)
    assert max(parse_holds("pareto:10ms,0.5").points_ps) == 600 * 10**12


@pytest.mark.parametrize(
    "text", ["", "exp", "exp:", "exp:fast", "fixed:0s", "pareto:10ms", "pareto:10ms,0", "weibull:1s"]
)
def test_what_is_no_law_of_holds_is_refused(text) -> None:
    with pytest.raises(InputError, match=r"hold|time"):
        parse_holds(text)


def test_sizes_of_a_law_keep_its_tail() -> None:
    family = parse_family("pareto:64MiB,1", None, "--ordinary", 256 * GIB)
    assert len(family.sizes) == 128
    assert min(family.sizes) >= 64 << 20
    assert max(family.sizes) == 256 * GIB
    assert family.nodes[0] == min(family.sizes) and family.nodes[-1] == max(family.sizes)


def test_nodes_are_about_one_for_each_doubling() -> None:
    nodes = nodes_of(64 << 20, 64 * GIB)
    assert len(nodes) == 11
    assert all(1.9 < b / a < 2.1 for a, b in pairwise(nodes))
    assert nodes_of(4096, 4096) == (4096,)


@pytest.mark.parametrize(
    "text", ["", "big", "-1GiB", "lognormal:256MiB", "lognormal:256MiB,0", "pareto:1,2,3", "pareto:64MiB,x", "/no/such"]
)
def test_what_is_no_law_of_victims_is_refused(text) -> None:
    with pytest.raises(InputError):
        parse_family(text, None, "--heavy", GIB)


def test_a_named_victim_is_complete_in_itself() -> None:
    assert parse_family("cassandra", None, "--heavy", GIB).n_locked_pages() == 8 * GIB // 4096
    with pytest.raises(InputError, match="leave out"):
        parse_family("cassandra", "0.5", "--heavy", GIB)
