"""Outcome before speed: who competes, who is soonest among them, and what is said of the rest."""

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import prepare, run_prepared
from mmbench.records.meaning import skip_meaning
from mmbench.report.answer import answer, why_out
from mmbench.report.outcome import FLAWS, flaw_words, flaws, ranking
from mmbench.report.text.ranked import mark, shown_of
from mmbench.scenarios import scenario
from mmbench.sizing.queue.service import is_early
from mmbench.strategies import load
from mmbench.victims import synthetic

FAST = {"time_ps": dict.fromkeys(("first", "half", "p90", "all"), 1), "blocked_ps": {"exit": {}}, "left_pages": {}}
TIMES = {"a": 86_200 * 10**9, "b": 86_540 * 10**9, "c": 86_700 * 10**9, "d": 121_000 * 10**9}
FLAWED = {
    "left": {"left_pages": {"exit_blocked": 1}},
    "gave-up": {"outcome": "gave-up"},
    "killed": {"collateral_kills": 1},
    "hung": {"outcome": "hung"},
    "unsafe": {"outcome": "unsafe", "violations": ["I5"]},
}


def test_the_answer_names_winners_and_ties_and_who_is_out(quiet_records):
    assert answer(quiet_records) == [
        "soonest, all freed: trylock (3.00 s)",
        "blocked least: v5.18, v6.18 (15.0 ms)",
        "not ranked: drop-oom-skip (killed another process); v4.14 (unsafe I5)",
    ]


def test_nobody_is_soonest_by_a_hair(quiet_records):
    """A design that ended 0.1 % before three others was called the soonest of all."""
    base = next(r for r in quiet_records if r["strategy"] == "v6.18") | FAST
    runs = [base | {"strategy": name, "time_ps": base["time_ps"] | {"all": ps}} for name, ps in TIMES.items()]
    assert answer(runs)[0] == "soonest, all freed: a, b (86.2 s)"
    assert [mark(place, shown_of(runs, ranking(runs), "a")) for place in ranking(runs)] == ["best", "best", "", "worst"]


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flawed_run_is_never_best_at_anything_however_fast_it_is(quiet_records, flaw):
    fast = quiet_records[5] | FAST | {"strategy": "fast", "outcome": "completed"}
    assert answer([fast, *quiet_records])[0] == "soonest, all freed: fast (1 ps)"
    runs = [fast | FLAWED[flaw], *quiet_records]
    assert not any("fast" in line for line in answer(runs)[:2]) and "fast" in answer(runs)[-1]
    names = [place.name for place in ranking(runs)]
    assert names.index("fast") >= 8  # below all eight that compete
    assert [f.key for f in flaws(runs[0])] == [flaw] and why_out(runs[0])


def test_an_unsafe_verdict_of_the_checker_counts_where_the_run_itself_broke_nothing(quiet_records):
    runs = [quiet_records[5] | FAST, *quiet_records[6:]]
    assert answer(runs)[0].startswith("soonest, all freed: trylock")
    runs[0] |= {"checker": {"default": "fails I5", "shared": "safe"}}
    assert "trylock (unsafe by check I5)" in answer(runs)[-1]
    assert ranking(runs)[-1].name == "trylock"
    runs[0] |= {"checker": {"default": "stalls S1", "shared": "fails I7"}}  # a stall shows in a run; another world
    assert answer(runs)[0].startswith("soonest, all freed: trylock")


def test_pages_that_another_process_maps_are_no_flaw():
    assert not flaws({"strategy": "a", "left_pages": {"mapped_elsewhere": 160}})


def test_the_worst_flaw_leads_and_the_sentence_tells_them_in_order():
    record = {"strategy": "a", "outcome": "gave-up", "collateral_kills": 2}
    assert [flaw.key for flaw in flaws(record)] == ["killed", "gave-up"]
    assert flaw_words(record) == "gave up, killed another process"
    assert [flaw.key for flaw in FLAWS] == list(FLAWED)


@pytest.mark.parametrize(
    ("skip", "outcome", "meaning"),
    [
        (None, "completed", None),
        (95, "completed", "memory back"),
        (80, "completed", "memory back"),  # what a gather holds is free within 10 ms
        (79, "completed", "too early"),
        (95, "gave-up", "gave up"),
    ],
)
def test_a_skip_means_memory_back_only_once_nine_tenths_came_back(skip, outcome, meaning):
    """Times in ms. A study of many kills counts by the same reading."""
    when = {"oom_skip": skip and skip * 10**9, "p90": 90 * 10**9}
    record = {"strategy": "a", "outcome": outcome, "time_ps": when}
    assert skip_meaning(record) == meaning and is_early(record) == (meaning != "memory back")


def test_a_gather_that_is_freed_after_the_flag_is_marked_nowhere():
    """v6.1 on 16 MiB: the flag is set before the one gather is freed, which had been marked as too early."""
    victim = prepare(synthetic(16 << 20).vmas)
    record = run_prepared(victim, load("v6.1"), scenario("quiet"), load_table(), victim="small")
    assert record["time_ps"]["oom_skip"] < record["time_ps"]["p90"] and skip_meaning(record) == "memory back"


def test_a_difference_too_small_to_show_is_a_tie(quiet_records):
    twin = quiet_records[5] | {"strategy": "twin", "time_ps": quiet_records[5]["time_ps"] | {"all": 3 * 10**12 + 1}}
    assert answer([*quiet_records, twin])[0] == "soonest, all freed: trylock, twin (3.00 s)"


def test_runs_that_do_not_compete_are_named_by_reason():
    runs = [{"strategy": n, "outcome": "hung"} for n in "abc"]
    assert answer(runs) == ["not ranked: all 3 alike (never ended)"]
    assert answer([{"strategy": "d"}, *runs]) == ["not ranked: d (no time to all); a, b, c (never ended)"]


def test_one_run_has_no_answer(quiet_records):
    assert answer(quiet_records[:1]) == []
