"""The types of kills read from a log. `victims.kernel_log.record` has the rule held against every record of them.

Pages are 4 KiB; None is "the log does not say".
"""

from typing import Literal, TypedDict

from mmbench.records.measured_types import Manifest

Outcome = Literal["reaped", "gave-up", "skipped", "exited", "did-not-exit"]


class ObservedReap(TypedDict):
    """How the reaping of a kill ended, how long after it and after its own start, and what it left."""

    outcome: Outcome
    after_us: int | None
    start_us: int | None
    left_anon_pages: int | None
    left_file_pages: int | None
    left_shmem_pages: int | None


class LoggedKill(TypedDict):
    """One kill; stretch: of time that one clock tells; locked_at_most_pages: what the whole machine or group had."""

    stretch: int
    time_us: int | None
    step_us: int | None
    by: str
    process: str | None
    pid: int | None
    total_vm_pages: int | None
    rss_pages: int | None
    anon_pages: int | None
    file_pages: int | None
    shmem_pages: int | None
    swap_pages: int | None
    pgtables_bytes: int | None
    cgroup_bytes: int | None
    oom_score_adj: int | None
    locked_at_most_pages: int | None
    kernel: str | None
    reap: ObservedReap | None


class KillRecord(TypedDict):
    """All kills of a log, in the order of time, and what of it was not read."""

    format: str
    manifest: Manifest
    clock: Literal["realtime", "monotonic", "none"]
    n_lines: int
    n_bytes: int
    n_dropped: int
    n_repeated: int
    n_boots: int
    n_reaps_without_kill: int
    n_unread: int
    unread_lines: list[int]
    notes: list[str]
    kills: list[LoggedKill]
