import pytest

from mmbench.errors import InputError
from mmbench.report.reading import heading, labels, reading_list, shortened, verdict


def test_equal_strategies_are_told_apart_by_what_differs_and_nothing_else():
    runs = [
        {"strategy": "trylock", "params": {"per": "page", "x": 1}, "seed": 1},
        {"strategy": "trylock", "params": {"per": "vma", "x": 1}, "seed": 1},
        {"strategy": "v6.1", "params": {"y": 2}, "seed": 9},
    ]
    assert labels(runs) == ["trylock per=page", "trylock per=vma", "v6.1"]


def test_runs_that_do_not_differ_at_all_are_numbered():
    assert labels([{"strategy": "a"}, {"strategy": "a"}]) == ["a", "a #2"]


def test_the_heading_says_model_and_names_several_values():
    runs = [{"strategy": "a", "kind": "model", "scenario": "quiet", "seed": s} for s in range(5)]
    assert heading(runs) == "model | scenario quiet | seed 0, 1, 2 and 2 more"


def test_the_verdict_names_winners_and_ties(quiet_records):
    lines = verdict(quiet_records)
    assert lines[0] == "soonest, all freed: trylock (3.00 s)"
    assert lines[1] == "blocked least: v5.18, v6.18 (15.0 ms)"
    assert lines[2] == "left behind least: all 9 alike (160 MiB)"
    assert lines[3:] == ["kills other processes too: drop-oom-skip (1)", "not counted: v4.14 (unsafe I5)"]


def test_an_unsafe_run_never_wins(quiet_records):
    fast = quiet_records[0] | {"time_ps": dict.fromkeys(("first", "half", "p90", "all"), 1), "blocked_ps": {"exit": {}}}
    assert not any("v4.14" in line for line in verdict([fast, *quiet_records[1:]])[:3])
    assert verdict([fast | {"outcome": "completed"}, *quiet_records[1:]])[-1] == "not counted: v4.14 (unsafe I5)"


def test_a_run_that_never_finishes_does_not_compete(storm_records):
    assert verdict(storm_records)[-1] == "not counted: v4.14 (unsafe I5); unlocking-flag (hung)"


def test_a_difference_too_small_to_show_is_a_tie(quiet_records):
    twin = quiet_records[5] | {"strategy": "twin", "time_ps": quiet_records[5]["time_ps"] | {"all": 3 * 10**12 + 1}}
    assert verdict([*quiet_records, twin])[0] == "soonest, all freed: trylock, twin (3.00 s)"


def test_runs_that_do_not_count_are_named_by_reason():
    runs = [{"strategy": n, "outcome": "hung"} for n in "abc"]
    assert verdict(runs) == ["not counted: all 3 alike (hung)"]
    assert verdict([*runs, {"strategy": "d"}]) == ["not counted: a, b, c (hung); d (no time to all)"]


def test_one_run_has_no_verdict(quiet_records):
    assert verdict(quiet_records[:1]) == []


@pytest.mark.parametrize("records", [[], [{}], [{"strategy": ""}], ["v6.1"]])
def test_records_without_a_strategy_are_refused(records):
    with pytest.raises(InputError):
        reading_list(records)


def test_long_names_keep_both_ends():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 9) == "abc...ijk"
