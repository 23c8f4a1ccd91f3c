"""What came of the checker's schedules when booted kernels were made to take them, turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from mmbench.checker.properties import ALL
from mmbench.lab.design_record import experiments, ops_of, overlap_ns, read_record
from mmbench.records.lab_types import DesignRecord, Experiment
from mmbench.report.forced import ASTRAY, Came, all_came, came_of, slept_in, taken
from mmbench.site.parts import code, table
from mmbench.site.real import base, by_series

CLAIMS = {one.name: one.claim for one in ALL}
HEAD = ("design, in which kernel", "breaks, by the checker", "what the kernel did", "turns taken")


@dataclass(frozen=True)
class Forced:
    """One schedule in one kernel.

    rule, scope: the property that breaks by the checker, and in which small world; rounded: turns that ended within a
    walk; came: what went wrong, [] for nothing; said: the same in a sentence; slept_in: where exit slept, innermost
    first
    """

    design: str
    series: str
    release: str
    rule: str
    scope: str
    n_turns: int
    taken: int
    rounded: int
    came: Sequence[Came]
    said: str
    slept_in: Sequence[str]


@dataclass(frozen=True)
class NotRun:
    """A design, or the file of a schedule, that a kernel could not be made to take, and why."""

    design: str
    series: str
    why: str


@dataclass(frozen=True)
class Forcing:
    """Schedules that kernels took, and those that they could not, oldest kernel first."""

    taken: Sequence[Forced] = field(default_factory=list)
    not_run: Sequence[NotRun] = field(default_factory=list)

    def family(self, design: str) -> Forcing:
        """Those of a design, then of its variants; a file is named after its design, see `mmbench check --save`."""
        mine = [one for one in self.not_run if base(one.design) == design or one.design.startswith(f"{design}-")]
        taken = [one for one in self.taken if base(one.design) == design]
        return Forcing(sorted(taken, key=lambda one: one.design != design), mine)

    def of(self, designs: Iterable[str]) -> Forcing:
        """Those of the designs, each named with its parameters."""
        names = set(designs)
        taken = [one for one in self.taken if one.design in names]
        return Forcing(taken, [one for one in self.not_run if one.design in names])

    def without(self, designs: Iterable[str]) -> Forcing:
        """Those of all other designs."""
        return self.of(self.designs - set(designs))

    @property
    def designs(self) -> set[str]:
        """Everything that has a schedule here, with parameters, and files that no kernel could be made to take."""
        return {one.design for one in self.taken} | {one.design for one in self.not_run}


def read_forcing(paths: Iterable[Path]) -> Forcing:
    """What the records say. Raises InputError for a file that is no record of designs."""
    records = sorted(map(read_record, paths), key=lambda record: by_series(record["series"]))
    runs = [forced(record, entry) for record in records for entry in experiments(record, "schedule")]
    whys = [NotRun(name, r["series"], why) for r in records for name, why in r.get("refused", {}).items()]
    return Forcing(runs, whys)


def forced(record: DesignRecord, entry: Experiment) -> Forced:
    """One experiment of a record."""
    rule, _, scope = entry.get("property", "").partition(" in ")
    ops = ops_of(record, entry["design"])
    overlaps = any(overlap_ns(steps, ops) > 0 for steps in entry.get("steps", []))
    return Forced(
        entry["design"],
        record["series"],
        record["release"],
        rule,
        scope,
        len(entry.get("turns", [])),
        taken(entry),
        sum(turn["whole"] for turn in entry.get("turns", [])),
        all_came(entry, overlaps),
        came_of(entry, overlaps),
        slept_in(entry),
    )


def forced_part(found: Forcing) -> str:
    """A page's part on a design: a row per schedule and kernel, which kernels could not take them, and how to again."""
    if not found.taken and not found.not_run:
        return "<p>No record: no booted kernel was made to take a schedule of this design.</p>"
    told = (
        "<p>Schedules with which the checker shows that a rule breaks, taken by a booted kernel in that order: "
        "exit, reaper and caller each go on until the row at which the schedule has them stand.</p>"
    )
    rows = [row(one) for one in found.taken]
    return "\n".join([told, *([f'<div class="fit">{table(HEAD, rows)}</div>'] if rows else []), *notes(found)])


