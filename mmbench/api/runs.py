"""Single runs: compare, run, sweep, replay, trace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mmbench.api.answer import WIDTH, Answer
from mmbench.api.given import text_of
from mmbench.ask.runs import DEFAULT_SIZE, OF_A_VICTIM, TENTHS, Inputs, replayed, run_all, run_sweep, swept
from mmbench.ask.values import SCENARIO_OPTIONS
from mmbench.errors import InputError, nearest, short
from mmbench.records.types import RunRecord

if TYPE_CHECKING:
    from rich.console import RenderableType


Word = str | int | float | os.PathLike[str] | None


class Runs(Answer[RunRecord]):
    """Run records of one or several designs on the same victim."""

    def view(self) -> RenderableType:
        """One design in detail, or several ranked."""
        if len(self) == 1:
            from mmbench.report.text.detail import run_view

            return run_view(self[0])
        from mmbench.report.text.ranked import compare_view

        return compare_view(self.records, WIDTH)

    def csv(self) -> str:
        """One row per run, exact values; curve and timeline stay out."""
        from mmbench.report.text.export import to_csv

        return to_csv(self.records)

    def plot(self, path: str | os.PathLike[str], kind: str = "freed") -> None:
        """Draw freed (memory over time, and blocking), bars or pareto into a .png, .svg or .pdf. Raises InputError."""
        from mmbench.report.pictures.kinds import draw_runs

        draw_runs(kind, self.records, text_of(path, "path"))


class Sweep(Runs):
    """Run records of several designs, one locked share or size after another."""

    def view(self) -> RenderableType:
        """A grid of designs and victims."""
        from mmbench.report.text.sweep import sweep_view

        return sweep_view(self.records, WIDTH)

    def plot(self, path: str | os.PathLike[str], kind: str = "heatmap") -> None:
        """Draw heatmap or bars, a panel for each victim. Raises InputError."""
        super().plot(path, kind)


class Trace(Answer[dict[str, object]]):
    """The timeline of one run: holds, waits and work of every task, and the kernel's events. A record is an event."""

    def __init__(self, run: RunRecord) -> None:
        from mmbench.report.text.events import event_rows

        self.run = run
        super().__init__(event_rows(run))

    def view(self) -> RenderableType:
        """The events in the order of time."""
        from mmbench.report.text.events import event_view

        return event_view(self.run)

    def csv(self) -> str:
        """One row per event."""
        from mmbench.records.csv_text import csv_text

        return csv_text(self.records)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the timeline into a .png, .svg or .pdf file. Raises InputError."""
        from mmbench.report.pictures.timeline import timeline

        timeline(self.run, text_of(path, "path"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write Chrome-trace JSON, for Perfetto; a name in .gz zips it. Raises InputError."""
        from mmbench.report.story.chrome import write_trace

        write_trace(self.run, text_of(path, "path"))


def compare(*strategies: str | os.PathLike[str], **words: Word) -> Runs:
    """Run designs (all of them when none is named) on one victim; the words are the options of `mmbench compare`.

    Who dies: victim, or size, locked, thp, shared, elsewhere, hugetlb, resident, vmas, kind, order. What happens
    around it: scenario, exit_start, holder_needs and the other options of a scenario. costs, seed. Values are written
    as on the command line ("64GiB", "90%", "250us"); numbers do where they have no unit.
    """
    from mmbench.strategies import IDS, load

    inputs = inputs_of(words)
    specs = [text_of(one, "strategy") for one in strategies]
    return Runs(run_all(inputs, [load(spec) for spec in specs or IDS]))


def run(strategy: str | os.PathLike[str], **words: Word) -> Runs:
    """Run one design; words as for compare."""
    return compare(strategy, **words)


def sweep(
    *strategies: str | os.PathLike[str],
    locked: Sequence[str | float] = TENTHS,
    sizes: Sequence[str] | None = None,
    **words: Word,
) -> Sweep:
    """Run designs with one locked share after another, or with one of `sizes` after another; words as for compare."""
    from mmbench.strategies import IDS, load

    axis, values = ("locked", locked) if sizes is None else ("size", sizes)
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"{axis} is {short(values)}: give a list of them.")
    inputs = swept(inputs_of(words), axis, [str(value) for value in values])
    specs = [text_of(one, "strategy") for one in strategies]
    return Sweep(run_sweep(inputs, [load(spec) for spec in specs or IDS]))


def replay(token: str) -> Runs:
    """Do exactly the run that a record's token names."""
    from mmbench.strategies import load

    strategy, inputs = replayed(text_of(token, "token"))
    return Runs(run_all(inputs, [load(strategy)]))


def trace(strategy: str | os.PathLike[str], **words: Word) -> Trace:
    """Run one design and show its timeline; words as for compare."""
    return Trace(run(strategy, **words)[0])


def inputs_of(words: dict[str, Word]) -> Inputs:
    """The question that keywords ask. Raises InputError for one that is unknown or a value that cannot be read."""
    options = {name.replace("-", "_"): found for name, found in SCENARIO_OPTIONS.items()}
    known = ["victim", *OF_A_VICTIM, "scenario", "costs", "seed", *options]
    for name in words:
        if name not in known:
            raise nearest(name, known, "keyword")
    said = {name: os.fspath(v) if isinstance(v, os.PathLike) else v for name, v in words.items() if v is not None}
    described = {name: str(said[name]) for name in OF_A_VICTIM if name in said}
    check_described(described)
    overrides = {target: word.parse(str(said[name])) for name, (target, word) in options.items() if name in said}
    seed = said.get("seed", 1)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError(f"seed {seed!r} is not a whole number.")
    texts = {name: str(said.get(name, default)) for name, default in (("victim", ""), ("scenario", "quiet"))}
    return Inputs(texts["victim"], described, texts["scenario"], overrides, str(said.get("costs", "default")), seed)


def check_described(described: dict[str, str]) -> None:
    """Raise InputError for a description that the command line would refuse as it is typed."""
    from mmbench.ask.values import parse_int
    from mmbench.victims import parse_size

    parse_size(described.get("size", DEFAULT_SIZE))
    for name in ("vmas", "order"):
        parse_int(described.get(name, "0"))
