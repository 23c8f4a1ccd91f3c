"""What leaves `ask` adds up, and bad input gets one sentence."""

from __future__ import annotations

import pytest

import mmbench.engine
from mmbench.ask.runs import Inputs, replayed, run_all, run_sweep, swept
from mmbench.errors import EXIT_BAD_NEWS, InputError, WrongRecord
from mmbench.records.run_record import validate_record
from mmbench.strategies import load

SMALL = {"size": "16MiB", "vmas": "4"}


def asked(**words) -> Inputs:
    return Inputs(**{"victim": "", "synthetic": SMALL, "scenario": "quiet", "overrides": {}} | words)


def test_every_record_is_whole_with_its_token_and_can_be_asked_for_again():
    records = run_all(asked(scenario="mrelease", seed=-7), [load("v5.17"), load("v6.18")])
    for record in records:
        validate_record(record)
        strategy, inputs = replayed(record["token"])
        assert run_all(inputs, [load(strategy)]) == [record]


@pytest.mark.parametrize(
    ("field", "spoil"),
    [
        ("freed_pages", lambda found: found | {"exit": found["exit"] // 10}),  # a party that nobody books
        ("throughput_pages_per_s", lambda found: found * 10),
        ("throughput_by_task.exit", lambda found: found | {"exit": found["exit"] + 1}),
        ("blocked_ps.exit", lambda found: found | {"exit": {"page_lock": 10**15}}),
        ("busy_ps.exit", lambda found: found | {"exit": 10**15}),
        ("blocked_ps.reaper", lambda found: found | {"reaper": {"a_cause_of_my_own": 1}}),
        ("left_pages", lambda found: found | {"nowhere": 1}),
        ("time_ps.all", lambda found: found | {"all": 1}),
    ],
)
def test_a_record_that_does_not_add_up_cannot_leave(monkeypatch, field, spoil):
    real = mmbench.engine.run_prepared
    name = field.partition(".")[0]

    def wrong(*args, **more):
        record = real(*args, **more)
        return record | {name: spoil(record[name])}

    monkeypatch.setattr(mmbench.engine, "run_prepared", wrong)
    with pytest.raises(
        WrongRecord, match=r"the run of v6\.1 does not add up, so its numbers are not shown: .*"
    ) as error:
        run_all(asked(), [load("v6.1")])
    assert name in str(error.value)
    assert error.value.exit_code == EXIT_BAD_NEWS


def test_a_timeline_waits_no_longer_than_the_sums_say(monkeypatch):
    real = mmbench.engine.run_prepared

    def unbooked(*args, **more):
        record = real(*args, **more)
        return record | {"blocked_ps": record["blocked_ps"] | {"exit": {}}}

    monkeypatch.setattr(mmbench.engine, "run_prepared", unbooked)
    with pytest.raises(WrongRecord, match=r"field 'blocked_ps.exit' .* its waits in 'timeline'"):
        run_all(asked(scenario="writer"), [load("v6.1")])


def test_a_sweep_is_the_same_question_for_each_share():
    records = run_sweep(swept(asked(), "locked", ["0%", "100%"]), [load("v6.1"), load("v6.18")])
    assert [r["strategy"] for r in records] == ["v6.1", "v6.18"] * 2
    assert [r["locked_pages"] for r in records] == [0, 0, 4096, 4096]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            {"victim": "redis", "synthetic": {"locked": "1"}},
            "--victim redis is complete in itself; leave out --locked.",
        ),
        ({"seed": 1 << 62}, "allowed are integers of at most 62 bits."),
    ],
)
def test_a_question_that_contradicts_itself_is_refused(words, sentence):
    with pytest.raises(InputError, match=sentence):
        asked(**words)


def test_a_sweep_of_a_victim_with_a_share_of_its_own_is_refused():
    with pytest.raises(InputError, match="leave out --locked"):
        swept(asked(synthetic={"locked": "50%"}))
    with pytest.raises(InputError, match="named twice"):
        swept(asked(), "locked", ["0%", "0"])
