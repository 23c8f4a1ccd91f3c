"""The types of records: what a reader may count on. `run_record` is the rule that is held against every one of them."""

from typing import Literal, NotRequired, TypedDict

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


class Event(TypedDict):
    """What a task came to; what repeats is one entry. run_record.EVENT says what each field is."""

    at_ps: int
    task: str
    kind: str
    step: str
    op: str
    mmap_lock: NotRequired[Literal["read", "write"]]
    n: NotRequired[int]
    last_ps: NotRequired[int | None]
    total_ps: NotRequired[int]
    vma: NotRequired[int]
    lru_lock_ps: NotRequired[int]
    zone_lock_ps: NotRequired[int]
    freed_pages: NotRequired[int]


class Run(TypedDict):
    """What one design did with one victim in one scenario; pages of 4 KiB, times in ps, by party, task or cause."""

    format: str
    kind: str
    strategy: str
    status: NotRequired[str]
    file: NotRequired[str]
    checker: NotRequired[ByScope]
    params: dict[str, str]
    scenario: str
    scenario_params: ByName
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
