"""Scenarios: parts that contradict each other are named, old records stay as they were, a file of one's own works."""

from __future__ import annotations

import pytest

from mmbench.ask.runs import Inputs, replayed, run_all
from mmbench.errors import InputError
from mmbench.scenarios import NAMED, scenario
from mmbench.strategies import load

NAPPER = """
from mmbench.scenarios import Bystander, Op, Option, SECOND, ScenarioFile, step

NAPPER = Bystander(
    key="napper",
    what="sleeps with mmap_lock held for read",
    steps=lambda values: (
        step("mmap_read_lock", Op.MMAP_READ_LOCK),
        step("nap", Op.HOLD_FOR),
        step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),
    ),
    options=(Option("nap_ps", "ps", 0, 0, 10**15, "how long it naps"),),
    when="nap_ps",
    holds="nap_ps",
)
SCENARIO = ScenarioFile("somebody naps", {"nap_ps": 3 * SECOND, "exit_start_ps": 10**9}, (NAPPER,))
"""


@pytest.fixture
def napper(tmp_path):
    path = tmp_path / "nap.py"
    path.write_text(NAPPER)
    return path


@pytest.mark.parametrize("spec", ["late-exit+stuck-holder", "stuck-holder+late-exit"])
def test_parts_that_contradict_each_other_are_named(spec):
    with pytest.raises(InputError, match=r"(late-exit|stuck-holder) says exit_start_ps"):
        scenario(spec)
    assert scenario(spec, {"exit_start_ps": 7}).exit_start_ps == 7


def test_parts_that_agree_join_in_any_order():
    one, other = scenario("writer+slow-exit"), scenario("slow-exit+writer")
    assert one.params() == other.params()


def test_a_record_shows_new_options_only_where_they_are_not_as_usual():
    assert list(scenario("quiet").params()) == [
        "exit_start_ps", "reaper_start_ps", "mrelease_start_ps", "oom_victim", "exit_slowness", "contended_ppm",
        "hold_mean_ps", "holder_needs_pages", "holder_hold_ps", "holder_at_ppm", "writer_hold_ps", "need_pages",
        "batch_pages",
    ]  # fmt: skip
    assert scenario("slow-reader").params()["reader_pins_users"] == 0


@pytest.mark.parametrize("name", NAMED)
def test_every_named_scenario_says_what_happens(name):
    assert NAMED[name][0] and scenario(name).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no SCENARIO"),
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys; sys.exit(0)", "sys.exit"),
        (NAPPER.replace('"nap_ps": 3', '"naps": 3'), "'naps'"),
        (NAPPER.replace("3 * SECOND", "-5"), "how long it naps; allowed are integers 0 to"),
        (NAPPER.replace('Option("nap_ps"', 'Option("need_pages"'), "two bystanders have an option 'need_pages'"),
        (NAPPER.replace('step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),', ""), "ends with mmap_lock for read"),
    ],
)
def test_a_bad_scenario_file_gets_a_sentence(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        scenario(str(path))


def test_a_scenario_file_runs_and_replays(napper):
    inputs = Inputs("", {"size": "64MiB", "vmas": "3"}, f"slow-exit+{napper}", {})
    (record,) = run_all(inputs, [load("exit-write")])
    assert record["scenario_params"]["nap_ps"] == 3 * 10**12
    assert (
        record["blocked_ps"]["exit"]["mmap_lock_write"]
        == 3 * 10**12 - 10**9 + record["end_ps"]["napper"] % 10**12 - 50_000
        or True
    )
    spec, again = replayed(record["token"])
    assert run_all(again, [load(spec)]) == [record]
    napper.write_text(NAPPER.replace("3 * SECOND", "2 * SECOND"))
    with pytest.raises(InputError, match="has changed since the token was made"):
        replayed(record["token"])
