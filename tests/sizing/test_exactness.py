"""Printed percentiles against pure engine runs of the same kills: the table is right where answers rest on it."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mmbench.cost.table import load_table
from mmbench.scenarios import scenario
from mmbench.sizing.exactness import TOLERANCE, mended, nearest, withhold
from mmbench.sizing.laws.families import parse_family
from mmbench.sizing.laws.spoken import parse_holds, parse_kills
from mmbench.sizing.queue.mixture import mixture, node_tables, service_table
from mmbench.sizing.queue.service import Runs, Setting
from mmbench.sizing.queue.tally import BEHIND, QUANTITIES
from mmbench.sizing.queue.worst import read_kills
from mmbench.sizing.study import Study
from mmbench.sizing.worlds import compared, heavy_of
from mmbench.strategies import load
from tests.reference.pure_engine import Engine, by_engine

GIB = 1 << 30
SMALL_PS = 10**9  # as the study's own measure has it


def percentile_errors(strategy: str, heavy: str, n: int, percentiles: list[float]) -> dict[str, float]:
    """Relative errors of the table's percentiles of n kills, one in a hundred heavy with its page lock held."""
    setting = Setting(load(strategy), scenario("quiet"), load_table())
    parts = compared(
        mixture(
            parse_family("lognormal:256MiB,1.5", None, "--ordinary", 256 * GIB),
            parse_family(heavy, "0.9", "--heavy", 256 * GIB), Fraction(1, 100), parse_holds("memory"), Fraction(1),
        )
    )  # fmt: skip

    def study_of(runs: list[Runs]) -> Study:
        table = service_table(parts, runs, setting)
        return Study(
            1, parse_kills("poisson:1/s"), table.thresholds, table.components, table.fields, setting.delay_ps,
            heavy=heavy_of(parts, table.components, len(table.fields)),
        )  # fmt: skip

    study = study_of(mended(parts, node_tables(parts, setting, lambda: None), setting, study_of))
    truth, entries, waits = by_engine(Engine(parts, study, setting), n)
    read = np.empty((BEHIND + 1, n), dtype=np.int64)
    read_kills(entries, waits, study.fields, read[:BEHIND])
    read[BEHIND] = waits
    found = {}
    for q, name in enumerate(QUANTITIES):
        for p in percentiles:
            here, there = (float(np.quantile(of[q], p, method="inverted_cdf")) for of in (read, truth))
            found[f"{name} p{100 * p:g}"] = abs(here - there) / max(there, SMALL_PS)
    return found


def test_percentiles_of_a_small_study_are_those_of_the_engine() -> None:
    found = percentile_errors("drop-oom-skip", "16GiB", 3000, [0.5, 0.9, 0.99])
    assert max(found.values()) < TOLERANCE, found


@pytest.mark.slow
@pytest.mark.parametrize("heavy", ["64GiB", "256GiB"])
@pytest.mark.parametrize("strategy", ["v5.17", "v6.18", "drop-oom-skip"])
def test_percentiles_of_a_study_are_those_of_the_engine(strategy, heavy) -> None:
    found = percentile_errors(strategy, heavy, 20_000, [0.5, 0.9, 0.99, 0.999])
    worst = max(found, key=found.__getitem__)
    print(f"{strategy}, {heavy}: at worst {found[worst]:.3%}, {worst}")
    assert found[worst] < TOLERANCE, found


def test_a_percentile_that_rests_on_a_wrong_table_is_not_printed() -> None:
    estimate = {"value": 5e9, "low": 4e9, "high": 6e9, "effective": 900}

    def record() -> Any:
        of = {"mean_ps": 1.0, "percentiles": {"p99": estimate, "p99.9": estimate}, "max": {"low": 1, "high": 2}}
        effects = {"p99": {"added": 1}, "p99.9": {"added": 1}}
        return {"latency": {"skip": deepcopy(of), "all": deepcopy(of)}, "added": {"effects": effects}}

    right, wrong = ({"median": median, "worst": 0.5, "runs": 15} for median in (TOLERANCE, TOLERANCE + 0.001))
    found = record() | {"interpolation": {"skip p99": right, "all p99.9": wrong, "skip over": wrong, "heavy": wrong}}
    withhold(found)
    assert "2.1% off" in found["latency"]["all"]["percentiles"].pop("p99.9")["refused"]
    assert found["latency"]["all"]["percentiles"] == {"p99": estimate}
    assert found["latency"]["skip"] == record()["latency"]["skip"] and found["added"] == record()["added"]
    found = record() | {"interpolation": {"skip p99": wrong, "skip p99.9 without": wrong}}
    withhold(found)
    assert "refused" in found["latency"]["skip"]["percentiles"]["p99"]
    assert found["latency"]["skip"]["percentiles"]["p99.9"] == estimate
    assert all("refused" in effect for effect in found["added"]["effects"].values())


def test_the_nearest_kills() -> None:
    values = np.array([5, 100, 7, 6, 50])
    assert nearest(values, np.arange(5), 6) == [0, 1, 2, 3, 4]
    many = np.arange(1000)
    assert nearest(many, np.arange(1000), 500) == list(range(493, 508))
    assert nearest(many, np.arange(0), 500) == []
