"""Many kills on one reaper: a study, its answer, and the largest victim that a promise allows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from mmbench.api.answer import Answer
from mmbench.api.given import text_of, texts_of, whole_of
from mmbench.ask.ladder import heat_grid, solve
from mmbench.ask.plan import plan_from
from mmbench.ask.studies import answer_all
from mmbench.ask.study_words import DEFAULT_STRATEGIES, WHOLE, StudyWords
from mmbench.ask.values import SCENARIO_OPTIONS
from mmbench.errors import InputError, nearest
from mmbench.records.study_types import PromiseRecord, StudyRecord

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.ask.plan import Plan


class Latencies(Answer[StudyRecord]):
    """Study records, one for each design, on the same kills."""

    def __init__(self, records: list[StudyRecord], plan: Plan | None = None) -> None:
        super().__init__(records)
        self.plan = plan

    def view(self) -> RenderableType:
        """What heavy victims add across designs, a few sentences for each, and how far to trust them."""
        from mmbench.ask.study_words import brief
        from mmbench.report.text.size_answer import size_answer

        return size_answer(self.records, again=brief(self.records[0]["made_from"]["command"]))

    def csv(self) -> str:
        """One row per design; the curve of the tail stays out."""
        from mmbench.report.text.size_tables import to_csv

        return to_csv(self.records)

    def plot(self, path: str | os.PathLike[str], kind: str = "ccdf") -> None:
        """Draw added, ccdf, spectrum, causes or heatmap into a .png, .svg or .pdf file. Raises InputError."""
        from mmbench.report.pictures.picture import picture_suffix
        from mmbench.report.pictures.sizing import KINDS, heatmap, size_figure

        path = text_of(path, "path")
        picture_suffix(path)
        if kind not in KINDS:
            raise nearest(kind, list(KINDS), "kind of picture")
        if kind == "heatmap":
            if self.plan is None:
                raise InputError(
                    "a heatmap runs a study for each of its cells, and this one was read: ask it of a Study."
                )
            heatmap(self.records[0], heat_grid(self.plan), path)
        else:
            size_figure(kind, self.records, path)


class Promise(Answer[PromiseRecord]):
    """Records of what a promise allows, one for each design: `answer`, or None when nothing holds."""

    def view(self) -> RenderableType:
        """The answer and every step tried."""
        from mmbench.report.text.size_tables import slo_view

        return slo_view(self.records)

    def csv(self) -> str:
        """One row per design, without the steps."""
        from mmbench.report.text.size_tables import to_csv

        return to_csv(self.records)


class Study:
    """Many kills that share one reaper thread, some of them heavy. All words are checked here, nothing is run.

    strategies: designs, as for compare; the other words are the options of `mmbench size`, written as there:
    kills="poisson:1/s", heavy="64GiB", rarity="1/1000", holds="memory", n="2M", ... Raises InputError.
    """

    def __init__(self, *, strategies: Sequence[str] = DEFAULT_STRATEGIES, **words: str | float | None) -> None:
        self.words = study_words(tuple(texts_of(strategies, "strategies")), words)
        self.plan = plan_from(self.words)

    def answer(self) -> Latencies:
        """Simulate the kills under every design."""
        return Latencies(answer_all(self.plan), self.plan)

    def largest(self, slo: str, what: str = "size") -> Promise:
        """The largest heavy victim (or what="rarity") for which a promise such as "p99.9<2s" holds, for each design."""
        words = replace(self.words, slo=text_of(slo, "slo"), solve=text_of(what, "what"))
        return Promise(solve(plan_from(words), str(words.slo), words.solve))

    def __repr__(self) -> str:
        from mmbench.ask.study_words import command_of

        return f"<Study: {command_of(self.words)}>"


def read_study(path: str | os.PathLike[str]) -> Latencies | Promise:
    """What `mmbench size --format json`, or `.json()` of an answer, kept in a file, old ones too. Raises InputError."""
    from mmbench.records.study_record import read_studies

    kept = read_studies(text_of(path, "path"))
    return Latencies(kept.studies) if kept.studies else Promise(kept.promises)


def study_words(strategies: tuple[str, ...], words: dict[str, Any]) -> StudyWords:
    """The words of a study: StudyWords by name, and single values of the scenario. Raises InputError."""
    own = [f.name for f in fields(StudyWords) if f.name not in ("strategies", "overrides")]
    options = {name.replace("-", "_"): found for name, found in SCENARIO_OPTIONS.items()}
    given = {name: value for name, value in words.items() if value is not None}
    overrides: dict[str, int] = {}
    for name in list(given):
        if name in options:
            target, word = options[name]
            overrides[target] = word.parse(str(given.pop(name)))
        elif name not in own:
            raise nearest(name, [*own, *options], "keyword")
    texts = {name: whole_of(value, name) if name in WHOLE else str(value) for name, value in given.items()}
    return StudyWords(strategies, overrides=overrides, **texts)  # type: ignore[arg-type]
