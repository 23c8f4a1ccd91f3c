"""What callers use: run configurations and get raw sample records back. Nothing here predicts, fits or judges.

A sample record is a plain dict: ``config``, ``facts`` (see workload), ``what`` ("exit", "mrelease", "exit_after",
"race"), ``ns``, ``cpu_ns``, ``pages_before``, ``freed_pages``, ``error``, ``parts``, ``rep``, ``begun_ns``,
``foreign_share``, ``disturbed`` and ``why``.
"""

import random
from collections.abc import Callable
from contextlib import closing

from mmbench.errors import CannotError, InputError, nearest
from mmbench.live import proc, session
from mmbench.live.cgroup import memory_hierarchy
from mmbench.live.sampling import MODES
from mmbench.live.victim import MARGIN_BYTES
from mmbench.live.workload import VictimConfig
from mmbench.records.measured_types import Sample
from mmbench.records.oom_types import OomKill

Progress = Callable[[int, int, float], None]
LEAST_MEMORY_BYTES = 32 << 20


def free_bytes() -> int:
    """Return how much memory is free to take: MemAvailable, and what memory cgroups above us leave."""
    free = proc.available_bytes()
    try:
        headroom = memory_hierarchy().headroom_bytes()
    except CannotError:
        return free  # no memory cgroup, no limit from one
    return free if headroom is None else min(free, headroom)


def allowed_memory_bytes(asked_bytes: int | None = None) -> int:
    """Return how much a victim may take: what was asked for, by default a quarter of what is free.

    Raises CannotError when taking that much would bring the machine near an OOM of its own.
    """
    free = free_bytes()
    allowed = free // 4 if asked_bytes is None else asked_bytes
    if asked_bytes is not None and asked_bytes < LEAST_MEMORY_BYTES:
        raise InputError(f"--max-memory of {asked_bytes} bytes: give at least {LEAST_MEMORY_BYTES >> 20} MiB.")
    if allowed < LEAST_MEMORY_BYTES or allowed + MARGIN_BYTES > free:
        raise CannotError(
            f"{allowed >> 20} MiB for a victim, while {free >> 20} MiB are free: machine or cgroup would go OOM "
            f"itself. Free memory, or give --max-memory between {LEAST_MEMORY_BYTES >> 20} MiB and what leaves "
            f"{MARGIN_BYTES >> 20} MiB free."
        )
    return allowed


def interleaved(
    n_configs: int, modes: tuple[str, ...], n_reps: int, seed: int, n_victims: int = 1
) -> list[tuple[int, str, int]]:
    """Return (configuration number, mode, repetition) in the order to run them, each ``n_victims`` times.

    Repetitions are the outer loop and each visits everything in another order, so that a drift of the machine falls
    on all configurations alike.
    """
    plan: list[tuple[int, str, int]] = []
    draw = random.Random(seed)
    for rep in range(n_reps):
        once = [(number, mode, rep) for number in range(n_configs) for mode in modes for _ in range(n_victims)]
        draw.shuffle(once)
        plan += once
    return plan


def measure(
    configs: list[VictimConfig],
    modes: tuple[str, ...] = ("exit", "mrelease", "race"),
    n_reps: int = 9,
    n_victims: int = 1,
    n_retries: int = 1,
    budget_s: float | None = None,
    max_memory_bytes: int | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> list[Sample]:
    """Tear fresh victims down, ``n_reps`` times per configuration and mode, interleaved; return every raw sample.

    A repetition is ``n_victims`` victims, whose median is one measurement: a tear-down of a millisecond scatters by a
    tenth on the quietest machine.
    Disturbed samples stay in the list, marked, and are repeated up to ``n_retries`` times. ``progress`` is called with
    (done, total, seconds left) after every victim. No victim takes more than ``max_memory_bytes``.
    """
    for mode in modes:
        if mode not in MODES:
            raise nearest(mode, MODES, "way to tear a victim down")
    if min(n_reps, n_victims) < 1 or n_retries < 0:
        raise InputError(
            f"{n_reps} repetitions of {n_victims} victims, {n_retries} retries: at least 1, at least 1, at least 0."
        )
    allowed = allowed_memory_bytes(max_memory_bytes)
    job = {
        "task": "samples",
        "configs": [config.to_dict() for config in configs],
        "plan": interleaved(len(configs), modes, n_reps, seed, n_victims),
        "n_retries": n_retries,
        "budget_s": budget_s,
        "max_memory_bytes": allowed,
    }
    samples: list[Sample] = []
    with closing(session.call(job)) as messages:
        for message in messages:
            samples += message["samples"]
            if progress is not None:
                progress(*message["progress"])
    return samples


def oom_kill(
    config: VictimConfig,
    is_held: bool,
    max_memory_bytes: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> OomKill:
    """Have the kernel's OOM killer kill a victim in a memory cgroup of our own making; return the record (see oom).

    ``progress`` is called with a sentence per step. Raises CannotError, before anything is made, when the kill could
    not be contained in that cgroup. Ask the person first.
    """
    job = {
        "task": "oom",
        "config": config.to_dict(),
        "is_held": is_held,
        "max_memory_bytes": allowed_memory_bytes(max_memory_bytes),
    }
    record: OomKill | None = None
    with closing(session.call(job)) as messages:
        for message in messages:
            record = message.get("record", record)
            if progress is not None and "step" in message:
                progress(message["step"])
    assert record is not None, "the job ends with its record, or raises"
    return record