def row(one: Forced) -> list[str]:
    """A schedule in one kernel, as cells of HTML."""
    claim = f"<small>rule: {escape(CLAIMS[one.rule])}</small>" if one.rule in CLAIMS else ""
    where = f"<small>exit slept in {code(' < '.join(one.slept_in))}</small>" if one.slept_in else ""
    turns = f'<span class="{"agree" if one.taken == one.n_turns else "wrong"}">{one.taken} of {one.n_turns}</span>'
    rounded = f"<small>{one.rounded} rounded</small>" if one.rounded else ""
    broke = [came for came in one.came if came is not ASTRAY]
    return [
        f"{variant(one.design)}<small>Linux {escape(one.release)}</small>",
        f"{escape(one.rule)}{f' in {escape(one.scope)}' if one.scope else ''}{claim}",
        f'<span class="{kind_of(broke)}">{escape(one.said)}</span>{where}',
        turns + rounded,
    ]


def variant(spec: str) -> str:
    """A design's name, or from its colon on that of a variant, which may wrap between two parameters."""
    return code(spec.removeprefix(base(spec)) or spec).replace(",", ",<wbr>")


def notes(found: Forcing) -> list[str]:
    """Paragraphs below the table: rounding, kernels that could not, and the commands."""
    whys: dict[str, list[str]] = {}
    for one in found.not_run:
        whys.setdefault(one.series, []).append(one.why)
    refused = [
        f"<li>Linux {escape(series)}, not run: {escape(first)}{f' (and {len(more)} more)' if more else ''}</li>"
        for series, (first, *more) in whys.items()
    ]
    rounded = (
        "<p>Rounded: a guest stops nobody within a pass, so a turn that ends there goes on to the end of that walk.</p>"
    )
    notes = [rounded] if any(one.rounded for one in found.taken) else []
    notes += [f'<ul class="legend">{"".join(refused)}</ul>'] if refused else []
    return notes + ([again(found.taken[0])] if found.taken else [])


def again(one: Forced) -> str:
    """The two commands that make and force a design's schedules."""
    check = code(f"mmbench check {one.design} --save schedules/")
    return f"<p>Again: {check}, then {code(f'mmbench lab run {one.series} --schedule schedules/*.json')}</p>"


def kind_of(came: Sequence[Came]) -> str:
    """How an outcome is coloured."""
    return "wrong" if came else "agree"


def forced_lines(found: Forcing, scope: str) -> list[str]:
    """Lines of HTML for a narrow cell, one per rule: how many schedules came to what, in which kernels.

    scope: the one that goes without saying
    """
    by_rule: dict[str, dict[str, list[Forced]]] = {}
    for one in found.taken:
        rule = one.rule if one.scope == scope else f"{one.rule} in {one.scope}"
        by_rule.setdefault(rule, {}).setdefault(one.series, []).append(one)
    lines = [f"{escape(rule)}: {in_kernels(runs)}" for rule, runs in sorted(by_rule.items(), reverse=True)]
    could_not: dict[str, list[str]] = {}
    for series, n in Counter(one.series for one in found.not_run).items():
        what = "not run" if n == 1 else f"{n} of them not run"
        could_not.setdefault(what, []).append(series)
    return lines + [f"<small>{what} on {escape(', '.join(all_of))}</small>" for what, all_of in could_not.items()]


def in_kernels(by_kernel: Mapping[str, Sequence[Forced]]) -> str:
    """ "1 of 1 stalls on 5.10; nothing breaks on 6.1, 6.12": kernels that did the same together."""
    same: dict[str, list[str]] = {}
    for series, runs in by_kernel.items():
        same.setdefault(in_short(runs), []).append(series)
    return "; ".join(f"{words} on {escape(', '.join(all_of))}" for words, all_of in same.items())


def in_short(runs: Sequence[Forced]) -> str:
    """ "5 of 17 leave pages mlocked", coloured; "nothing breaks" when all turns were taken and nothing did."""
    counts = Counter(came for one in runs for came in one.came)
    words = [f"{n} of {len(runs)} {came.one if n == 1 else came.many}" for came, n in counts.items()]
    nothing = "nothing breaks" if len(runs) == 1 else f"nothing breaks in {len(runs)}"
    kind = kind_of([came for one in runs for came in one.came])
    return f'<span class="{kind}">{", ".join(words) or nothing}</span>'
