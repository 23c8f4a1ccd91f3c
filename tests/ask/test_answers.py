"""Pages that answer a question: the first screen says who waits how much longer, and every number comes from a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mmbench.ask.answers import ANSWERS, EXIT_WRITE, answered, find_answer
from mmbench.ask.exiting import FOLDER, exiting_records, exiting_rows
from mmbench.cli.main import main
from mmbench.errors import InputError
from mmbench.report.text.answer_page import Page, answer_page
from mmbench.report.units import format_time
from mmbench.strategies import IDS

ROOT = Path(__file__).parents[2]
CHOSEN = ("alone, 1 GiB", "process_mrelease at the kill", "OOM reaper at its 2 s", "a preempted reader, 4 s")


@pytest.fixture(scope="module")
def small():
    """The question with a few situations."""
    return replace(EXIT_WRITE, situations=tuple(s for s in EXIT_WRITE.situations if s.name in CHOSEN))


@pytest.fixture(scope="module")
def rows(small):
    return answered(small)


def page(asked, rows):
    return answer_page(
        Page(asked.name, asked.title, asked.asked, [(s.name, s.kind) for s in asked.situations], rows, ())
    )


def test_the_write_lock_costs_nothing_alone_and_a_life_beside_a_reader(small, rows):
    line = next(line for line in page(small, rows).splitlines() if line.startswith("| **exit-write** |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "no difference" and cells[2] == "1.46x"
    assert cells[3] == "**gave up**" and cells[4] == "**gave up, killed another process**"


def test_of_a_booted_kernel_it_shows_the_designs_asked_for_with_the_victims_of_90_percent(small, rows):
    victim = {"kind": "anon", "locked_share": 0.9}
    cell = {"what": "exit", "design": "stock", "victim": victim, "ns": 29_000_000, "error": 0.004}
    others = [{"design": "trylock"}, {"victim": victim | {"kind": "thp"}, "error": 0.9}, {"what": "reaper"}]
    reader = {"design": "exit-write", "holds": "read-count", "kills": 1, "gave_up": True, "skip_ms": 1060.0}
    readers = [reader, reader | {"holds": "read-users", "skip_ms": 77.0}]
    one = {"release": "6.12", "cells": [cell, *(cell | other for other in others)], "readers": readers}
    asked = Page("q", "Q", "?", [(s.name, s.kind) for s in small.situations], rows, (), measured=(one,))
    text = answer_page(asked)
    assert "| stock | 29.00 |" in text and "off by at most 0.4%" in text and "| trylock |" not in text
    assert "| exit-write | 1 | yes | 1060 ms |" in text and "77 ms" not in text


def test_every_time_on_the_page_is_a_run_s(small, rows):
    text = page(small, rows)
    for row in rows:
        for record in row:
            assert format_time(record["time_ps"]["all"]) in text


def test_the_page_of_the_exiting_victim_is_what_its_records_and_the_model_say(capsys, monkeypatch):
    """Made again from results/lab/exiting-victim; a record that changes, or the model, asks for the command again."""
    monkeypatch.chdir(ROOT)
    assert main(["answer", "memcg-exiting-victim"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs/answers/memcg-exiting-victim.md").read_text()


@pytest.mark.parametrize(
    "asked",
    [
        ("exit-write", "--lab", "results/lab/designs/6.12.json"),
        ("mrelease",),
        pytest.param(("rare-heavy",), marks=pytest.mark.slow),  # minutes of studies
        pytest.param(("reapers",), marks=pytest.mark.slow),
    ],
    ids=lambda asked: asked[0],
)
def test_every_number_of_an_answer_is_made_by_its_command(asked, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["answer", *asked]) == 0
    assert capsys.readouterr().out == (ROOT / f"docs/answers/{asked[0]}.md").read_text()


def test_the_page_of_the_designs_is_what_their_files_say(capsys):
    """A changed strategy file asks for `mmbench answer designs -o docs/designs.md` again."""
    assert main(["answer", "designs"]) == 0
    page = capsys.readouterr().out
    assert page == (ROOT / "docs/designs.md").read_text()
    assert all(f"\n## {name}: " in page for name in IDS)


def test_the_model_tells_every_row_of_the_exiting_victim_by_the_kernel_s_release():
    for record in exiting_records([str(path) for path in sorted((ROOT / FOLDER).glob("*.json"))]):
        for row in exiting_rows(record):
            assert (row["model_kills"] > 0) == (row["n_killed"] > 0), (record["release"], row)


def test_a_question_is_found_by_name_and_its_scenarios_exist():
    for asked in ANSWERS.values():
        assert find_answer(asked.name) is asked
        for situation in asked.situations:
            situation.inputs().make_scenario()
            situation.inputs().make_victim()
    with pytest.raises(InputError, match="exit-write"):
        find_answer("exit-rite")
