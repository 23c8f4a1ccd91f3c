"""The runs at the ends of a comparison, and their tokens."""

from __future__ import annotations

from mmbench.report.text.extremes import extremes, replay_view


def words(records):
    return [(what, record["strategy"]) for what, record in extremes(records)]


def test_extremes_are_found_in_a_storm(storm_records):
    assert words(storm_records) == [
        ("soonest", "trylock"), ("least blocked", "v5.18"), ("latest", "unlocking-flag"),
        ("most blocked", "unlocking-flag"), ("most left", "unlocking-flag"),
    ]  # fmt: skip


def test_an_unsafe_run_is_never_the_soonest(storm_records):
    broken = [r | {"violations": ["I5"]} for r in storm_records]
    assert [what for what, _ in extremes(broken)] == ["latest", "most blocked", "most left"]


def test_nobody_is_most_of_what_all_have_alike(mrelease_records):
    assert "most left" not in [what for what, _ in extremes(mrelease_records)]


def test_a_run_is_named_once_with_all_it_is(storm_records):
    lines = [line.plain for line in replay_view(extremes(storm_records))]
    assert "unlocking-flag: latest, most blocked, most left" in lines
    assert lines.count("unlocking-flag-1") == 1


def test_without_tokens_nothing_is_said(storm_records):
    assert replay_view(extremes([r | {"token": ""} for r in storm_records])) == []
