"""asv's result files as values: series and parameters to a value with its spread.

A *series* is one benchmark function ("blocking.Blocking.track_blocking_seconds"); it has one value per combination of
parameters. `track_` series are the model's and the same on every machine; the others time this machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError
from mmbench.extras import require
from mmbench.records.files import read_json

# asv takes lower for better everywhere; these are the exceptions. A test holds them to the benchmarks' own words.
HIGHER_IS_BETTER = frozenset({"track_freed_pages", "track_throughput"})
# Whole processes from start to end: two runs of the same code differ by a fifth.
NEVER_GATED = frozenset({"time_help", "time_import", "time_first_run"})
HASH_LENGTH = 8  # as in asv.conf.json


@dataclass(frozen=True)
class Key:
    """One value of one series: its name and its parameters, as asv spells them (without quotes)."""

    series: str
    params: tuple[str, ...]

    @property
    def function(self) -> str:
        """The benchmark function's own name."""
        return self.series.rpartition(".")[2]

    @property
    def is_exact(self) -> bool:
        """Deterministic: the same on every machine."""
        return self.function.startswith("track_")

    @property
    def is_gated(self) -> bool:
        """Whether getting worse counts."""
        return self.function not in NEVER_GATED

    @property
    def higher_is_better(self) -> bool:
        """Direction."""
        return self.function in HIGHER_IS_BETTER


@dataclass(frozen=True)
class Value:
    """A number, with the samples and statistics that asv kept of a timing; None where the benchmark failed."""

    number: float | None
    version: str
    stats: dict[str, Any] | None = None
    samples: tuple[float, ...] | None = None

    @property
    def spread(self) -> float | None:
        """Quartile distance over the median, of a timing that ran more than once."""
        if not self.stats or not self.number or self.stats.get("repeat", 1) < 2:
            return None
        low, high = self.stats.get("q_25"), self.stats.get("q_75")
        return None if low is None or high is None else (float(high) - float(low)) / self.number


@dataclass(frozen=True)
class Measured:
    """One result file: commit, its date (ms of the epoch), machine, and every value that was not skipped.

    versions: series -> version of its benchmark, of skipped ones too
    """

    commit: str
    date_ms: int
    machine: str
    values: dict[Key, Value]
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def n_values(self) -> int:
        """Values that are numbers; failed ones are not."""
        return sum(value.number is not None for value in self.values.values())


def result_files(folder: Path) -> list[Path]:
    """asv's result files below a results folder, environments and machines apart, sorted by name."""
    return sorted(path for path in folder.glob("*/*.json") if path.name != "machine.json")


def read_results(path: Path) -> Measured:
    """Read one result file. Raises CannotError when asv cannot, or is not installed."""
    results_of = _asv_results()
    try:
        results = results_of.load(str(path))
    except Exception as error:  # asv raises its own kinds, all with a sentence
        raise CannotError(f"{path}: asv cannot read it: {error}. Delete it and measure that commit again.") from error
    values: dict[Key, Value] = {}
    for series in results.get_all_result_keys():
        values |= dict(_values(results, series))
    versions = {series: str(version) for series, version in results.benchmark_version.items()}
    return Measured(results.commit_hash, int(results.date), path.parent.name, values, versions)


def _asv_results() -> Any:
    require("asv", "reading results needs")
    from asv.results import Results

    return Results


def _values(results: Any, series: str) -> Iterator[tuple[Key, Value]]:
    params = results.get_result_params(series)
    numbers = _column(results.get_result_value(series, params))
    stats = _column(results.get_result_stats(series, params))
    samples = _column(results.get_result_samples(series, params))
    version = str(results.benchmark_version.get(series, ""))
    combinations = list(itertools.product(*params)) if params else [()]
    for i, combination in enumerate(combinations):
        number = _at(numbers, i)
        if number is not None and math.isnan(number):
            continue  # skipped by its own set-up
        key = Key(series, tuple(str(p).strip("'\"") for p in combination))
        taken = _at(samples, i)
        yield key, Value(number, version, _at(stats, i), tuple(taken) if taken else None)


def _column(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _at(column: list[Any], i: int) -> Any:
    return column[i] if i < len(column) else None


def all_results(folder: Path, commit: str) -> list[Measured]:
    """Every result file of a commit: one per machine and environment."""
    return [read_results(path) for path in result_files(folder) if path.name.startswith(commit[:HASH_LENGTH] + "-")]


def results_of_commit(folder: Path, commit: str, machine: str | None = None) -> Measured | None:
    """The result file of a commit with the most values, of one machine or of any; None when there is none."""
    return fullest(all_results(folder, commit), machine)


def results_of_both(folder: Path, a: str, b: str) -> tuple[Measured | None, Measured | None]:
    """Results of two commits, of the same machine where one has measured both: timings compare there only."""
    return paired(all_results(folder, a), all_results(folder, b))


def paired(of_a: Sequence[Measured], of_b: Sequence[Measured]) -> tuple[Measured | None, Measured | None]:
    """The same, of all results of either commit."""
    machines = sorted({one.machine for one in of_a} & {one.machine for one in of_b})
    pairs = [(fullest(of_a, name), fullest(of_b, name)) for name in machines]
    both = [(x, y) for x, y in pairs if x and y and x.n_values and y.n_values]
    if both:
        return max(both, key=lambda pair: min(one.n_values for one in pair))
    return fullest(of_a), fullest(of_b)


def fullest(found: Sequence[Measured], machine: str | None = None) -> Measured | None:
    """The one with the most values, of one machine or of any."""
    own = [one for one in found if machine in (None, one.machine)]
    return max(own, key=lambda one: one.n_values, default=None)


def history_of(folder: Path, order: Sequence[str]) -> list[list[Measured]]:
    """All results that hold a number, commit by commit in the order given; commits that nobody measured are left out.

    order: full hashes, oldest first
    """
    by_commit: dict[str, list[Measured]] = {}
    for one in map(read_results, result_files(folder)):
        if one.n_values:
            by_commit.setdefault(one.commit, []).append(one)
    return [by_commit[commit] for commit in order if commit in by_commit]


def newest(folder: Path) -> Measured | None:
    """The results of the newest commit, by the commit's own date, that has any number; None when none has."""
    found = [one for one in map(read_results, result_files(folder)) if one.n_values]
    return max(found, key=lambda one: (one.date_ms, one.n_values), default=None)


def units(folder: Path) -> dict[str, str]:
    """Unit of each series, from asv's benchmarks.json; empty without that file."""
    path = folder / "benchmarks.json"
    if not path.is_file():
        return {}
    return {name: str(entry.get("unit", "")) for name, entry in read_json(path).items() if isinstance(entry, dict)}
