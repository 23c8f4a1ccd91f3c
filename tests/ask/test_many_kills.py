"""Questions that studies of many kills answer: every number of a page is a study's; it says when nothing changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.ask.many_kills import MANY, RARE_HEAVY, REAPERS, designs, lists, studied
from mmbench.ask.plan import plan_from
from mmbench.ask.study_words import StudyWords
from mmbench.report.text.rare_page import Page, rare_page
from mmbench.report.text.reapers_page import reapers_page
from mmbench.report.units import format_time


def page(asked, rows) -> Page:
    names = [[one.name for one in found] for found in (asked.sides, asked.studies)]
    return Page(asked.name, asked.title, asked.asked, *names, rows, asked.unknown, asked.n)


@pytest.fixture(scope="module")
def rare():
    """Three studies, of which 1 GiB victims change nothing, and two designs, one of which hides its victims."""
    kept = ("no heavy victims", "64 GiB, 1 in 200", "1 GiB, 1 in 200")
    studies = tuple(one for one in RARE_HEAVY.studies if one.name in kept)
    asked = replace(RARE_HEAVY, sides=designs("v6.18", "exit-write"), studies=studies, n="30000")
    return asked, studied(asked)


@pytest.mark.slow
def test_the_page_says_who_waits_how_much_longer_and_when_nobody_does(rare):
    asked, rows = rare
    text = rare_page(page(asked, rows))
    for row in rows:
        assert format_time(round(row[0]["latency"]["all"]["percentiles"]["p99.9"]["value"])) in text
    assert "**It does not matter** where victims are so rare or so small: with 1 GiB, 1 in 200" in text
    first = next(line for line in text.splitlines() if line.startswith("| **exit-write** |"))
    assert "**1 in" in first.split("|")[3]


@pytest.mark.slow
def test_a_second_reaper_helps_where_victims_overlap_and_eight_do_no_more_than_free_them_all():
    asked = replace(
        REAPERS, sides=lists((1, "newest"), (1, "oldest"), (2, "newest"), (8, "newest")), studies=REAPERS.studies[1:2],
        n="20000",
    )  # fmt: skip
    rows = studied(asked)
    one, oldest, two, eight = rows[0]
    assert one["waited"] > two["waited"] > 0.05 and eight["waited"] < 0.001
    slow = [record["latency"]["skip"]["percentiles"]["p99"]["value"] for record in (one, oldest, two, eight)]
    assert slow[0] > slow[1] and slow[0] > slow[2] > slow[3]
    text = reapers_page(page(asked, rows))
    assert f"brings p99 to {slow[2] / slow[0]:.2f}" in text and "nobody" not in text.splitlines()[4]


def record(all_ps: float, later: int, flawed: int = 0):
    """As much of a study's record as the page reads."""
    hits = {"value": later / 100, "hits": later, "of": 100, "by_ps": {"value": 5e11}}
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    effect = {"with": all_ps, "without": 1e12, "added": zero, "by_mlock": zero}
    return {
        "strategy": "v6.18", "checker": {}, "latency": {"all": {"percentiles": {"p99.9": {"value": all_ps}}}},
        "added": {"later": hits, "effects": {"p99.9": effect}},
        "oom_skip": {"flawed": {"value": flawed / 100, "hits": flawed}, "early": {"value": 0.0, "hits": 0}},
    }  # fmt: skip


def test_a_study_that_is_refused_or_flawed_says_so_and_one_that_changes_nothing_is_named():
    rows = [
        [record(1e12, 0)] * 2,
        [record(3e12, 2, 10), {"strategy": "x", "refused": "too many"}],
        [record(1e12, 0)] * 2,
    ]
    text = rare_page(Page("q", "t", "a", ["one", "two"], ["none", "often", "seldom"], rows, ["u"], "9"))
    lines = text.splitlines()
    assert next(line for line in lines if line.startswith("| **one**")) == (
        "| **one** | 1.00 s | 3.00 s (+2.00\N{NO-BREAK SPACE}s) **1 in 10** | 1.00 s (0\N{NO-BREAK SPACE}s) |"
    )
    assert "no steady state" in next(line for line in lines if line.startswith("| **two**"))
    assert "under v6.18 (often), 2\N{NO-BREAK SPACE}% of them, by 500 ms in the mean" in text
    assert "so small: with seldom no design's" in text


def test_every_study_of_every_question_can_be_planned():
    for asked in MANY.values():
        for one in asked.studies:
            for side in asked.sides[:1]:
                plan_from(StudyWords(**{"n": asked.n, **one.words, **side.words}))
