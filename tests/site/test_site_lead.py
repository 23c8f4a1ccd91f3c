"""The first screen answers in words, bars and one picture, and no flawed design is ahead of a sound one."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from mmbench.site.lead import lead
from tests.report.conftest import quiet, storm

IDS = r'<tr class="(\w+)"><th scope="row"><a href="designs/([^"]+).html"'


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words = ""

    def handle_data(self, data):
        self.words += data


def text(html: str) -> str:
    parser = Text()
    parser.feed(html)
    return " ".join(parser.words.split())


def checked(records, broken):
    """The records, one design of them convicted by the checker."""
    return [r | {"checker": {"default": "fails I5"}} if r["strategy"] == broken else r for r in records]


@pytest.fixture(scope="module")
def page():
    return lead(checked(storm(), "v4.14"), {"trylock": ["I7"]})


def test_the_sentence_names_what_ships_the_soonest_and_what_went_wrong(page):
    said = text(page)
    assert said.startswith(
        "Want v6.18, which Linux ships today: all of a victim\u2019s memory (64 GiB, 90 % of it mlocked)"
    )
    assert "is free again 3.30 s after the kill" in said and "The fear of kernel developers" in said
    assert "Soonest is trylock (never merged), 3.00 s, but pages stay locked if another process maps them (I7)." in said
    assert "write-downgrade, drop-oom-skip let the reaper give up and cost another process its life." in said
    assert "v4.14: unsafe, the checker has the schedule." in said


def test_bars_stand_in_the_order_of_the_answer_and_flawed_ones_below(page):
    rows = re.findall(IDS, page)
    kinds = [kind for kind, _ in rows]
    assert len(rows) == 10 and rows[0] == ("sound", "trylock") and ("base", "v6.18") in rows
    assert kinds == sorted(kinds, key=["sound", "base", "flawed"].index) or kinds.index("flawed") == 6
    assert all(kind == "flawed" for kind in kinds[kinds.index("flawed") :])


def test_a_design_that_only_the_checker_convicts_is_no_winner():
    rows = re.findall(IDS, lead(checked(quiet(), "trylock"), {}))
    assert ("flawed", "trylock") in rows[-3:]


def test_the_picture_tells_its_result_to_whoever_does_not_see_it(page):
    label = re.search(r'aria-label="(When all[^"]*)"', page)[1]
    assert "trylock after 3.00 s" in label and "drop-oom-skip after 6.00 s (killed another process)" in label
    assert page.count("<polyline") == 10
