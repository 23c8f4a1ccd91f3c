"""Booted kernels beside every design: what each says is left of a victim, and what the kernel left.

A kernel ships one design, which has to agree. What the other designs say otherwise is what they would have changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmbench.lab.record import check_record
from mmbench.lab.record import experiments as all_experiments
from mmbench.lab.summary import LACKS, reap_order
from mmbench.machine.protocol import LOW_TO_HIGH
from mmbench.records.lab_types import Experiment, LabRecord
from mmbench.records.measured_types import Config, LabComparison
from mmbench.report.text.measured import victim_name
from mmbench.strategies import load_all
from mmbench.strategies.load import Loaded
from mmbench.validation import kernel_lab
from mmbench.validation.geometry import KINDS
from mmbench.validation.kernel_lab import LONE, total

TRUTH_TABLE = "semantics"
AGREE, DIFFER, NOT_COMPARED = "agree", "differ", "none"


@dataclass(frozen=True)
class Question:
    """A victim that one party tore down alone while it was held.

    before: pages there were, None if nothing tells; real: pages the kernel left, or the errno of its refusal;
    model: design -> pages it would leave, None for a design without that party
    """

    victim: str
    party: str
    role: str
    before: int | None
    real: int | str
    model: Mapping[str, int | None]

    def verdict(self, design: str) -> str:
        """Whether the design's pages are the kernel's: AGREE, DIFFER; NOT_COMPARED when one of them lacks the party."""
        said = self.model[design]
        if said is None or isinstance(self.real, str):
            return NOT_COMPARED
        return AGREE if said == self.real else DIFFER


@dataclass(frozen=True)
class Kernel:
    """One record's answers.

    file: name of the record; order: as reap_order says; compared: as kernel_lab.compare returns;
    silent: why experiments with a lone party are not compared -> how many
    """

    file: str
    record: LabRecord
    order: str
    compared: LabComparison
    questions: tuple[Question, ...]
    silent: Mapping[str, int]

    @property
    def era(self) -> str:
        """The design that this kernel ships."""
        return str(self.compared["strategy"])

    def truth_table(self) -> list[Question]:
        """The victims made to tell the designs apart."""
        return [q for q in self.questions if q.role == TRUTH_TABLE]

    def counts(self, design: str) -> Counter[str]:
        """AGREE, DIFFER and NOT_COMPARED -> number of questions."""
        return Counter(q.verdict(design) for q in self.questions)

    def order_verdict(self, order: str) -> str:
        """Whether a reaper that visits VMAs in `order` is this kernel's."""
        if self.order == "unseen":
            return NOT_COMPARED
        return AGREE if order == self.order else DIFFER


@dataclass(frozen=True)
class Design:
    """A strategy as the matrix names it. order: how its reaper visits VMAs, "up" or "down"."""

    name: str
    title: str
    status: str
    order: str


class Predictions:
    """Pages that designs leave, each victim torn down once: records share most of them."""

    def __init__(self, designs: Iterable[Loaded]) -> None:
        self.designs = list(designs)
        self._freed: dict[tuple[str, str, str], int] = {}

    def left(self, config: Config, party: str, before: int) -> dict[str, int | None]:
        """Design -> pages left of `before`, None for a design without that party."""
        return {one.name: self._left(one, config, party, before) for one in self.designs}

    def _left(self, design: Loaded, config: Config, party: str, before: int) -> int | None:
        role = "mrelease" if party == "mrelease" else "reaper"
        if role not in design.roles:
            return None
        key = (design.name, role, json.dumps(config, sort_keys=True))
        if key not in self._freed:
            self._freed[key] = kernel_lab.freed_alone(config, role, design)
        return before - self._freed[key]


def designs() -> list[Design]:
    """Every strategy of the repository, oldest first."""
    return [
        Design(one.name, one.strategy.title, one.strategy.status, "up" if direction(one) == LOW_TO_HIGH else "down")
        for one in load_all()
    ]


def direction(design: Loaded) -> int:
    """In which direction a design's reaper visits VMAs: of the first step that has one."""
    return next(step.args["direction"] for step in design.roles["reaper"] if "direction" in step.args)


def ask(records: Mapping[str, LabRecord]) -> list[Kernel]:
    """Hold every design against every record, oldest kernel first.

    records: file name -> record. Raises InputError for what is no lab record, and for a kernel older than the designs.
    """
    predictions = Predictions(load_all())
    found = []
    for file, record in sorted(records.items(), key=lambda item: release_order(item[1])):
        check_record(record)
        answered = [e for e in kernel_lab.experiments(record) if e["kind"] in LONE and "pages_after" in e]
        asked = [e for e in all_experiments(record) if e["kind"] in LONE]
        refused = [e for e in asked if "error" in e and e["role"] == TRUTH_TABLE]
        before = {victim_name(e["victim"]): total(e["pages_before"]) for e in answered}
        found.append(
            Kernel(
                file=file,
                record=record,
                order=reap_order(record),
                compared=kernel_lab.compare(record),
                questions=tuple(
                    question(e, before.get(victim_name(e["victim"])), predictions) for e in [*answered, *refused]
                ),
                silent=Counter(why_silent(entry) for entry in asked if entry not in answered),
            )
        )
    return found


def release_order(record: LabRecord) -> tuple[int, ...]:
    """5.10 before 5.4 in letters, after it in time; a name without numbers is first."""
    return tuple(int(part) for part in str(record.get("series", "")).split(".") if part.isdigit())


def question(entry: Experiment, before: int | None, predictions: Predictions) -> Question:
    """One experiment of a record, with every design's answer.

    before: pages of the victim, of which the record of a refused experiment says nothing; None when no other does
    """
    victim, party = entry["victim"], entry["kind"]
    real = (entry["errno"] or entry["error"]) if "error" in entry else total(entry["pages_after"])
    model: dict[str, int | None] = dict.fromkeys(one.name for one in predictions.designs)
    if before is not None:
        model = predictions.left(victim, party, before)
    return Question(victim_name(victim), party, entry["role"], before, real, model)


def why_silent(entry: Experiment) -> str:
    """Why an experiment is not compared."""
    if "error" in entry:
        return f"{entry['kind']}: {entry['errno'] if entry['errno'] in LACKS else entry['error']}"
    kind = entry["victim"]["kind"]
    return f"{entry['kind']}: no page count" if kind in KINDS else f"{kind} memory is not in the model"
