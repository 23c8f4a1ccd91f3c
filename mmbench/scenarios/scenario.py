"""Scenarios: named, composable sets of start times and bystanders.

All times are picoseconds after the kill. `stuck-holder+slow-exit` applies one name after the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

from mmbench.errors import InputError, nearest

MS = 1_000_000_000
US = 1_000_000
SECOND = 1000 * MS
NEVER = -1
MAX_PS = 10**17  # about 28 hours
MAX_COUNT = 1 << 40

# Field -> (what it is, unit): the one list that the command line, `mmbench list` and errors read.
FIELDS = {
    "exit_start_ps": "the victim reaches exit_mm",
    "reaper_start_ps": "the reaper thread is free to take this victim (-1: there is no OOM reaper)",
    "mrelease_start_ps": "somebody calls process_mrelease (-1: nobody does)",
    "oom_victim": "1 when the OOM killer marked the victim, 0 for a plain SIGKILL",
    "exit_slowness": "the exiting task runs this many times slower",
    "contended_ppm": "mlocked pages found locked by somebody, per million",
    "hold_mean_ps": "mean time that such a page lock is still held",
    "holder_needs_pages": "a page-lock holder waits until so many pages are freed (0: no such holder)",
    "holder_hold_ps": "a page-lock holder holds for this time (0: no such holder)",
    "holder_at_ppm": "which mlocked page is held: 0 the first, 999999 the last",
    "writer_hold_ps": "somebody holds mmap_lock for write from the kill on (0: nobody)",
    "need_pages": "the allocation that ran out of memory needs so many pages",
    "batch_pages": "who gets mmu_gather batch pages: 0 nobody, 1 exit_mmap only, 2 everybody",
}


@dataclass(frozen=True)
class Scenario:
    """Start times and bystanders of one run; see FIELDS for the meaning of each."""

    name: str = "quiet"
    exit_start_ps: int = 100 * US
    reaper_start_ps: int = 0
    mrelease_start_ps: int = NEVER
    oom_victim: int = 1
    exit_slowness: int = 1
    contended_ppm: int = 0
    hold_mean_ps: int = 1 * MS
    holder_needs_pages: int = 0
    holder_hold_ps: int = 0
    holder_at_ppm: int = 0
    writer_hold_ps: int = 0
    need_pages: int = 4096
    batch_pages: int = 1

    def params(self) -> dict[str, int]:
        """All fields but the name, as integers."""
        values = asdict(self)
        values.pop("name")
        return values


NAMED: dict[str, tuple[str, dict[str, int]]] = {
    "quiet": ("nobody interferes", {}),
    "contended": ("random page locks are held", {"contended_ppm": 100}),
    "stuck-holder": (
        "a page-lock holder waits for memory and the reaper starts after exit_mmap: the thread's worry",
        {"holder_needs_pages": 4096, "exit_start_ps": 1 * MS, "reaper_start_ps": 10 * MS},
    ),
    "late-exit": ("the victim is stuck before exit_mmap for 5 s", {"exit_start_ps": 5 * SECOND}),
    "mrelease": (
        "a user-space killer sends SIGKILL and calls process_mrelease at once; no OOM killer, no reaper",
        {"mrelease_start_ps": 0, "oom_victim": 0, "reaper_start_ps": NEVER, "batch_pages": 2},
    ),
    "slow-exit": ("exit_mmap runs on a core of quarter speed", {"exit_slowness": 4}),
    "writer": ("somebody holds mmap_lock for write for 1.5 s", {"writer_hold_ps": 1500 * MS}),
}

RANGES = {
    "exit_start_ps": (0, MAX_PS),
    "reaper_start_ps": (NEVER, MAX_PS),
    "mrelease_start_ps": (NEVER, MAX_PS),
    "oom_victim": (0, 1),
    "exit_slowness": (1, 1000),
    "contended_ppm": (0, 1_000_000),
    "hold_mean_ps": (0, 1000 * SECOND),
    "holder_needs_pages": (0, MAX_COUNT),
    "holder_hold_ps": (0, MAX_PS),
    "holder_at_ppm": (0, 999_999),
    "writer_hold_ps": (0, MAX_PS),
    "need_pages": (1, MAX_COUNT),
    "batch_pages": (0, 2),
}


def check_scenario(s: Scenario) -> Scenario:
    """Return the scenario, or raise InputError at its first value out of range."""
    for name, (low, high) in RANGES.items():
        value = getattr(s, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"scenario {name} = {value!r}: {FIELDS[name]}; allowed are integers {low} to {high}.")
    if s.holder_needs_pages and s.holder_hold_ps:
        raise InputError("a page-lock holder waits for memory or holds for a time: give one of the two, not both.")
    return s


def scenario(spec: str, overrides: dict[str, int] | None = None) -> Scenario:
    """Build a scenario from `NAME[+NAME...]` and overrides of single fields.

    Raises InputError for an unknown name or field, or a value out of range.
    """
    result = Scenario()
    for name in spec.split("+"):
        if name not in NAMED:
            raise nearest(name, list(NAMED), "scenario")
        result = replace(result, **NAMED[name][1])  # type: ignore[arg-type]
    known = {f.name for f in fields(Scenario)} - {"name"}
    for name in overrides or {}:
        if name not in known:
            raise nearest(name, sorted(known), "scenario field")
    return check_scenario(replace(result, name=spec, **(overrides or {})))  # type: ignore[arg-type]
