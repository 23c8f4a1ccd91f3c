"""Interleaved repetitions over configurations, inside the measuring interpreter: every sample is a fresh victim.

What was disturbed is kept, marked, and tried again while there is time.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mmbench.errors import CannotError
from mmbench.live.probe import Held, Timing, time_exit, time_mrelease_then_exit, time_race
from mmbench.live.victim import Victim
from mmbench.live.watch import Watch, waited
from mmbench.live.workload import VictimConfig

MODES = ["exit", "mrelease", "race"]  # "mrelease" also times the exit of what is left: "exit_after"
GUESS_S_PER_PAGE, GUESS_S_PER_VMA, GUESS_S_PER_VICTIM = 1.6e-6, 8e-6, 0.02


@dataclass(frozen=True)
class Item:
    """One victim to make: configuration number, how to tear it down, which repetition it belongs to."""

    config_number: int
    mode: str
    rep: int


@dataclass(frozen=True)
class Cpus:
    """The CPU that victims and the lone caller run on, the one that races from elsewhere, and all that are watched."""

    home: int
    other: int | None
    watched: frozenset[int]


def take_samples(
    configs: list[dict[str, Any]],
    plan: list[tuple[int, str, int]],
    n_retries: int,
    budget_s: float | None,
    max_memory_bytes: int,
) -> Iterator[dict[str, Any]]:
    """Yield {"samples": [...]} and {"progress": [done, total, seconds_left]} messages until plan or budget end.

    ``plan`` has (configuration number, mode, repetition) in the order to run them. A ``budget_s`` that runs out ends
    it between two victims.
    """
    victims = [VictimConfig.from_dict(config) for config in configs]
    cpus = choose_cpus(any(mode == "race" for _, mode, _ in plan))
    os.sched_setaffinity(0, {cpus.home})
    _warm_up(victims, max_memory_bytes)
    items = [Item(*item) for item in plan]
    clock, watch = _Clock(victims, budget_s), Watch(cpus.watched)
    for round_number in range(n_retries + 1):
        again = []
        for done, item in enumerate(items):
            if clock.is_over():
                return
            samples = take_one(victims[item.config_number], item, cpus, watch, max_memory_bytes)
            if any(sample["disturbed"] for sample in samples):
                again.append(item)
            left_s = clock.tick(item, items[done + 1 :])
            yield {"samples": samples, "progress": [done + 1, len(items), left_s], "is_retry": round_number > 0}
        items = again


def choose_cpus(is_race: bool) -> Cpus:
    """Choose from the CPUs this process may use: the last one as home, since interrupts like the first."""
    allowed = sorted(os.sched_getaffinity(0))
    if is_race and len(allowed) < 2:
        raise CannotError(
            "a race of process_mrelease against exit needs two CPUs and only one is allowed; see taskset -p."
        )
    return Cpus(allowed[-1], allowed[-2] if len(allowed) > 1 else None, frozenset(allowed[-2:]))


def _warm_up(victims: list[VictimConfig], max_memory_bytes: int) -> None:
    """Touch as much memory as any victim will: in a VM the first touch costs several times the later ones."""
    if victims:
        with Victim(max(victims, key=lambda config: config.memory_bytes), max_memory_bytes):
            pass


def take_one(config: VictimConfig, item: Item, cpus: Cpus, watch: Watch, max_memory_bytes: int) -> list[dict[str, Any]]:
    """Make one victim, tear it down as the item says, and return its sample records (two for "mrelease")."""
    begun_ns = watch.begin()
    with Victim(config, max_memory_bytes) as victim:
        held = Held(victim)
        mismatch = layout_mismatch(held)
        if item.mode == "exit":
            timings = [time_exit(held)]
        elif item.mode == "mrelease":
            timings = list(time_mrelease_then_exit(held))
        else:
            assert cpus.other is not None
            timings = [time_race(held, cpus.other)]
    disturbance = watch.end(begun_ns)
    records = []
    for timing in timings:
        why = mismatch or disturbance.why or waited(timing.ns, timing.cpu_ns) or _lost_race(timing)
        records.append(
            {
                "config": config.to_dict(),
                "facts": asdict(config.facts()),
                "rep": item.rep,
                "begun_ns": begun_ns,
                **asdict(timing),
                "foreign_share": round(disturbance.share, 4),
                "disturbed": bool(why),
                "why": why,
            }
        )
    return records


def layout_mismatch(held: Held) -> str:
    """Say where a held victim differs from its plan (swap, a huge page that could not be had), or nothing."""
    facts = held.victim.config.facts()
    found = {"n_pages": held.pages(), "n_vmas": held.n_vmas()}
    if facts.n_thps:
        found["n_thps"] = held.n_thps()
    wrong = [f"{name} is {n}, planned {getattr(facts, name)}" for name, n in found.items() if n != getattr(facts, name)]
    return "; ".join(wrong)


def _lost_race(timing: Timing) -> str:
    return "the victim gave up its memory before process_mrelease took it" if timing.error == "ESRCH" else ""


class _Clock:
    """Time left: guesses by size, corrected by how long the guesses have taken so far."""

    def __init__(self, victims: list[VictimConfig], budget_s: float | None) -> None:
        self.guesses = [_guess_s(config) for config in victims]
        self.begun = time.monotonic()
        self.end = None if budget_s is None else self.begun + budget_s
        self.guessed_s = 0.0

    def is_over(self) -> bool:
        return self.end is not None and time.monotonic() >= self.end

    def tick(self, item: Item, rest: list[Item]) -> float:
        now = time.monotonic()
        self.guessed_s += self.guesses[item.config_number]
        left_s = sum(self.guesses[later.config_number] for later in rest) * (now - self.begun) / self.guessed_s
        return left_s if self.end is None else max(0.0, min(left_s, self.end - now))


def _guess_s(config: VictimConfig) -> float:
    facts = config.facts()
    return GUESS_S_PER_VICTIM + GUESS_S_PER_PAGE * facts.n_pages + GUESS_S_PER_VMA * facts.n_vmas
