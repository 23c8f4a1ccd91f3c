import pytest

from mmbench.errors import InputError
from mmbench.report.reading import heading, labels, reading_list, shortened


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


@pytest.mark.parametrize("records", [[], [{}], [{"strategy": ""}], ["v6.1"]])
def test_records_without_a_strategy_are_refused(records):
    with pytest.raises(InputError):
        reading_list(records)


def test_long_names_keep_both_ends():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 9) == "abc...ijk"
