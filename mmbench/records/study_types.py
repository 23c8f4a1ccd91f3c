"""The types of studies of many kills. `study_record` has the rules that are held against every one of them.

Times are ps, shares lie between 0 and 1, and intervals have the study's confidence.
"""

from typing import Literal, NotRequired, Required, TypedDict, final


@final
class Estimated(TypedDict):
    """A number with its interval; effective: how many independent kills are behind it; hits: of a probability."""

    value: float
    low: float
    high: float
    effective: int
    hits: NotRequired[int]


@final
class Withheld(TypedDict):
    """A number that so few kills cannot bound, and how many could."""

    refused: str


Answered = Estimated | Withheld


class Range(TypedDict):
    """A difference, or a mean, with its interval."""

    value: float
    low: float
    high: float


class Counted(Range):
    """Hits of trials."""

    hits: int
    of: int


class Delayed(Counted):
    """How many others came later, or earlier, and by how much in the mean."""

    by_ps: Range


class Told(TypedDict, total=False):
    """Which kill a maximum was. hold: of a page lock, until memory comes or for a time, hold_ps.

    exact_ps: as the table has it; engine_ps: as the engine has it
    """

    exact_ps: int
    replication: int
    kill: int
    wait_ps: int
    victim: str
    size_bytes: int
    hold: Literal["none", "memory", "time"]
    hold_ps: int | None
    table_seed: int
    engine_ps: int


class Largest(Told):
    """The largest value lies between two bounds; which kill it was, where the study is not too long."""

    low: Required[int]
    high: Required[int]


class Latency(TypedDict):
    """One latency: percentiles by name, p99.9 for 0.999."""

    mean_ps: float
    percentiles: dict[str, Answered]
    max: Largest


class Busy(TypedDict):
    """How busy the reaper is: with victims taken at once, at the end of a long list, and as it was seen."""

    idle: float
    backlog: float
    seen: float


class Over(TypedDict):
    """Shares of kills that take longer than a time, to MMF_OOM_SKIP and of the reaper's."""

    time_ps: int
    skip: Estimated
    reaper: Estimated


class SaidBySkip(TypedDict):
    """What MMF_OOM_SKIP said: kills that are flawed, those for which it came early, and mean times of both sorts."""

    flawed: Estimated
    early: Estimated
    early_mean_ps: float
    back_mean_ps: float


class Shares(TypedDict):
    """Mean ps from kill to MMF_OOM_SKIP by words.SHARES, of the kills that take longer than from_ps."""

    from_ps: float
    kills: int
    mean_ps: dict[str, float]


class Tail(TypedDict):
    """P(kill to MMF_OOM_SKIP takes longer) with its band, a point per time."""

    time_ps: list[float]
    p: list[float]
    low: list[float]
    high: list[float]


# One number of kill to MMF_OOM_SKIP with heavy victims, without, and unlocked; and what comes from what.
Effect = TypedDict(
    "Effect",
    {
        "with": float, "without": float, "unlocked": float,
        "added": Range, "suffered": Range, "to_others": Range, "by_mlock": Range,
    },
)  # fmt: skip


class AddedByHeavy(TypedDict):
    """What heavy victims do: to the mean and to each percentile, to the kills above a time, to all others."""

    n_heavy: int
    n_others: int
    effects: dict[str, Effect | Withheld]
    of_over: dict[str, Counted]
    later: Delayed
    earlier: Delayed


class Moved(TypedDict):
    """A percentile to MMF_OOM_SKIP of kills in domains, of the same kills apart, and the difference."""

    value_ps: float
    apart_ps: float
    by_ps: Range


class HeldBack(TypedDict):
    """Kills in domains: who is held back and for how long, who costs a further victim, and what both do to the target.

    A kill is held back while the last victim of its domain has no MMF_OOM_SKIP; further victims enter the list.
    """

    domains: int
    held: Delayed
    further: Counted
    moved: Moved | Withheld


class Off(TypedDict):
    """Relative error of the service table for the kills that an answer rests on, by so many engine runs."""

    median: float
    worst: float
    runs: int


class BruteForce(Range):
    """What the study's own kills say of a rare event."""

    hits: int
    kills: int


class Rare(TypedDict):
    """A probability too rare for the study's own kills, or why it is refused; unseen: kinds of which none came."""

    brute_force: BruteForce
    refused: NotRequired[str]
    method: NotRequired[str]
    value: NotRequired[float]
    low: NotRequired[float]
    high: NotRequired[float]
    hits: NotRequired[int]
    runs: NotRequired[int]
    exact_part: NotRequired[float]
    levels: NotRequired[int]
    kinds: NotRequired[int]
    unseen: NotRequired[list[int]]
    kills_per_period: NotRequired[float]


class RareTails(TypedDict):
    """P(longer than a time): of a kill that the reaper takes at once, by latency, and behind others."""

    time_ps: int
    alone: dict[str, Rare]
    behind: Rare


class Pair(Range):
    """The difference of two strategies on the same kills, and whether its sign is known."""

    first: str
    second: str
    decided: bool


class Ranking(TypedDict):
    """Strategies best first; those whose difference is not decided share a rank; early and flawed ones come last."""

    confidence: float
    order: list[str]
    rank: dict[str, int]
    flawed: list[str]
    early: NotRequired[list[str]]
    value_ps: dict[str, float]
    differences_ps: list[Pair]


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
    checker: dict[str, str]


class StudyAnswer(AboutStudy):
    """What the kills of a study say under one strategy, before anything is set beside it."""

    format: str
    kind: str
    kills: int
    replications: int
    confidence: float
    load: Busy
    latency: dict[str, Latency]
    over: Over
    waited: float
    gave_up: float
    oom_skip: SaidBySkip
    collateral: dict[str, Estimated]
    causes: dict[str, Shares]
    tail: Tail
    added: NotRequired[AddedByHeavy]
    held_back: NotRequired[HeldBack]
    rare: NotRequired[RareTails]
    fleet: NotRequired[str]
    ranking: NotRequired[dict[str, Ranking]]


class StudyRecord(StudyAnswer):
    """A study with how far its table is off, what it was made from, and the sentence: what leaves `ask`."""

    interpolation: dict[str, Off]
    made_from: Code
    sentence: str


class Grid(TypedDict):
    """A percentile over rarities (rows) and sizes of heavy victims; None: refused."""

    sizes: list[str]
    rarities: list[str]
    percentile: str
    value_ps: list[list[float | None]]


class Rung(TypedDict):
    """What was tried for a promise, and whether it holds."""

    tried: str
    verdict: str
    kills: int


@final
class Tried(Rung):
    """The same where the queue has no steady state."""


@final
class TriedTimed(Rung):
    """The same where it has one, with what was seen there."""

    value_ps: float
    low_ps: float
    high_ps: float


class InTheWay(TypedDict):
    """What ordinary victims alone come to, the reaper's timer, and where about the kills left out spend their time."""

    floor: Answered
    delay_ps: int
    causes: Shares


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
    steps: list[Tried | TriedTimed]
    interpolation: NotRequired[dict[str, Off]]
    in_the_way: NotRequired[InTheWay]
