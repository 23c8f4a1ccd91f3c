"""A question about many kills in words, as `mmbench size` takes them, and the command that asks it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, fields
from typing import Any

from mmbench.ask.values import SCENARIO_OPTIONS

DEFAULT_STRATEGIES = ("v6.18",)


def _idle(default: Any) -> Any:
    """A word that decides how long an answer takes and where it is kept, never what it says."""
    return field(default=default, metadata={"decides": False})


@dataclass(frozen=True)
class StudyWords:
    """What `mmbench size` was asked for: nothing is checked yet. The names are those of the options.

    Whatever is added here decides the answer, and so is part of the command, unless it is declared idle.
    scenario: NAME[+NAME], with `overrides` (scenario field -> integer)
    """

    strategies: tuple[str, ...] = DEFAULT_STRATEGIES
    kills: str = "poisson:1/s"
    ordinary: str = "lognormal:256MiB,1.5"
    ordinary_locked: str | None = None
    heavy: str = "64GiB"
    heavy_locked: str | None = None
    rarity: str = "1/1000"
    holds: str = "none"
    held: str = "1"
    ram: str = "256GiB"
    from_: str | None = None
    reapers: int = 1
    order: str = "newest"
    domains: int = 0
    over: str = "1s"
    tail: str | None = None
    hosts: int | None = None
    kills_per_day: str = "1"
    slo: str | None = None
    solve: str = "size"
    confidence: str = "95%"
    n: str = "2000000"
    precision: str | None = None
    target: str = "p99.9"
    costs: str = "default"
    seed: int = 1
    scenario: str = "quiet"
    overrides: dict[str, int] = field(default_factory=dict)
    workers: int = _idle(1)
    backend: str = _idle("threads")
    cluster: str | None = _idle(None)
    ledger: str | None = _idle(None)


OPTIONS = tuple(f for f in fields(StudyWords) if f.name not in ("strategies", "overrides"))
WHOLE = tuple(f.name for f in OPTIONS if f.type in ("int", "int | None"))  # numbers, where the other words are text


def command_of(words: StudyWords) -> str:
    """`mmbench size ...` with every option that decides the answer; workers, ledger, pictures and format do not."""
    command = ["mmbench", "size", *words.strategies]
    for option in OPTIONS:
        value = getattr(words, option.name)
        if value is not None and option.metadata.get("decides", True):
            command += [f"--{option.name.strip('_').replace('_', '-')}", str(value)]
    for name, (target, word) in SCENARIO_OPTIONS.items():
        if target in words.overrides:
            command += [f"--{name}", word.spell(words.overrides[target])]
    return shlex.join(command)


def brief(command: str) -> str:
    """The same command without options that say what is so by default: it prints the same with this version."""
    usual = {f"--{f.name.strip('_').replace('_', '-')}": str(f.default) for f in OPTIONS}
    words, kept = iter(shlex.split(command)), list[str]()
    for word in words:
        value = [next(words)] if word.startswith("--") else []
        kept += [] if value == [usual.get(word)] else [word, *value]
    return shlex.join(kept)
