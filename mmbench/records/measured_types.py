"""The types of what is measured on running kernels, and of what is made of it: samples, cost tables, validations.

Times of measurements are ns, prices are ps. `ask.calibrations.SAMPLE` is the rule held against every sample.
"""

from typing import Literal, NotRequired, TypedDict, final

Interval = list[float | None]  # low, high; None: no bound


class Manifest(TypedDict):
    """Which code on which machine made a result, see records.manifest."""

    format: str
    mmbench_version: str
    kernel: str
    architecture: str
    cpu_model: str
    n_cpus: int
    python_version: str
    commit: NotRequired[str]
    commit_modified: NotRequired[Literal["yes", "no"]]
    ram_bytes: NotRequired[int]
    numpy_version: NotRequired[str]
    numba_version: NotRequired[str]


class Measured(TypedDict):
    """Where and when samples are from."""

    kernel: str
    date: str
    manifest: Manifest


class Config(TypedDict):
    """A victim that can be measured: live.workload.VictimConfig as JSON."""

    span_bytes: int
    locked_share: float
    n_vmas: int
    stride_pages: int
    kind: str


class Sample(TypedDict):
    """One victim torn down. parts: times of the parties of a race, None: not known; why: what disturbed it."""

    config: Config
    facts: dict[str, int]
    what: Literal["exit", "mrelease", "exit_after", "race"]
    rep: int
    ns: int
    cpu_ns: int | None
    freed_pages: int
    error: str
    parts: dict[str, int | None]
    disturbed: bool
    why: str
    begun_ns: NotRequired[int]
    pages_before: NotRequired[int]
    foreign_share: NotRequired[float]


class Row(TypedDict):
    """All samples of a configuration and kind of tear-down, see cost.summary."""

    config: Config
    facts: dict[str, int]
    what: str
    n: int
    n_disturbed: int
    is_quiet: bool
    median_ns: float
    low_ns: float
    high_ns: float
    spread: float
    median_cpu_ns: float | None
    freed_pages: list[int]
    whys: list[str]


class Observation(TypedDict):
    """What a price is fitted to: a time, how far its measurements spread, and the model's work, item -> how often."""

    what: str
    median_ns: float
    spread: float
    work: dict[str, int]


class Entry(TypedDict):
    """The price of a work item and how it was found."""

    ps: int
    provenance: str
    source: str
    low_ps: NotRequired[int]
    high_ps: NotRequired[int]
    origin: NotRequired[str]
    carried_over: NotRequired[bool]


class Term(TypedDict):
    """One term of the plain formula, with its 95 % interval."""

    value_ps: int
    low_ps: int
    high_ps: int


class Residual(TypedDict):
    """What the plain formula says of one configuration."""

    config: Config
    measured_ps: int
    fitted_ps: int
    error: float


class Fit(TypedDict):
    """The plain formula fitted to one kind of tear-down; a cost table leaves the residuals to its samples."""

    what: str
    terms: dict[str, Term]
    not_seen: list[str]
    n_configs: int
    median_abs_error: float
    p95_abs_error: float
    max_abs_error: float
    residuals: NotRequired[list[Residual]]


class Ratio(TypedDict):
    """A median over configurations with its 95 % interval; None: nothing is known."""

    value: float | None
    low: float | None
    high: float | None


class RaceRatios(TypedDict):
    """Racing over exit alone."""

    n_configs: int
    total: Ratio
    cpu: Ratio


class Errors(TypedDict):
    """Absolute relative errors over configurations."""

    median_abs_error: float
    p95_abs_error: float


class CostFile(TypedDict):
    """A cost table as its file has it; what only a calibration knows is not required."""

    format: str
    name: str
    machine: str
    cold_after_pages: int
    base_ps: dict[str, int]
    costs: dict[str, Entry]
    date: NotRequired[str]
    manifest: NotRequired[Manifest]
    strategy: NotRequired[str]
    spread: NotRequired[dict[str, float]]
    errors: NotRequired[dict[str, Errors]]
    race_ratios: NotRequired[RaceRatios | None]
    fits: NotRequired[dict[str, Fit]]
    samples: NotRequired[str]


class FrozenCosts(TypedDict):
    """A cost table's numbers, frozen with what they predict."""

    name: str
    machine: str
    base_ps: dict[str, int]
    prices_ps: dict[str, int]


class Prediction(TypedDict):
    """What the model says of one tear-down, before it is measured."""

    config: Config
    what: str
    model_ns: int
    freed_pages: int


class Compared(TypedDict):
    """Measured median and quartiles, the model's time, and its relative error."""

    config: Config
    what: str
    measured_ns: float
    low_ns: float
    high_ns: float
    model_ns: int
    error: float
    n: int
    n_disturbed: int
    spread: float


class Found(TypedDict):
    """Errors of one kind of tear-down over n configurations; None where there are none."""

    n: int
    median_abs_error: float | None
    p95_abs_error: float | None


class Exact(TypedDict):
    """How many there are, and how many of them are exact."""

    n: int
    exact: int


class KindVerdict(TypedDict):
    """Pass, fail or undecided for one kind of tear-down, and why; n_needed: victims that would tell."""

    verdict: str
    why: str
    goal_median: float
    goal_p95: float | None
    spread: float | None
    median_interval: Interval | None
    p95_interval: Interval | None
    n_needed: int | None


class Reason(TypedDict):
    """What disturbed samples, and how many."""

    why: str
    n: int


class Disturbed(TypedDict):
    """What got in the way; median_foreign_share: of a CPU, taken by others."""

    n_samples: int
    n_disturbed: int
    median_foreign_share: float | None
    reasons: list[Reason]


class Judged(TypedDict):
    """Predictions held against measurements, by validation.verdict."""

    format: str
    verdict: str
    confidence: float
    held_out: dict[str, Found]
    freed_pages: Exact
    kinds: dict[str, KindVerdict]
    disturbed: Disturbed
    rows: list[Compared]
    looks: NotRequired[list[int]]
    stopped: NotRequired[Literal["decided", "time", "victims"]]
    machine: NotRequired[str]


class Validation(Judged):
    """A validation as its file has it: with what was predicted from, where and when."""

    costs: str
    predictions_sha256: str
    date: str
    manifest: Manifest


class LeftBehind(TypedDict):
    """Pages before a lone party, those that it left, and the model's."""

    victim: Config
    party: str
    before: int
    left: int
    model_left: int


class Booted(TypedDict):
    """A time in a booted kernel, the least of its repetitions, in instructions (1 ns each)."""

    config: Config
    what: str
    ns: int


class HeldOut(Booted):
    """The same beside the model's, and the relative error."""

    model_ns: int
    error: float
    spread: NotRequired[float]


@final
class NoTable(TypedDict):
    """In place of a cost table that too few victims were measured for."""


class LabComparison(TypedDict):
    """A lab record beside the model; rows: held-out victims, and races; fitted and held_out: errors by kind."""

    format: str
    series: str
    release: str
    strategy: str
    freed_pages: Exact
    cells: list[LeftBehind]
    fitted: dict[str, Found]
    held_out: dict[str, Found]
    rows: list[HeldOut]
    table: CostFile | NoTable
