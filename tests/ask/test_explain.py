"""Every word of the output can be asked for, and designs can be set against each other step by step."""

from __future__ import annotations

import pytest

from mmbench.ask.designs import nearest_design, step_difference
from mmbench.ask.explain import explain, meanings
from mmbench.checker.properties import NAMES
from mmbench.cli.main import main
from mmbench.errors import InputError
from mmbench.glossary import terms
from mmbench.scenarios import NAMED
from mmbench.strategies import IDS, load
from mmbench.words import CAUSES


@pytest.mark.parametrize("word", [*NAMES, *IDS, *NAMED, "MMF_OOM_SKIP", "zone lock", "mm-users", "give-up", "reaper"])
def test_a_word_has_a_meaning(word):
    assert all(len(found.text) > 20 for found in explain(word))


def test_every_cause_of_waiting_that_a_table_shows_is_explained():
    for cause in CAUSES:
        if cause.counts:
            first = cause.name.split()[0]
            assert any(first.lower() in m.word.lower() or first.lower() in m.text.lower() for m in meanings()), cause


def test_no_name_stands_twice_in_the_glossary():
    names = [name for term in terms() for name in term.names]
    assert len(names) == len(set(names)) > 60


def test_an_unknown_word_gets_the_nearest_one():
    with pytest.raises(InputError, match="MMF_OOM_SKIP"):
        explain("MMF_OOM_SKIPP")


def test_the_difference_of_two_designs_is_what_sets_them_apart():
    rows = step_difference(load("v6.18"), load("v6.1"))
    assert {(row["sign"], row["op"]) for row in rows} == {("-", "reap_pass"), ("+", "reap_pass")}
    assert step_difference(load("v6.18"), load("v6.18")) == []
    nearest = nearest_design(load("v6.1"))
    assert nearest != "v6.1" and len(step_difference(load("v6.1"), load(nearest))) <= len(rows)


@pytest.mark.parametrize("verb", [["explain"], ["explain", "I5"], ["show", "v6.18", "--against"], ["list", "ops"]])
@pytest.mark.parametrize("how", ["table", "json", "csv"])
def test_each_prints_in_every_format(capsys, verb, how):
    assert main([*verb, "--format", how]) == 0
    assert capsys.readouterr().out.strip()
