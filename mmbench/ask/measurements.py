"""A question to the running kernel: what may be measured here, for how long, and the measuring itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import CannotError

if TYPE_CHECKING:
    from mmbench.live.workload import VictimConfig
    from mmbench.records.measured_types import Config, Manifest, Sample

ESSENTIAL = ("process_mrelease", "ptrace exit stop", "pagemap")
QUICK_MEMORY_BYTES, FULL_MEMORY_BYTES = 640 << 20, 1536 << 20


class Machine(NamedTuple):
    """What can be measured here: memory a victim may take, bytes that may be locked, kinds of memory, ways."""

    max_memory_bytes: int
    max_locked_bytes: int | None
    has_thp: bool
    modes: tuple[str, ...]
    kernel: str


class Effort(NamedTuple):
    """How long to measure: repetitions, victims in each, seconds at most (None: as long as it takes)."""

    n_reps: int
    n_victims: int
    budget_s: float | None


FULL, QUICK = Effort(7, 3, None), Effort(5, 2, 120.0)


def effort_of(quick: bool, budget_s: float | None) -> Effort:
    """Quick or full, bounded by a budget where one is given."""
    effort = QUICK if quick else FULL
    return effort._replace(budget_s=budget_s or effort.budget_s)


def examine(max_memory_bytes: int | None, quick: bool) -> Machine:
    """Find out what can be measured here. Raises CannotError with what is missing and how to get it."""
    from mmbench.live import experiment, proc
    from mmbench.live.doctor import doctor

    checks = {check.name: check for check in doctor()}
    missing = [checks[name] for name in ESSENTIAL if name in checks and not checks[name].ok]
    missing += [check for name, check in checks.items() if name == "session" and not check.ok]
    if missing:
        raise CannotError("; ".join(f"{c.name}: {c.reason}. To get it: {c.how}" for c in missing))
    allowed = experiment.allowed_memory_bytes(max_memory_bytes)
    if max_memory_bytes is None:
        allowed = min(allowed, QUICK_MEMORY_BYTES if quick else FULL_MEMORY_BYTES)
    modes = ("exit", "mrelease", "race") if len(os.sched_getaffinity(0)) > 1 else ("exit", "mrelease")
    return Machine(allowed, proc.memlock_bytes(), checks["THP"].ok, modes, os.uname().release)


def measure(
    what: str, configs: list[VictimConfig], machine: Machine, effort: Effort, seed: int, watch: Watch = NOBODY
) -> list[Sample]:
    """Measure configurations in every way there is; what: a word for who watches."""
    from mmbench.live import experiment

    with watch.measuring(what) as report:
        return experiment.measure(
            configs,
            machine.modes,
            n_reps=effort.n_reps,
            n_victims=effort.n_victims,
            budget_s=effort.budget_s,
            max_memory_bytes=machine.max_memory_bytes,
            seed=seed,
            progress=report,
        )


def config_of(victim: VictimConfig) -> Config:
    """A victim as records have it."""
    return cast("Config", victim.to_dict())


def where(manifest: Manifest) -> str:
    """Kernel and machine in a few words, from a manifest."""
    n_cpus, ram = manifest["n_cpus"], manifest.get("ram_bytes")
    memory = f", {ram / 2**30:.0f} GiB" if ram else ""
    return f"{manifest['kernel']}, {n_cpus} x {manifest['cpu_model']}{memory}"


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d")
