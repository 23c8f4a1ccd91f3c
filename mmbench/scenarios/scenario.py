"""Scenarios: named, composable sets of values; who is there follows from them, and so do start times.

All times are picoseconds after the kill. `stuck-holder+slow-exit` sets the values of both. A file of one's own defines
SCENARIO = ScenarioFile(...), with bystanders of its own if it wants some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mmbench.errors import InputError, nearest, short
from mmbench.machine.lint import lint_role
from mmbench.scenarios.bystander import MAX_PS, MS, NEVER, SECOND, US, Bystander, Option
from mmbench.scenarios.bystanders import BYSTANDERS

__all__ = ["MS", "NEVER", "OPTIONS", "SECOND", "US", "Scenario", "ScenarioFile", "scenario"]

# Of the victim, of the design's other parties, and of the machine.
PARTIES_OPTIONS = (
    Option("exit_start_ps", "ps", 100 * US, NEVER, MAX_PS, "the victim reaches exit_mm (never: frozen)", old=True),
    Option(
        "reaper_start_ps", "ps", 0, NEVER, MAX_PS,
        "the reaper thread is free to take this victim (never: there is no OOM reaper)", old=True,
    ),
    Option(
        "mrelease_start_ps", "ps", NEVER, NEVER, MAX_PS, "somebody calls process_mrelease (never: nobody)", old=True
    ),
    Option(
        "oom_victim", "", 1, 0, 1, "1 when the OOM killer marked the victim, 0 for a plain SIGKILL", old=True
    ),
    Option("exit_slowness", "", 1, 1, 1000, "the exiting task runs this many times slower", old=True),
    Option(
        "mrelease_grabs_ps", "ps", NEVER, NEVER, MAX_PS,
        "that caller took hold of the mm at this time already, and asks for the lock at its start (never: then)",
    ),
)  # fmt: skip
MACHINE_OPTIONS = (
    Option(
        "batch_pages", "", 1, 0, 2, "who gets mmu_gather batch pages: 0 nobody, 1 exit_mmap only, 2 everybody", old=True
    ),
)


def options_of(bystanders: tuple[Bystander, ...]) -> dict[str, Option]:
    """All options of a run with these bystanders possible, by name, in the order of records. Raises InputError."""
    own = [option for one in bystanders for option in one.options]
    found = [*PARTIES_OPTIONS, *own, *MACHINE_OPTIONS]
    names = [option.name for option in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two bystanders have an option {name!r}; call one of them otherwise.")
    return {option.name: option for option in found}


OPTIONS = options_of(BYSTANDERS)
DEFAULTS = {name: option.default for name, option in OPTIONS.items()}


@dataclass(frozen=True)
class ScenarioFile:
    """What a scenario file defines: what happens, in a line; values of options; bystanders beside the built-in ones."""

    what: str
    values: Mapping[str, int]
    bystanders: tuple[Bystander, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """The values of one run, read as attributes (`s.exit_start_ps`), and who may take part in it."""

    name: str
    values: Mapping[str, int]
    bystanders: tuple[Bystander, ...] = BYSTANDERS

    def __getattr__(self, name: str) -> int:
        if name.startswith("_") or name in ("name", "values", "bystanders") or name not in self.values:
            raise AttributeError(f"a scenario has no value {name!r}")
        return self.values[name]

    def but(self, **values: int) -> Scenario:
        """The same with other values."""
        return replace(self, values={**self.values, **values})

    @property
    def present(self) -> list[Bystander]:
        """Who takes part."""
        return [one for one in self.bystanders if one.takes_part(self.values)]

    def params(self) -> dict[str, int]:
        """The values that a record shows: all old ones, and others that are not as usual."""
        options = options_of(self.bystanders)
        return {name: v for name, v in self.values.items() if options[name].old or v != options[name].default}


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
    "late-mrelease": (
        "the same killer calls process_mrelease after the victim's exit_mm: ESRCH",
        {"mrelease_start_ps": 1 * MS, "oom_victim": 0, "reaper_start_ps": NEVER, "batch_pages": 2},
    ),
    "slow-exit": ("exit_mmap runs on a core of quarter speed", {"exit_slowness": 4}),
    "writer": ("somebody holds mmap_lock for write for 1.5 s", {"writer_hold_ps": 1500 * MS}),
    "proc-reader": (
        "a /proc reader pins mm_users and holds mmap_lock for read for 100 ms; by the last mmput it runs exit_mmap",
        {"reader_hold_ps": 100 * MS, "reader_pins_users": 1},
    ),
    "slow-reader": (
        "a reader with mm_count only is preempted for 4 s while it holds mmap_lock: the objection of May 2026",
        {"reader_hold_ps": 4 * SECOND, "reader_pins_users": 0},
    ),
    "frozen": ("the victim is frozen, so that its exit never starts (6.17 and before)", {"exit_start_ps": NEVER}),
    "robust-list": (
        "before exit_mm the victim faults in a full memory cgroup, and waits for memory there",
        {"fault_needs_pages": 4096, "killer_blind": 1},
    ),
}


def check_scenario(s: Scenario) -> Scenario:
    """Return the scenario, or raise InputError at its first value out of range."""
    for name, option in options_of(s.bystanders).items():
        value = s.values[name]
        if isinstance(value, bool) or not isinstance(value, int) or not option.low <= value <= option.high:
            allowed = f"{option.low} to {option.high}"
            raise InputError(f"scenario {name} = {short(value)}: {option.help}; allowed are integers {allowed}.")
    names = [one.name for one in s.present]
    if names.count("holder") > 1:
        raise InputError("a page-lock holder waits for memory or holds for a time: give one of the two, not both.")
    if s.mrelease_grabs_ps > s.mrelease_start_ps:
        raise InputError("scenario mrelease_grabs_ps comes after mrelease_start_ps: the mm is found before its lock.")
    for one in s.present:
        lint_role(f"scenario {s.name}", one.key, one.steps(s.values), endless=one.endless)
    return s


def read_file(path: str) -> ScenarioFile:
    """The SCENARIO of a user's file. Raises InputError."""
    from mmbench.strategies.user_file import import_file

    if not Path(path).is_file():
        raise InputError(f"scenario file {path!r} does not exist. Scenarios: {', '.join(NAMED)}, or a .py file.")
    found = getattr(import_file(Path(path)), "SCENARIO", None)
    if not isinstance(found, ScenarioFile) or not all(isinstance(one, Bystander) for one in found.bystanders):
        raise InputError(f"{path}: defines no SCENARIO = ScenarioFile(what, values, bystanders=(Bystander(...),)).")
    return found


