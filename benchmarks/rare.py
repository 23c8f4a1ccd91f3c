"""What does one heavy victim in a hundred do to the others? Simulated, deterministic, a kill a second."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from typing import Any

from benchmarks.common import PS_PER_SECOND, STRATEGIES

N_REPLICATIONS = 20
LARGEST = 64 << 30
HOLDS = ("none", "memory")


def counts_of(strategy: str, holds: str) -> dict[str, Any]:
    """Ordinary victims of 1 GiB, one in a hundred of 16 GiB and 90 % mlocked, its page lock held or not."""
    from mmbench.cost.table import load_table
    from mmbench.scenarios import scenario
    from mmbench.sizing.laws.families import parse_family
    from mmbench.sizing.laws.spoken import parse_holds, parse_kills
    from mmbench.sizing.queue.mixture import mixture, node_tables, service_table
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.study import Study, run_chunk
    from mmbench.strategies import load

    setting = Setting(load(strategy), scenario("quiet"), load_table())
    ordinary = parse_family("1GiB", None, "--ordinary", LARGEST)
    heavy = parse_family("16GiB", "0.9", "--heavy", LARGEST)
    parts = mixture(ordinary, heavy, Fraction(1, 100), parse_holds(holds), Fraction(1))
    table = service_table(parts, node_tables(parts, setting, lambda: None), setting)
    kills = parse_kills("poisson:1/s")
    study = Study(1, kills, table.thresholds, table.components, table.fields, setting.delay_ps)
    return run_chunk(study, 0, N_REPLICATIONS)


class RareHeavy:
    """Ten strategies, with and without a page-lock holder that waits for memory."""

    version = "1"
    timeout = 300
    params = (STRATEGIES, HOLDS)
    param_names = ("strategy", "holds")

    def setup_cache(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The counts of every study, once per commit."""
        if find_spec("mmbench.sizing") is None:
            return {}
        return {(s, h): counts_of(s, h) for s in STRATEGIES for h in HOLDS}

    def setup(self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str) -> None:
        """Skip commits from before there was a queue."""
        if not counts:
            raise NotImplementedError("no mmbench.sizing at this commit")

    def track_p999_to_oom_skip(self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str) -> float:
        """p99.9 from kill to MMF_OOM_SKIP. Lower is better."""
        from mmbench.sizing.sample import Estimate, Sample

        found = Sample(counts[strategy, holds]).quantile("skip", 0.999)
        if not isinstance(found, Estimate):
            raise AssertionError(f"{strategy}, {holds}: p99.9 is refused")
        return found.value / PS_PER_SECOND

    def track_mean_behind(self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str) -> float:
        """Mean time that a kill waits behind another victim. Lower is better."""
        from mmbench.sizing.sample import Sample

        return Sample(counts[strategy, holds]).mean("behind_ns") / PS_PER_SECOND

    track_p999_to_oom_skip.unit = "s"  # type: ignore[attr-defined]
    track_mean_behind.unit = "s"  # type: ignore[attr-defined]
