"""The explorer's files: every design on every victim, small, readable as data, with flaws marked."""

from __future__ import annotations

import json

import pytest

from mmbench.scenarios import NAMED
from mmbench.site import explore
from mmbench.site.explore_page import explorer_page
from mmbench.strategies import IDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    for name, values in (("SIZES", ("1GiB",)), ("LOCKED", ("90%",)), ("VMAS", ("16",))):
        patch.setattr(explore, name, values)
    target = tmp_path_factory.mktemp("explorer") / "explore"
    explore.write_explorer_data(target)
    patch.undo()
    return target


def arguments(path):
    """What a file hands to the page."""
    text = path.read_text()
    return json.loads(f"[{text[text.index('(') + 1 : text.rindex(')')]}]")


def test_a_file_per_scenario_with_every_design(folder):
    assert {path.stem for path in folder.iterdir()} == {"index", *NAMED}
    [index] = arguments(folder / "index.js")
    assert [design["id"] for design in index["designs"]] == list(IDS)
    for name in NAMED:
        scenario, runs = arguments(folder / f"{name}.js")
        assert scenario == name and [row["id"] for row in runs["1GiB/90%/16"]] == list(IDS)


def test_flaws_are_marked_whether_the_run_or_the_checker_found_them(folder):
    _, stuck = arguments(folder / "stuck-holder.js")
    rows = {row["id"]: row for row in stuck["1GiB/90%/16"]}
    assert rows["drop-oom-skip"]["flaw"] == "killed" and rows["drop-oom-skip"]["skip_means"] == "gave up"
    assert rows["v6.18"]["flaw"] == "" and rows["v6.18"]["skip_means"] == "memory back"
    _, quiet = arguments(folder / "quiet.js")
    assert {row["id"]: row["flaw"] for row in quiet["1GiB/90%/16"]}["v4.14"] == "unsafe"


def test_curves_are_short_grow_and_end_with_all_of_the_memory(folder):
    _, runs = arguments(folder / "quiet.js")
    for row in runs["1GiB/90%/16"]:
        times, permille = row["curve"]
        assert 2 <= len(times) == len(permille) <= explore.MOST_KNOTS + 1
        assert times == sorted(times) and permille == sorted(permille) and permille[-1] == 1000


def test_the_page_says_that_it_needs_scripts_and_loads_only_its_own():
    page = explorer_page()
    assert "<noscript>" in page and "//" not in page.replace("</", "").split("<body>")[0].replace("<!doctype", "")


def test_text_cannot_end_the_script_early():
    assert "</script" not in explore.packed({"a": "</script>"})
