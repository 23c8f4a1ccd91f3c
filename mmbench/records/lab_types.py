"""The types of what kernels answered in the lab, and of designs inside them beside the model.

Times are ns of the guest, instructions where its clock counts them. `lab.answers`, `lab.record` and `lab.design_record`
have the rules that are held against every record.
"""

from typing import Literal, NotRequired, Required, TypedDict

from mmbench.records.measured_types import Config, Exact, Found


class LabStep(TypedDict):
    """When a step began, by whom, which row of its program, and the target's rss_pages then; see lab.design_record."""

    ns: int
    role: str
    row: int
    rss_pages: int
    cpu: NotRequired[int]
    pid: NotRequired[int]
    freed_pages: NotRequired[int]
    free_pages: NotRequired[int]
    queued_ns: NotRequired[int]
    waited_ns: NotRequired[int]


class FurtherKill(TypedDict):
    """Who was killed besides the victim, and when."""

    who: str
    ns: int


class Turn(TypedDict):
    """A turn of a schedule: who goes on, before which row it stands then (-1: through); see ask.guest_turns.

    held: it stands inside that row, a munlock that waits for a page lock; whole: its turn ended within a walk
    """

    role: str
    to: int
    label: str
    held: bool
    whole: bool


class TurnSeen(TypedDict):
    """What came of a turn: whether the role came there, and the functions it slept in where it did not go on."""

    reached: bool
    sleeps_in: list[str]


class Answered(TypedDict, total=False):
    """What an experiment was and what was found; its kind says which fields it has, see lab.answers.NEEDED."""

    kind: Required[str]
    victim: Required[Config]
    role: str
    design: str
    error: str
    errno: str
    ns: list[int]
    mrelease_ns: list[int]
    exit_after_ns: list[int]
    munmap_ns: list[int]
    plain_ns: list[int]
    delay_ns: list[int]
    lost: list[bool]
    left_by_quarter: list[list[int]]
    n_collateral_kills: int
    trigger: str
    holds: str
    held_page: int
    hold_ms: int
    hurry: bool
    stacks: list[list[str]]
    n_failed_trylocks: int | None
    further_kills: list[FurtherKill]
    reaper_woken_ns: list[int | None]
    reaper_began_ns: list[int | None]
    reaper_ended_ns: list[int | None]
    gave_up_ns: list[int | None]
    steps: list[list[LabStep]]
    nr_mlock_left: int
    nr_mlock_shared: int
    tables_left: list[int]
    stop: int
    stops: Literal["exit", "mrelease", "reaper"]
    waits_in: list[str]
    status: int
    turns: list[Turn]
    turns_seen: list[TurnSeen]
    reaper_said: str
    property: str
    scope: Literal["memcg", "global"]
    need_bytes: int
    exit_mmap_ns: list[int | None]


class Experiment(Answered, total=False):
    """The same with its page counts: in the locked part and in the rest, or in all."""

    pages_before: int | list[int]
    pages_after: int | list[int]


class BootHead(TypedDict):
    """One run of QEMU: the guest, and what it was started with."""

    name: str
    n_cpus: int
    command: list[str]
    initramfs_sha256: str
    memory_bytes: int
    available_bytes: int
    host_load: NotRequired[float]


class LabBoot(BootHead):
    """The same with what was asked of it."""

    experiments: list[Experiment]


class KernelHead(TypedDict):
    """Which kernel a record is of, which programs asked it, and which set of questions."""

    format: str
    series: str
    release: str
    kernel_version: str
    package: str
    package_version: str
    vmlinuz_sha256: str
    qemu: str
    python: str
    set: str


class LabHead(KernelHead):
    """Which kernel a lab record is of, and everything else that its numbers depend on."""

    deb_sha256: str
    css_task_iter_with_dead: NotRequired[bool]


class LabRecord(LabHead):
    """What one kernel answered by its own code."""

    boots: list[LabBoot]


class DesignHead(KernelHead):
    """Which kernel, module and programs a record of designs is of; refused: design -> why."""

    gcc: str
    module_source: str
    module_sha256: str
    programs: dict[str, list[str]]
    refused: NotRequired[dict[str, str]]


class DesignRecord(DesignHead):
    """What designs did inside one kernel; fatal: experiments that brought a guest down."""

    fatal: list[Experiment]
    boots: list[LabBoot]


class PlainRow(TypedDict):
    """A row of a design: what it is called, its op, three arguments, and where it goes."""

    label: str
    op: str
    args: list[int]
    next: int
    otherwise: int


class PlainDesign(TypedDict):
    """A design as plain data; roles: role -> its first row, and the one after its last; see lab.program."""

    name: str
    rows: list[PlainRow]
    roles: dict[str, list[int]]
    caller_kills: bool


class Cell(TypedDict):
    """One party of a design alone: time, the model's, and the pages left; busy_ns: the model's work alone."""

    design: str
    victim: Config
    what: str
    ns: int
    model_ns: int
    busy_ns: float
    error: float
    left: NotRequired[int]
    model_left: NotRequired[int]


class Copy(TypedDict):
    """The program of the kernel's own design against the kernel's own code."""

    what: str
    victim: Config
    stock_ns: int
    copy_ns: int
    error: float


class Happened(TypedDict):
    """What came of an OOM kill beside somebody who holds something, see validation.designs.happened."""

    design: str
    victim: Config
    holds: str
    held_page: int
    kills: int
    killed: list[str]
    gave_up: bool
    reaper_left: int | None
    skip_ms: float | None
    skip_own_ms: float | None
    trigger: str
    sleeps_in: list[str]


class BesideHolder(Happened):
    """The same beside the model's."""

    model_kills: int
    model_gave_up: bool
    model_reaper_left: int
    model_skip_ms: float | None
    back_pages: int | None


class Told(TypedDict):
    """What was seen, and what the rows of the design say."""

    design: str
    seen: str
    told: str


class Meeting(Told):
    """The same of a forced schedule: who stands (exit, mrelease, reaper), and before which op."""

    stops: str
    before: str


class DesignComparison(TypedDict):
    """A record of designs beside the model, by validation.designs; verdicts: design -> what was seen."""

    format: str
    release: str
    era: str
    costs: str
    cells: list[Cell]
    left: Exact
    charged: float
    errors: dict[str, Found]
    copies: list[Copy]
    holders: list[BesideHolder]
    readers: list[BesideHolder]
    late: list[Told]
    forced: list[Meeting]
    verdicts: NotRequired[dict[str, str]]


class ExitingModel(TypedDict, total=False):
    """The model of a question about an exiting victim; without fields where the record has no time of exit_mmap."""

    killer_blind: int
    exit_slowness: int
    model_kills: int
    model_kills_at_full_speed: int


class ExitingCount(TypedDict):
    """Runs of a question and those with further kills, see lab.exiting.counts."""

    scope: str
    victim_bytes: int
    need_bytes: int
    n: int
    n_killed: int
    who: dict[str, int]
    first_ms: list[float] | None
    exit_mmap_ms: list[float] | None
    n_kills: int
    before_gone: int


class ExitingRow(ExitingCount, ExitingModel):
    """The same with the 95 % interval of n_killed of n, and the model's."""

    low: float
    high: float
