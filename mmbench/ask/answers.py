"""Questions that kernel developers asked, with all runs that answer them: one command makes every number of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.ask.runs import Inputs, run_all
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import nearest
from mmbench.records.lab_types import DesignComparison
from mmbench.records.types import RunRecord
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies import load

USUAL = {"size": "64GiB", "locked": "0.9", "vmas": "1000"}
NO_HELPER = {"reaper_start_ps": NEVER}


@dataclass(frozen=True)
class Situation:
    """One line of an answer's table: what it is called, what kind of situation it is, and the run."""

    name: str
    kind: str
    scenario: str = "quiet"
    overrides: Mapping[str, int] = field(default_factory=dict)
    victim: Mapping[str, str] = field(default_factory=dict)

    def inputs(self) -> Inputs:
        """The question to the engine: the usual victim, with what this situation changes."""
        return Inputs("", {**USUAL, **self.victim}, self.scenario, dict(self.overrides))


@dataclass(frozen=True)
class Asked:
    """A question: who asked it, the designs that differ about it, and the situations.

    against_situation: the first situation is what a design is held against; otherwise the first design is
    """

    name: str
    title: str
    asked: str
    designs: tuple[str, ...]
    situations: tuple[Situation, ...]
    unknown: tuple[str, ...]
    against_situation: bool = False


EXIT_WRITE = Asked(
    "exit-write",
    "Should exit_mmap take mmap_lock for write over all of it?",
    "linux-mm, 16 May 2026 (CAHk-=wg08=sZb=hVa22KjN2pD3aNk-diGmKQnizCgmoMMfrvwQ@mail.gmail.com): why does exit_mmap "
    "begin with the read lock, only to take the write lock for the page tables?",
    ("v6.18", "v6.1", "exit-write", "exit-write:oom_skip=first", "exit-write:oom_skip=never"),
    (
        Situation("alone", "alone", overrides=NO_HELPER),
        Situation("alone, 16 VMAs", "alone", overrides=NO_HELPER, victim={"vmas": "16"}),
        Situation("alone, 10,000 VMAs", "alone", overrides=NO_HELPER, victim={"vmas": "10000"}),
        Situation("alone, 1 GiB", "alone", overrides=NO_HELPER, victim={"size": "1GiB"}),
        Situation("alone, 1 TiB", "alone", overrides=NO_HELPER, victim={"size": "1TiB"}),
        Situation("process_mrelease at the kill", "beside process_mrelease", "mrelease"),
        Situation("process_mrelease, 16 VMAs", "beside process_mrelease", "mrelease", victim={"vmas": "16"}),
        Situation("process_mrelease, 10,000 VMAs", "beside process_mrelease", "mrelease", victim={"vmas": "10000"}),
        Situation("OOM reaper at its 2 s", "beside the OOM reaper"),
        Situation("OOM reaper at its 2 s, 1 TiB", "beside the OOM reaper", victim={"size": "1TiB"}),
        Situation("a /proc reader, 100 ms", "beside a reader", "proc-reader"),
        Situation("a preempted reader, 4 s", "beside a reader", "slow-reader"),
        Situation("a page-lock holder waits for memory", "beside a page-lock holder", "stuck-holder"),
    ),
    (
        "What a write lock costs a machine with many CPUs: the model has no rwsem spinning and no scheduler.",
        "Frees of pages on another CPU than the one that charged them, which booted kernels showed to be dearer.",
        "When exactly exit_mmap would set MMF_OOM_SKIP: the message does not say, so it is a parameter here.",
    ),
)
MRELEASE = Asked(
    "mrelease",
    "Does process_mrelease help after SIGKILL, and when is it too late?",
    "User-space killers (Android's lmkd, earlyoom issue 266) call process_mrelease right after the kill.",
    ("v6.18", "v6.1", "v5.18", "exit-write"),
    (
        Situation("nobody calls", "nobody calls", overrides={**NO_HELPER, "oom_victim": 0, "batch_pages": 2}),
        Situation("called at the kill", "called at the kill", "mrelease"),
        Situation("called at the kill, 16 VMAs", "called at the kill", "mrelease", victim={"vmas": "16"}),
        Situation("called at the kill, 10,000 VMAs", "called at the kill", "mrelease", victim={"vmas": "10000"}),
        Situation("called after exit_mm", "called too late", "late-mrelease"),
    ),
    ("How long a victim takes from SIGKILL to exit_mm on a loaded machine: here 100 us, by assumption.",),
    against_situation=True,
)
ANSWERS = {asked.name: asked for asked in (EXIT_WRITE, MRELEASE)}


def find_answer(name: str) -> Asked:
    """A question by name. Raises InputError."""
    if name not in ANSWERS:
        raise nearest(name, list(ANSWERS), "answer")
    return ANSWERS[name]


def answered(asked: Asked, watch: Watch = NOBODY) -> list[list[RunRecord]]:
    """Checked run records: a row per situation, one record per design in it, in the order of `asked`."""
    loaded = [load(spec) for spec in asked.designs]
    return [run_all(situation.inputs(), loaded, watch) for situation in asked.situations]


def measured(paths: Sequence[Path]) -> list[DesignComparison]:
    """Records of `lab run --strategy` beside the model of the same files. Raises InputError."""
    from mmbench.lab.design_record import read_record
    from mmbench.validation.designs import compare_designs

    return [compare_designs(read_record(path)) for path in paths]
