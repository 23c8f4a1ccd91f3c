"""The asv suite: its configuration, its names, and one run of a benchmark of each file."""

from __future__ import annotations

import importlib
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from asv.config import Config
from asv_runner.discovery import disc_benchmarks  # type: ignore[import-untyped]

from benchmarks import blocking, common, freed, later, scale, speed, throughput
from mmbench.errors import InputError
from mmbench.strategies import IDS

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = {b.name: b for b in disc_benchmarks(str(ROOT / "benchmarks"))}
AT_MOST = 40


def config() -> Config:
    return Config.load(str(ROOT / "asv.conf.json"))


def name_of(requirement: str) -> str:
    """Normalised name of a requirement such as "Foo_bar>=1; extra == 'x'"."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()  # type: ignore[index]


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().split()
    return {name_of(line): line.partition("==")[2] for line in lines}


def closure(names: Iterator[str]) -> set[str]:
    """The distributions that these need at run time, themselves included."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            needs = [r for r in metadata.requires(name) or [] if "extra ==" not in r and "python_version <" not in r]
            waiting += [name_of(r) for r in needs]
    return found


def test_config_has_no_unknown_key() -> None:
    assert set(vars(config())) == set(vars(Config()))


def test_environment_is_the_lock() -> None:
    pinned = {name_of(name): versions for name, versions in config().matrix["req"].items()}
    assert pinned == {name: [lock()[name]] for name in pinned}


def test_environment_has_every_run_time_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = closure(name_of(line) for line in project["dependencies"] + project["optional-dependencies"]["plot"])
    assert {name_of(name) for name in config().matrix["req"]} == wanted | {"setuptools", "wheel"}


def test_detection_is_off_where_higher_is_better_and_for_start_up_times() -> None:
    off = [pattern for pattern, first in config().regressions_first_commits.items() if first is None]
    found = {name for name in BENCHMARKS if any(re.match(pattern, name) for pattern in off)}
    assert found == {
        "freed.Freed.track_freed_pages", "throughput.Throughput.track_throughput",
        "later.Freed.track_freed_pages", "later.Throughput.track_throughput",
        "start.Start.time_help", "start.Start.time_import", "start.Compile.time_first_run",
    }  # fmt: skip


def test_thresholds_are_for_timings_only() -> None:
    for pattern in config().regressions_thresholds:
        assert {n for n in BENCHMARKS if re.match(pattern, n)} == {n for n in BENCHMARKS if ".time_" in n}


def test_all_series_are_there() -> None:
    assert {name.rpartition(".")[2] for name in BENCHMARKS} == {
        "track_blocking_seconds", "track_freed_pages", "track_pages_left", "track_throughput",
        "track_seconds_per_million_pages", "track_race_seconds", "track_array_bytes_per_page", "track_mean_behind",
        "track_p999_to_oom_skip", "track_added_to_mean", "track_done_to_others", "track_added_by_mlock",
        "track_mean_to_memory_back", "track_early_skips",
        "time_unmap", "time_reap", "time_munlock", "time_build", "time_race", "time_help",
        "time_import", "time_first_run",
    }  # fmt: skip


@pytest.mark.parametrize("name", BENCHMARKS)
def test_says_what_it_is(name: str) -> None:
    sources = BENCHMARKS[name]._attr_sources[:2]  # the function and its object, not the module
    said = {key: getattr(s, key) for s in reversed(sources) for key in ("version", "unit", "param_names", "timeout")
            if hasattr(s, key)}  # fmt: skip
    assert set(said) == {"version", "unit", "param_names", "timeout"}
    assert re.fullmatch(r"\d+", said["version"])
    benchmark = BENCHMARKS[name]
    assert len(benchmark.params) == len(said["param_names"])
    assert len(list(itertools.product(*benchmark.params))) <= AT_MOST


def test_strategies_are_built_in_ones_in_their_order() -> None:
    for names in (common.STRATEGIES, later.LATER):
        assert [name for name in IDS if name in names] == list(names)
    assert not set(common.STRATEGIES) & set(later.LATER)


@pytest.mark.parametrize("name", [name for name in IDS if name not in (*common.STRATEGIES, *later.LATER)])
def test_a_design_without_a_series_tells_what_another_tells(name: str) -> None:
    one, other = (common.run_victim("64MiB", "90%", (spec,)) for spec in (name, "v6.18"))
    for mine, theirs in zip(*(next(iter(records.values())) for records in (one, other)), strict=True):
        for field in ("freed_pages", "blocked_ps", "time_ps", "curve", "collateral_kills"):
            assert mine[field] == theirs[field], f"{name} has no series: add it to LATER in benchmarks/later.py"


def test_usual_victims_keep_the_suite_small() -> None:
    assert len(common.STRATEGIES) * len(common.USUAL) <= 30
    assert set(common.USUAL) <= set(itertools.product(common.SIZES, common.LOCKED))


