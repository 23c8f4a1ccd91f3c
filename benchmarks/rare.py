"""What does one heavy victim in a hundred do to the others? Simulated, deterministic, a kill a second."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

from benchmarks.common import PS_PER_SECOND, STRATEGIES

N_REPLICATIONS = 20
LARGEST = 64 << 30
HOLDS = ("none", "memory")


def worlds_of(strategy: str) -> dict[str, Any]:
    """The same victims, the heavy ones' page lock held until memory comes: with them, without, with nothing locked."""
    from mmbench.cost.table import load_table
    from mmbench.scenarios import scenario
    from mmbench.sizing.laws.families import parse_family
    from mmbench.sizing.laws.spoken import parse_holds, parse_kills
    from mmbench.sizing.queue.mixture import mixture, node_tables, service_table
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.study import Study
    from mmbench.sizing.worlds import compared, heavy_of, run_worlds
    from mmbench.strategies import load

    setting = Setting(load(strategy), scenario("quiet"), load_table())
    ordinary = parse_family("1GiB", None, "--ordinary", LARGEST)
    heavy = parse_family("16GiB", "0.9", "--heavy", LARGEST)
    parts = compared(mixture(ordinary, heavy, Fraction(1, 100), parse_holds("memory"), Fraction(1)))
    table = service_table(parts, node_tables(parts, setting, lambda: None), setting)
    study = Study(
        1, parse_kills("poisson:1/s"), table.thresholds, table.components, table.fields, setting.delay_ps,
        heavy=heavy_of(parts, table.components, len(table.fields)),
    )  # fmt: skip
    return run_worlds(study, 0, N_REPLICATIONS)


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
        """p99.9 from kill to MMF_OOM_SKIP, whatever it says: track_early_skips is how often it is not true.

        Lower is better.
        """
        from mmbench.sizing.sample import Estimate, Sample

        found = Sample(counts[strategy, holds]).quantile("skip", 0.999)
        if not isinstance(found, Estimate):
            raise AssertionError(f"{strategy}, {holds}: p99.9 is refused")
        return found.value / PS_PER_SECOND

    def track_mean_to_memory_back(
        self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str
    ) -> float:
        """Mean time from kill to a MMF_OOM_SKIP that says memory is back. Lower is better.

        Not a number at commits that did not tell the two apart: asv shows a gap.
        """
        from mmbench.sizing.sample import Sample

        try:
            from mmbench.sizing.answers import oom_skip
        except ImportError:
            return math.nan

        return float(oom_skip(Sample(counts[strategy, holds]))["back_mean_ps"]) / PS_PER_SECOND

    def track_early_skips(self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str) -> float:
        """Share of kills whose MMF_OOM_SKIP is set by giving up, or before the memory is back. Lower is better."""
        from mmbench.sizing.sample import Sample

        sample = Sample(counts[strategy, holds])
        try:
            return 100 * sample.total("early") / sample.n
        except ValueError:  # a commit that did not count them
            return math.nan

    def track_mean_behind(self, counts: dict[tuple[str, str], dict[str, Any]], strategy: str, holds: str) -> float:
        """Mean time that a kill waits behind another victim. Lower is better."""
        from mmbench.sizing.sample import Sample

        return Sample(counts[strategy, holds]).mean("behind_ns") / PS_PER_SECOND

    track_p999_to_oom_skip.unit = "s"  # type: ignore[attr-defined]
    track_mean_to_memory_back.unit = "s"  # type: ignore[attr-defined]
    track_early_skips.unit = "%"  # type: ignore[attr-defined]
    track_mean_behind.unit = "s"  # type: ignore[attr-defined]
    track_mean_to_memory_back.version = "2"  # type: ignore[attr-defined]
    track_early_skips.version = "2"  # type: ignore[attr-defined]


class HeavyAdds:
    """What the one heavy victim in a hundred adds, by strategy: the same kills with and without it."""

    version = "1"
    timeout = 300
    params = (STRATEGIES,)
    param_names = ("strategy",)

    def setup_cache(self) -> dict[str, dict[str, Any]]:
        """What each study says of its heavy victims, once per commit."""
        if find_spec("mmbench.sizing") is None or find_spec("mmbench.sizing.worlds") is None:
            return {}
        from mmbench.sizing.added import added

        return {strategy: added(worlds_of(strategy), 0.95) for strategy in STRATEGIES}

    def setup(self, found: dict[str, dict[str, Any]], strategy: str) -> None:
        """Skip commits from before a study knew worlds without heavy victims."""
        if not found:
            raise NotImplementedError("no mmbench.sizing.worlds at this commit")

    def track_added_to_mean(self, found: dict[str, dict[str, Any]], strategy: str) -> float:
        """Mean time from kill to MMF_OOM_SKIP, whatever it says, with less without. Lower is better."""
        return float(found[strategy]["effects"]["mean"]["added"]["value"]) / PS_PER_SECOND

    def track_done_to_others(self, found: dict[str, dict[str, Any]], strategy: str) -> float:
        """What of it they do to others. Lower is better."""
        return float(found[strategy]["effects"]["mean"]["to_others"]["value"]) / PS_PER_SECOND

    def track_added_by_mlock(self, found: dict[str, dict[str, Any]], strategy: str) -> float:
        """What of it is mlock alone; below 0 where MMF_OOM_SKIP comes before memory is back. Lower is better."""
        return float(found[strategy]["effects"]["mean"]["by_mlock"]["value"]) / PS_PER_SECOND

    track_added_to_mean.unit = "s"  # type: ignore[attr-defined]
    track_done_to_others.unit = "s"  # type: ignore[attr-defined]
    track_added_by_mlock.unit = "s"  # type: ignore[attr-defined]
