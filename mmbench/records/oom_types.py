"""The types of a real OOM kill, of the model's, and of both side by side. Times are ns after mark_victim."""

from typing import TypedDict

from mmbench.records.measured_types import Config
from mmbench.records.types import Event


class Moment(TypedDict):
    """An event of an OOM kill; ns after mark_victim; origin: kernel or model."""

    t_ns: int
    origin: str
    who: str
    event: str
    detail: str


class Beside(TypedDict):
    """One number of an OOM kill, measured and modelled; None: not known."""

    name: str
    unit: str
    measured: int | None
    model: int | None
    error: float | None


class KernelEvent(TypedDict):
    """An event that the kernel traced; ns after mark_victim; fields: as the tracepoint has them."""

    t_ns: int
    who: str
    event: str
    fields: dict[str, str]


class Trigger(TypedDict):
    """What the allocation that was too much came to: allocated, killed or refused; ns after mark_victim."""

    outcome: str
    done_ns: int | None
    error: str


class OomMessage(TypedDict):
    """A line of the kernel log about a kill, as live.kmsg reads it, and whom it is about."""

    kind: str
    pid: int
    comm: str
    log_us: int
    sizes_kib: dict[str, int]
    who: str


class OomKill(TypedDict):
    """A real OOM kill in a memory cgroup, as live.oom saw it; ns after mark_victim, None: not seen."""

    config: Config
    facts: dict[str, int]
    is_held: bool
    kernel: str
    cgroup_version: int
    pages_before: int
    pages_after_reap: int | None
    freed_by_reaper_pages: int | None
    reaper_start_ns: int | None
    reaper_finish_ns: int | None
    exit_after_ns: int | None
    victim_gone_ns: int
    trigger: Trigger
    n_collateral_kills: int
    messages: list[OomMessage]
    timeline: list[KernelEvent]
    missing_events: list[str]


class PredictedKill(TypedDict):
    """The model's OOM kill; held_ps: until then the victim was held before its exit."""

    reaper_start_ns: int | None
    reaper_ns: int | None
    freed_by_reaper_pages: int
    exit_ns: int
    n_collateral_kills: int
    timeline: list[Event]
    held_ps: int


class OomRecord(TypedDict):
    """A real OOM kill beside the model's."""

    format: str
    verdict: str
    config: Config
    is_held: bool
    compared: list[Beside]
    timeline: list[Moment]
    measured: OomKill