def test_importing_runs_nothing() -> None:
    """No kernel is compiled or run by an import: a forkserver imports everything before it forks."""
    code = (
        "import importlib, json, sys\n"
        "from numba.core import event\n"
        "class Listener(event.Listener):\n"
        "    n = 0\n"
        "    def on_start(self, e): Listener.n += 1\n"
        "    def on_end(self, e): pass\n"
        "event.register('numba:compile', Listener())\n"
        "for name in ('blocking', 'freed', 'throughput', 'speed', 'main', 'versus', 'peers.simpy_race'):\n"
        "    importlib.import_module(f'benchmarks.{name}')\n"
        "heavy = [m for m in ('simpy', 'matplotlib.figure', 'scipy.stats', 'rich.table') if m in sys.modules]\n"
        "print(json.dumps([Listener.n, heavy]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [0, []]


# --- the model's series -----------------------------------------------------------------------------

KEYS = [(name, "1GiB", "90%") for name in ("drop-oom-skip", "v6.18")]


@pytest.fixture(scope="module")
def records() -> common.Records:
    return common.run_victim("1GiB", "90%", ("drop-oom-skip", "v6.18"))


def test_blocking_counts_the_stalled_reaper(records: common.Records) -> None:
    stalled, shared = (blocking.Blocking().track_blocking_seconds(records, *key) for key in KEYS)
    assert stalled > 1 > shared > 0


def test_blocking_leaves_bystanders_out() -> None:
    record = {"blocked_ps": {"exit": {"ptl": 2}, "reaper": {"ptl": 3, "page_lock": 4}, "allocator": {"memory": 100}}}
    assert blocking.blocked_ps(record) == 9


def test_freed_is_what_came_back_within_a_second(records: common.Records) -> None:
    stalled, shared = (freed.Freed().track_freed_pages(records, *key) for key in KEYS)
    assert stalled == 2 * (1 << 18)
    assert shared == 3 * (1 << 18)


def test_pages_left_is_never_zero(records: common.Records) -> None:
    stalled, shared = (freed.Freed().track_pages_left(records, *key) for key in KEYS)
    assert stalled > 2 * shared > 0


def test_pages_left_is_the_mean_over_the_horizon() -> None:
    third = common.HORIZON_PS // 3
    curve = {"time_ps": [third, 2 * third, 2 * common.HORIZON_PS], "freed_pages": [1, 6, 9]}
    assert freed.mean_pages_left({"resident_pages": 9, "curve": curve}) == (9 + 8 + 3) // 3
    assert freed.mean_pages_left({"resident_pages": 9, "curve": {"time_ps": [], "freed_pages": []}}) == 9


def test_throughput_is_the_inverse_of_its_cost(records: common.Records) -> None:
    series = throughput.Throughput()
    for key in KEYS:
        product = series.track_throughput(records, *key) * series.track_seconds_per_million_pages(records, *key)
        assert product == pytest.approx(10**6)


def test_a_teardown_that_never_ends_costs_the_horizon() -> None:
    record = {"time_ps": {"all": None}, "curve": {"time_ps": [5], "freed_pages": [1]}}
    assert common.teardown_ps(record) == common.HORIZON_PS
    assert common.teardown_ps({"time_ps": {"all": 7}}) == 7


def test_a_record_of_another_victim_does_not_count(records: common.Records) -> None:
    with pytest.raises(AssertionError):
        common.check_victim(records[KEYS[0]][0], "2GiB", "90%")
    with pytest.raises(AssertionError):
        common.check_victim(records[KEYS[0]][0], "1GiB", "10%")


def test_a_run_of_another_victim_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    run_all = common.run_all
    other = common.Inputs("", {"size": "32MiB", "locked": "90%"}, "mrelease", {})
    monkeypatch.setattr(common, "run_all", lambda inputs, loaded: run_all(other, loaded))
    with pytest.raises(AssertionError, match="8192 pages"):
        common.run_victim("64MiB", "90%", ("v6.18",))


def test_a_broken_record_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_a_page(*args: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = run_all(*args)
        found[0]["freed_pages"]["exit"] -= 1
        return found

    run_all = common.run_all
    monkeypatch.setattr(common, "run_all", lose_a_page)
    with pytest.raises(InputError, match="freed_pages"):
        common.run_victim("64MiB", "90%", ("v6.18",))


def test_unusual_victims_are_skipped() -> None:
    with pytest.raises(NotImplementedError):
        common.ModelSeries().setup({}, "v6.1", "1GiB", "10%")
    common.ModelSeries().setup({}, "v6.1", "1GiB", "90%")


def test_sweep_widens_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(common.SWEEP, "1")
    try:
        swept = importlib.reload(common)
        assert len(swept.USUAL) == len(swept.SIZES) * len(swept.LOCKED) > 20
        assert set(importlib.reload(scale).SIZES) > {"1GiB", "256GiB", "1TiB"}
    finally:
        monkeypatch.delenv(common.SWEEP)
        importlib.reload(common)
        importlib.reload(scale)


# --- the timings ------------------------------------------------------------------------------------

TIMINGS = [
    (speed.Kernels, "time_unmap", ("4MiB",)),
    (speed.Kernels, "time_reap", ("4MiB",)),
    (speed.Kernels, "time_munlock", ("4MiB",)),
    (speed.Build, "time_build", ("4MiB",)),
    (speed.Engine, "time_race", ("v6.18", "4MiB")),
]


@pytest.mark.parametrize(("kind", "method", "params"), TIMINGS, ids=[m for _, m, _ in TIMINGS])
def test_timing_runs(kind: type, method: str, params: tuple[str, ...]) -> None:
    benchmark = kind()
    benchmark.setup(*params)
    getattr(benchmark, method)(*params)


@pytest.mark.parametrize("method", ["time_unmap", "time_reap", "time_munlock"])
def test_timing_of_a_wrong_answer_fails(method: str) -> None:
    benchmark = speed.Kernels()
    benchmark.setup("4MiB")
    benchmark.planes[: len(benchmark.planes) // 3 * 2] = 0
    with pytest.raises(AssertionError, match="right is"):
        getattr(benchmark, method)("4MiB")
