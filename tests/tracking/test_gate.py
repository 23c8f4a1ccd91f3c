"""The exact gate: what the working tree's model says is what was published, or CHANGELOG says why not."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from asv_runner.discovery import disc_benchmarks  # type: ignore[import-untyped]

from mmbench.tracking.gate import complaint, moves, unexplained
from mmbench.tracking.series import Key, Measured, Value, newest

ROOT = Path(__file__).resolve().parents[2]
SERIES = "blocking.Blocking.track_blocking_seconds"
COMMIT = "0123456789abcdef"


def exact_values() -> dict[Key, tuple[float, str]]:
    """Every deterministic value of the working tree: number, and version of its benchmark."""
    caches: dict[object, object] = {}
    found = {}
    for benchmark in disc_benchmarks(str(ROOT / "benchmarks")):
        key = Key(benchmark.name, ())
        if not key.is_exact:
            continue
        prepare = getattr(benchmark.func.__self__, "setup_cache", None)
        given = ()
        if prepare is not None:
            if prepare.__func__ not in caches:
                caches[prepare.__func__] = prepare()
            given = (caches[prepare.__func__],)
        setup = getattr(benchmark.func.__self__, "setup", None)
        for params in itertools.product(*benchmark.func.__self__.params):
            try:
                if setup is not None:
                    setup(*given, *params)
            except NotImplementedError:
                continue
            number = benchmark.func(*given, *params)
            found[Key(benchmark.name, tuple(str(p) for p in params))] = (number, benchmark.version)
    return found


@pytest.fixture(scope="module")
def now() -> dict[Key, tuple[float, str]]:
    return exact_values()


def test_deterministic_series_are_what_was_published_or_the_changelog_names_them(now):
    published = newest(ROOT / "results" / "asv")
    assert published is not None, "results/asv is empty"
    changelog = (ROOT / "CHANGELOG.md").read_text()
    left = unexplained(moves(now, published), changelog, published.commit)
    assert not left, complaint(left, published.commit)


def test_the_gate_sees_most_of_what_was_published(now):
    """A gate that compares nothing passes everything."""
    published = newest(ROOT / "results" / "asv")
    assert published is not None
    exact = {key for key in published.values if key.is_exact}
    assert len(exact & now.keys()) >= 0.9 * len(exact) > 100


@pytest.mark.parametrize(
    "series", [SERIES, "freed.Freed.track_freed_pages", "memory.Memory.track_array_bytes_per_page"]
)
def test_one_planted_move_among_all_real_values_is_found(now, series):
    baseline = Measured(COMMIT, 1, "vm", {key: Value(number, version) for key, (number, version) in now.items()})
    assert not moves(now, baseline)
    key = next(key for key in now if key.series == series)
    moved = now | {key: (math.nextafter(now[key][0], math.inf), now[key][1])}
    (found,) = unexplained(moves(moved, baseline), (ROOT / "CHANGELOG.md").read_text(), COMMIT)
    assert found.key == key
    assert not unexplained([found], f"- Meant. Moved since `{COMMIT[:8]}`: `{series}`.", COMMIT)


def published(number: float, version: str = "1") -> Measured:
    return Measured(COMMIT, 1, "vm", {Key(SERIES, ("v6.1",)): Value(number, version)})


def now_of(number: float) -> dict[Key, tuple[float, str]]:
    return {Key(SERIES, ("v6.1",)): (number, "1"), Key(SERIES, ("new",)): (1.0, "1")}


def test_a_move_that_nobody_names_fails_and_says_from_what_to_what():
    left = unexplained(moves(now_of(1.5), published(1.25)), "# Changelog\n- something else\n", COMMIT)
    text = complaint(left, COMMIT)
    assert len(left) == 1
    assert SERIES in text and "v6.1: 1.25 -> 1.5" in text and f"Moved since `{COMMIT[:8]}`" in text


def test_the_smallest_move_counts():
    assert len(moves(now_of(1.25 + 2**-52), published(1.25))) == 1
    assert not moves(now_of(1.25), published(1.25))


@pytest.mark.parametrize(
    ("item", "explains"),
    [
        (f"- Why. Moved since `{COMMIT[:8]}`: `{SERIES}`.", True),
        (f"- Why.\n  Moved since `{COMMIT[:8]}`:\n  `{SERIES}`.", True),
        (f"- Why. Moved since `fedcba98`: `{SERIES}`.", False),
        (f"- Why. Moved since `{COMMIT[:8]}`: `{SERIES}_more`.", False),
        (f"- Why. Moved since `{COMMIT[:8]}`.\n- Other: `{SERIES}`.", False),
    ],
)
def test_only_an_item_with_series_and_commit_explains(item, explains):
    left = unexplained(moves(now_of(2.0), published(1.0)), f"# Changelog\n\n## Unreleased\n\n{item}\n", COMMIT)
    assert (not left) == explains


def test_another_version_of_a_benchmark_has_nothing_to_move_from():
    assert not moves(now_of(2.0), published(1.0, version="0"))
