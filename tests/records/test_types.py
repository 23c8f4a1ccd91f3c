"""The types that readers rely on and the rules held against every record speak of the same fields."""

from typing import Any, Literal, NotRequired, TypedDict

import pytest

from mmbench.ask.calibrations import CONFIG, SAMPLE
from mmbench.cost.table import ENTRY
from mmbench.lab import answers, design_record
from mmbench.lab.record import RECORD as LAB
from mmbench.records.checked_types import VerdictsFile
from mmbench.records.kill_types import KillRecord
from mmbench.records.lab_types import Answered, BootHead, DesignHead, LabHead, LabStep
from mmbench.records.manifest import MANIFEST
from mmbench.records.measured_types import Entry, Manifest, Sample
from mmbench.records.run_record import EVENT, OUTCOMES, RUN_RECORD, whole
from mmbench.records.schema import Either, Fields, Int, ListOf, MapOf, Maybe, Number, Rule, Text
from mmbench.records.study_record import PROMISED, STUDY
from mmbench.records.study_types import PromiseRecord, StudyRecord
from mmbench.records.types import Event, Outcome, RunRecord
from mmbench.records.verdicts import VERDICTS
from mmbench.victims.kernel_log.record import RECORD as KILLS
from tests.records.agree import differences


def less(rule: Fields, *names: str) -> Fields:
    """A rule without the fields whose values its reader holds against rules of their own, one by one."""
    required, optional = ({n: r for n, r in had.items() if n not in names} for had in (rule.required, rule.optional))
    return Fields(required, optional)


# the victim of an experiment is held against VictimConfig, the fields that its kind needs against answers.NEEDED
FOUND = {name: rule for name, rule in answers.FIELDS.items() if name not in ("kind", "victim")}
ANSWERED = Fields({"kind": Text(), "victim": CONFIG}, FOUND)
TYPED: list[tuple[Any, Rule]] = [
    (RunRecord, RUN_RECORD),
    (Event, EVENT),
    (StudyRecord, STUDY),
    (PromiseRecord, PROMISED),
    (Sample, SAMPLE),
    (Entry, ENTRY),
    (Manifest, MANIFEST),
    (KillRecord, KILLS),
    (VerdictsFile, VERDICTS),
    (LabHead, less(LAB, "boots")),
    (DesignHead, less(design_record.RECORD, "boots", "fatal")),
    (BootHead, less(answers.HEAD, "experiments")),
    (Answered, ANSWERED),
    (LabStep, answers.STEP),
]


@pytest.mark.parametrize(("hint", "rule"), TYPED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_type_says_what_its_rule_says(hint, rule):
    found = list(differences(hint, rule, hint.__name__))
    assert not found, "; ".join(found)


def test_whole_is_the_record_itself(record):
    assert whole(record) is record and Outcome.__args__ == OUTCOMES


class Inner(TypedDict):
    n: int


class Without(TypedDict):
    why: str


class Outer(TypedDict):
    inner: Inner
    many: list[Inner]
    named: dict[str, float | None]
    word: Literal["a", "b"]
    either: Inner | Without
    perhaps: NotRequired[Inner | None]


INNER = Fields({"n": Int()})
RULES: dict[str, Rule] = {
    "inner": INNER,
    "many": ListOf(INNER),
    "named": MapOf(Number(nullable=True)),
    "word": Text(("a", "b")),
    "either": Either("why", Fields({"why": Text()}), INNER),
}


def outer(perhaps: str = "perhaps", **other: Rule) -> Fields:
    return Fields({**RULES, **other}, {perhaps: Maybe(INNER)})


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (outer(), set()),
        (outer(inner=Fields({"n": Number()})), {"Outer.inner.n"}),
        (outer(inner=Fields({}, {"n": Int()})), {"Outer.inner.n"}),
        (outer(many=ListOf(Fields({"n": Int(), "m": Int()}))), {"Outer.many[].m"}),
        (outer(named=MapOf(Number())), {"Outer.named.*"}),
        (outer(word=Text(("a",))), {"Outer.word"}),
        (outer(either=INNER), {"Outer.either"}),
        (outer(either=Either("why", Fields({"why": Int()}), INNER)), {"Outer.either.why"}),
        (outer("maybe"), {"Outer.maybe", "Outer.perhaps"}),
        (Fields({**RULES, "perhaps": Maybe(INNER)}), {"Outer.perhaps"}),
        (Fields(RULES, {"perhaps": INNER}), {"Outer.perhaps"}),
    ],
)
def test_a_type_that_says_something_else_is_found(rule, told):
    assert {found.split(":")[0] for found in differences(Outer, rule, "Outer")} == told
