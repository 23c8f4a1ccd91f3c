"""The types that readers rely on and the rules held against every record speak of the same fields."""

from typing import get_type_hints

from mmbench.records.run_record import EVENT, OUTCOMES, RUN_RECORD, STEPS, whole
from mmbench.records.types import Event, Moments, Outcome, RunRecord, Steps

HOW = "add it to mmbench/records/types.py, too"


def test_a_record_has_the_fields_of_its_type(record):
    hints = set(get_type_hints(RunRecord))
    assert hints == set(RUN_RECORD.required) | set(RUN_RECORD.optional), HOW
    assert RunRecord.__required_keys__ == set(RUN_RECORD.required), HOW
    assert whole(record) is record


def test_its_parts_do_too():
    assert set(get_type_hints(Event)) == set(EVENT.required) | set(EVENT.optional), HOW
    assert set(get_type_hints(Moments)) == set(RUN_RECORD.required["time_ps"].required), HOW
    assert set(get_type_hints(Steps)) == set(STEPS.required), HOW
    assert Outcome.__args__ == OUTCOMES, HOW
