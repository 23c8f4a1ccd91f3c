"""More freed pages are better, longer blocking is worse, noise is no change, and nothing measured is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from asv_runner.discovery import disc_benchmarks  # type: ignore[import-untyped]

from mmbench.tracking.change import (
    BETTER,
    ELSEWHERE,
    FAILED,
    NEITHER,
    NOISE,
    ONCE,
    ONLY_A,
    ONLY_B,
    REDEFINED,
    SAME,
    SLOWER,
    WORSE,
    changes,
    n_measured,
    n_worse,
)
from mmbench.tracking.series import (
    NEVER_GATED,
    newest,
    read_results,
    result_files,
    results_of_both,
    results_of_commit,
)
from mmbench.tracking.tables import spread

ROOT = Path(__file__).resolve().parents[2]

BLOCKING = "blocking.Blocking.track_blocking_seconds"
FREED = "freed.Freed.track_freed_pages"
RACE = "speed.Engine.time_race"
HELP = "start.Start.time_help"
SAMPLES = [1.0, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 1.09]


def compared(write, a: dict, b: dict, timed_a=None, timed_b=None) -> dict[str, str]:
    folder = write("a" * 8, a, timed_a)
    write("b" * 8, b, timed_b)
    found = changes(results_of_commit(folder, "a" * 40), results_of_commit(folder, "b" * 40))
    return {f"{c.key.function}{c.key.params}": c.verdict for c in found}


@pytest.mark.parametrize(
    ("series", "was", "now", "verdict"),
    [
        (BLOCKING, 1.0, 1.1, WORSE),
        (BLOCKING, 1.1, 1.0, BETTER),
        (BLOCKING, 1.0, 1.0 + 2**-52, WORSE),
        (FREED, 100, 101, BETTER),
        (FREED, 101, 100, WORSE),
        (FREED, 100, 100, SAME),
        (FREED, 100, None, FAILED),
        (FREED, None, 100, ONLY_B),
        (FREED, None, None, NEITHER),
    ],
)
def test_direction(write, series, was, now, verdict):
    folder = write("a" * 8, {series: ([], [was])})
    write("b" * 8, {series: ([], [now])})
    (change,) = changes(read_results(result_files(folder)[0]), read_results(result_files(folder)[1]))
    assert change.verdict == verdict
    assert n_worse([change]) == int(verdict in (WORSE, FAILED))


def test_timings_of_the_same_code_are_no_change_and_show_their_spread(write):
    folder = write("a" * 8, {}, {RACE: SAMPLES})
    write("b" * 8, {}, {RACE: [x * 1.03 for x in SAMPLES]})
    (change,) = changes(results_of_commit(folder, "a" * 40), results_of_commit(folder, "b" * 40))
    assert change.verdict == NOISE and not n_worse([change])
    assert change.a.spread == pytest.approx(0.045 / 1.045, rel=0.2)


def test_a_timing_that_doubled_is_worse(write):
    assert compared(write, {}, {}, {RACE: SAMPLES}, {RACE: [2 * x for x in SAMPLES]}) == {"time_race()": WORSE}


def test_parameters_are_compared_one_by_one_and_skipped_ones_not_at_all(write):
    params = [["'v6.1'", "'v6.18'"], ["'1GiB'"]]
    was, now = {BLOCKING: (params, [1.0, float("nan")])}, {BLOCKING: (params, [0.5, float("nan")])}
    assert compared(write, was, now) == {"track_blocking_seconds('v6.1', '1GiB')": BETTER}


def test_what_only_one_has_is_neither_better_nor_worse(write):
    found = compared(write, {BLOCKING: ([], [1.0])}, {FREED: ([], [1.0])})
    assert found == {"track_blocking_seconds()": ONLY_A, "track_freed_pages()": ONLY_B}


def test_another_version_is_another_benchmark(write):
    folder = write("a" * 8, {FREED: ([], [1.0])})
    write("b" * 8, {FREED: ([], [2.0])}, version="2")
    found = changes(results_of_commit(folder, "a" * 40), results_of_commit(folder, "b" * 40))
    assert [c.verdict for c in found] == [REDEFINED] and n_measured(found) == 0


def test_newest_is_by_the_date_of_the_commit(write):
    folder = write("b" * 8, {FREED: ([], [1.0])}, date=5)
    write("a" * 8, {FREED: ([], [1.0])}, date=9)
    assert newest(folder).commit.startswith("aaaa")
    assert newest(folder / "nothing") is None


def test_a_change_within_the_spread_is_none(write):
    """A real run of the same code twice, other work beside the first."""
    a, b = (
        [1.78, 1.81, 1.84, 1.89, 1.90, 1.94, 1.99, 2.03, 2.07],
        [1.66, 1.67, 1.67, 1.68, 1.68, 1.69, 1.70, 1.71, 1.72],
    )
    assert compared(write, {}, {}, {RACE: a}, {RACE: b}) == {"time_race()": NOISE}
    assert compared(write, {}, {}, {RACE: [1.4 * x for x in a]}, {RACE: b}) == {"time_race()": BETTER}


def test_nothing_is_gated_on_start_up_times(write):
    folder = write("a" * 8, {}, {HELP: SAMPLES})
    write("b" * 8, {}, {HELP: [2 * x for x in SAMPLES]})
    found = changes(*results_of_both(folder, "a" * 40, "b" * 40))
    assert [c.verdict for c in found] == [SLOWER] and n_measured(found) == 1 and not n_worse(found)


def test_start_up_times_are_the_file_of_start_up_times():
    functions = {b.name.rpartition(".")[2] for b in disc_benchmarks(str(ROOT / "benchmarks")) if b.name[:6] == "start."}
    assert functions == NEVER_GATED


def test_timings_of_two_machines_are_not_compared(write):
    folder = write("a" * 8, {FREED: ([], [1.0])}, {RACE: SAMPLES}, machine="one")
    write("b" * 8, {FREED: ([], [2.0])}, {RACE: [2 * x for x in SAMPLES]}, machine="two")
    found = changes(*results_of_both(folder, "a" * 40, "b" * 40))
    assert [c.verdict for c in found] == [BETTER, ELSEWHERE] and n_measured(found) == 1


def test_a_timing_that_ran_once_has_no_spread_and_is_not_judged(write):
    folder = write("a" * 8, {}, {RACE: [1.0]})
    write("b" * 8, {}, {RACE: [3.0]})
    (change,) = changes(*results_of_both(folder, "a" * 40, "b" * 40))
    assert change.verdict == ONCE and spread(change) == "ran once, ran once" and not n_worse([change])
