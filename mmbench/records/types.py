"""The types of records: what a reader may count on. `run_record` is the rule that is held against every one of them."""

from typing import Any, Literal, NotRequired, TypedDict

Outcome = Literal["completed", "gave-up", "hung", "unsafe"]
ByName = dict[str, int]
ByScope = dict[str, str]


class Steps(TypedDict):
    """A curve: times in ps and pages, one page count per time, both never falling."""

    time_ps: list[int]
    freed_pages: list[int]


class Moments(TypedDict):
    """Picoseconds after the kill; None: the moment never came. The first, half, 90 % and all of what can come back."""

    first: int | None
    half: int | None
    p90: int | None
    all: int | None
    oom_skip: int | None


class Event(TypedDict, total=False):
    """What a task came to; what repeats is one entry. run_record.EVENT says what each field is."""

    at_ps: int
    task: str
    kind: str
    step: str
    op: str
    mmap_lock: str
    n: int
    last_ps: int | None
    total_ps: int
    vma: int
    lru_lock_ps: int
    zone_lock_ps: int
    freed_pages: int


class Run(TypedDict):
    """What one design did with one victim in one scenario; pages of 4 KiB, times in ps, by party, task or cause."""

    format: str
    kind: str
    strategy: str
    status: NotRequired[str]
    file: NotRequired[str]
    checker: NotRequired[ByScope]
    params: dict[str, Any]
    scenario: str
    scenario_params: dict[str, Any]
    victim: str
    seed: int
    costs: str
    resident_pages: int
    locked_pages: int
    outcome: Outcome
    violations: list[str]
    freed_pages: ByName
    left_pages: ByName
    reaper_left_pages: ByName
    mrelease_left_pages: NotRequired[ByName]
    blocked_ps: dict[str, ByName]
    busy_ps: NotRequired[ByName]
    end_ps: NotRequired[dict[str, int | None]]
    reap_passes: NotRequired[ByName]
    time_ps: Moments
    throughput_pages_per_s: float | None
    throughput_by_task: dict[str, float | None]
    collateral_kills: int
    patience_kills: ByName
    curve: Steps
    freed_at: NotRequired[Steps]
    work: NotRequired[dict[str, ByName]]
    timeline: NotRequired[list[Event]]
    timeline_dropped: NotRequired[int]


class RunRecord(Run):
    """A run with the token that makes it again: what leaves `ask`."""

    token: str


class Code(TypedDict):
    """What a study was made from: enough to make it again, and to see whether it would be the same."""

    command: str
    costs_digest: str
    study_digest: str
    mmbench_version: NotRequired[str]
    commit: NotRequired[str]
    commit_modified: NotRequired[str]


class AboutStudy(TypedDict):
    """What identifies a study of many kills."""

    strategy: str
    law_of_kills: str
    law_of_victims: str
    scenario: str
    scenario_params: dict[str, int]
    costs: str
    seed: int
    target: str
    rarity: float
    reapers: int
    order: str
    checker: ByScope


class PromiseStep(TypedDict):
    """One rung that was tried for a promise; without times where the queue has no steady state."""

    tried: str
    verdict: str
    kills: int
    value_ps: NotRequired[float]
    low_ps: NotRequired[float]
    high_ps: NotRequired[float]


class InTheWay(TypedDict):
    """What ordinary victims alone come to, the reaper's timer, and mean ps by cause of about the kills left out."""

    floor: dict[str, Any]
    delay_ps: int
    causes: dict[str, float]


class PromiseRecord(AboutStudy):
    """The largest size, or the highest rarity, for which a promise holds; answer is None when nothing does."""

    format: str
    kind: str
    slo: str
    quantity: str
    limit_ps: int
    solve: str
    confidence: float
    answer: str | None
    at_the_top: bool
    made_from: Code
    steps: list[PromiseStep]
    in_the_way: NotRequired[InTheWay]


class PredictedReap(TypedDict):
    """The model's reap of kill `number` of a log: from the kill to the last step of `party`, and the pages left.

    is_assumed: the log names no kernel; is_limited: the kill's dump allows less to be locked than was asked for.
    """

    number: int
    strategy: str
    is_assumed: bool
    party: str
    locked_share: float
    is_limited: bool
    after_ps: int | None
    left_pages: int
