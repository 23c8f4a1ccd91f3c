"""The types of what the checker says: verdicts, schedules that break something, and verdicts kept to compare with."""

from typing import NotRequired, TypedDict


class ScheduleRow(TypedDict):
    """One step of a schedule: who, where, what it means, whether it blocked, what changed, and the choice taken."""

    task: int
    name: str
    label: str
    meaning: str
    blocked: bool
    changed: list[str]
    choice: int


class VmaFile(TypedDict):
    """One VMA of a scope, as checker.scope.Vma."""

    at: int
    pages: int
    flags: list[str]
    kind: str
    huge: int
    elsewhere: int


class ScopeFile(TypedDict):
    """A small world and its tasks, as checker.scope.Scope."""

    format: str
    name: str
    vmas: list[VmaFile]
    tasks: list[str]
    holder_page: int
    holder_needs: int
    allocator_needs: int
    gather_slots: int
    oom_victim: bool
    victim_waits: bool


class ScheduleFile(TypedDict):
    """A schedule that breaks a property, as its file has it."""

    format: str
    version: str
    strategy: str
    spec: str
    digest: str
    scope: ScopeFile
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
