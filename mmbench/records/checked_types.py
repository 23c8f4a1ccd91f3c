"""The types of what the checker says: verdicts, schedules that break something, and verdicts kept to compare with."""

from typing import Any, NotRequired, TypedDict


class ScheduleRow(TypedDict):
    """One step of a schedule: who, where, what it means, whether it blocked, what changed, and the choice taken."""

    task: int
    name: str
    label: str
    meaning: str
    blocked: bool
    changed: list[str]
    choice: int


class ScheduleFile(TypedDict):
    """A schedule that breaks a property, as its file has it; scope: as checker.scope writes one."""

    format: str
    version: str
    strategy: str
    spec: str
    digest: str
    scope: dict[str, Any]
    property: str
    claim: str
    kernel: str
    waits: list[str]
    loops: list[str]
    tasks: list[str]
    rows: list[ScheduleRow]


class Unreached(TypedDict):
    """A step that the scope did not reach."""

    role: str
    step: str


class Checked(TypedDict):
    """A verdict for programs: what was found, how far the search went, and what it takes for granted."""

    strategy: str
    scope: str
    verdict: str
    complete: bool
    stop: str
    states: int
    transitions: int
    depth: int
    seconds: float
    properties: dict[str, str]
    bounds: dict[str, int]
    unreached: list[Unreached]
    assumes: list[str]
    counterexamples: dict[str, ScheduleFile]


class VerdictsFile(TypedDict):
    """Design -> scope -> verdict, and which steps each design had then, which old files do not say."""

    format: str
    verdicts: dict[str, dict[str, str]]
    designs: NotRequired[dict[str, str]]
