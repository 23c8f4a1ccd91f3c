"""Questions about many kills on one reaper, with every study behind them: one command makes all numbers of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbench.ask.plan import plan_from
from mmbench.ask.studies import answer_all
from mmbench.ask.study_words import StudyWords
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError

Answer = Mapping[str, Any]  # a StudyRecord, or {"strategy", "refused": why}


@dataclass(frozen=True)
class Studied:
    """One study of a question: what it is called, and its words as `mmbench size` takes them."""

    name: str
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AskedOfMany:
    """A question: who asked it, what differs about it (designs, or kinds of list), the studies, and kills of each."""

    name: str
    title: str
    asked: str
    sides: tuple[Studied, ...]
    studies: tuple[Studied, ...]
    unknown: tuple[str, ...]
    n: str = "500000"


def designs(*names: str) -> tuple[Studied, ...]:
    """Strategies as the sides of a question."""
    return tuple(Studied(name, {"strategies": (name,)}) for name in names)


def lists(*kinds: tuple[int, str]) -> tuple[Studied, ...]:
    """Lists of victims as the sides of a question: how many reapers, and whom a free one takes."""
    return tuple(
        Studied(f"{n} reaper{'s' * (n > 1)}, {order} first", {"reapers": n, "order": order}) for n, order in kinds
    )


RARE_HEAVY = AskedOfMany(
    "rare-heavy",
    "What do rare, heavily mlocked victims cost under each proposal?",
    "The discussion of December 2021 on linux-mm: a victim with hundreds of gigabytes mlocked is rare, so who pays for "
    "it?",
    designs(
        *("v4.17", "drop-oom-skip", "write-downgrade", "unlocking-flag", "trylock", "no-munlock"),
        *("v5.17", "v5.18", "v6.1", "v6.18", "exit-write"),
    ),
    (
        Studied("no heavy victims", {"rarity": "0"}),
        Studied("64 GiB, 1 in 200", {"heavy": "64GiB", "rarity": "1/200"}),
        Studied("the same, a page lock held", {"heavy": "64GiB", "rarity": "1/200", "holds": "memory"}),
        Studied("256 GiB, 1 in 200", {"heavy": "256GiB", "rarity": "1/200", "ram": "512GiB"}),
        Studied("64 GiB, 1 in 5,000", {"heavy": "64GiB", "rarity": "1/5000"}),
        Studied("1 GiB, 1 in 200", {"heavy": "1GiB", "rarity": "1/200"}),
    ),
    (
        "How often such victims die, and how large the ordinary ones are: the laws are assumptions, and "
        "`mmbench size --from` takes a log of your own.",
        "How long page locks are held while memory is short: nobody has published it; here until memory comes, or not.",
        "What old munlock costs on a machine of today: its instructions are counted in 5.10 and carried over.",
    ),
    n="200000",
)
EACH_64_GIB = {"ordinary": "64GiB", "ordinary_locked": "0.9", "rarity": "0"}
EACH_16_GIB = {**EACH_64_GIB, "ordinary": "16GiB"}
REAPERS = AskedOfMany(
    "reapers",
    "What would more than one OOM reaper give?",
    "linux-mm, 10 Sep 2025 (20250909065349.574894-2-liulei.rjpt@vivo.com, in reply): let the reaper work on several "
    "processes at once, and let cgroup.kill put the processes of a cgroup on its list.",
    lists((1, "newest"), (1, "oldest"), (2, "newest"), (2, "oldest"), (4, "newest"), (8, "newest")),
    (
        Studied("64 GiB, one in 20 s", {**EACH_64_GIB, "kills": "poisson:0.05/s"}),
        Studied("64 GiB, one in 5 s", {**EACH_64_GIB, "kills": "poisson:0.2/s"}),
        Studied("64 GiB, one in 2 s", {**EACH_64_GIB, "kills": "poisson:0.5/s"}),
        Studied("64 GiB, two a second", {**EACH_64_GIB, "kills": "poisson:2/s"}),
        Studied("16 at once, 16 GiB each, once a minute", {**EACH_16_GIB, "kills": "bursts:1/min,size=16,gap=1ms"}),
        Studied("16 at once, 64 GiB each, once in 5 min", {**EACH_64_GIB, "kills": "bursts:12/h,size=16,gap=1ms"}),
    ),
    (
        "What several reapers cost each other on zone lock and LRU lock: each victim is timed as if one reaper worked.",
        "Whether victims that cgroup.kill puts on the list would wait the 2 s, too: here they do, as OOM victims do.",
        "How many CPUs are free for reapers: the model has one for every task.",
    ),
    n="100000",
)
MANY = {asked.name: asked for asked in (RARE_HEAVY, REAPERS)}


def studied(asked: AskedOfMany, watch: Watch = NOBODY) -> list[list[Answer]]:
    """A row per study, in it one record per side; {"strategy", "refused": why} where a list has no steady state."""
    return [[study(asked, side, one, watch) for side in asked.sides] for one in asked.studies]


def study(asked: AskedOfMany, side: Studied, one: Studied, watch: Watch = NOBODY) -> Answer:
    """The record of one side's study; all sides see the same kills, which the seed draws."""
    words = StudyWords(**{"n": asked.n, **one.words, **side.words})
    plan = plan_from(words)
    try:
        (record,) = answer_all(plan, watch)
    except InputError as error:
        return {"strategy": words.strategies[0], "refused": str(error)}
    return record
