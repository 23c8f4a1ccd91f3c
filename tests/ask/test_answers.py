"""Pages that answer a question: the first screen says who waits how much longer, and every number comes from a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.ask.answers import ANSWERS, EXIT_WRITE, answered, find_answer
from mmbench.errors import InputError
from mmbench.report.text.answer_page import Page, answer_page
from mmbench.report.units import format_time

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


def test_every_time_on_the_page_is_a_run_s(small, rows):
    text = page(small, rows)
    for row in rows:
        for record in row:
            assert format_time(record["time_ps"]["all"]) in text


def test_a_question_is_found_by_name_and_its_scenarios_exist():
    for asked in ANSWERS.values():
        assert find_answer(asked.name) is asked
        for situation in asked.situations:
            situation.inputs().make_scenario()
            situation.inputs().make_victim()
    with pytest.raises(InputError, match="exit-write"):
        find_answer("exit-rite")