def part_of(name: str) -> ScenarioFile:
    """One part of NAME[+NAME...]: a named scenario or a file. Raises InputError."""
    if name.endswith(".py"):
        return read_file(name)
    if name not in NAMED:
        raise nearest(name, list(NAMED), "scenario")
    return ScenarioFile(*NAMED[name])


def joined(spec: str, overrides: Mapping[str, int]) -> dict[str, int]:
    """The values of all parts. Raises InputError when two of them differ about one that is not overridden."""
    found: dict[str, int] = {}
    by: dict[str, str] = {}
    for name in spec.split("+"):
        for key, value in part_of(name).values.items():
            if key not in overrides and found.get(key, value) != value:
                raise InputError(
                    f"scenario {spec!r}: {by[key]} says {key} = {found[key]}, and {name} says {value}. "
                    f"Say which by --{OPTIONS[key].flag if key in OPTIONS else key}, or leave one of the two out."
                )
            found[key], by[key] = value, name
    return found | dict(overrides)


def scenario(spec: str, overrides: Mapping[str, int] | None = None) -> Scenario:
    """Build a scenario from `NAME[+NAME...]`, a NAME being a file too, and overrides of single values.

    Raises InputError for an unknown name or value, a value out of range, or parts that contradict each other.
    """
    own = tuple(one for name in spec.split("+") for one in part_of(name).bystanders)
    bystanders = (*BYSTANDERS, *own)
    options = options_of(bystanders)
    values = joined(spec, overrides or {})
    for name in values:
        if name not in options:
            raise nearest(name, sorted(options), "scenario field")
    defaults = {name: option.default for name, option in options.items()}
    return check_scenario(Scenario(spec, defaults | values, bystanders))
