"""From the options of `mmbench size` to studies, and from their answers to the terminal."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.sizing.compute.chunks import Progress
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.laws.spoken import KillLaw
    from mmbench.sizing.queue.mixture import Part, Table
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.sample import Sample
    from mmbench.sizing.study import Study

PS_PER_US = 10**6
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)", re.ASCII)


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for, checked."""

    settings: list[Setting]
    kills: KillLaw
    parts: list[Part]
    effort: Effort
    seed: int
    over_ps: int
    over_text: str
    hosts: int | None
    kills_per_day: float
    tail_ps: int | None = None
    command: str = ""


def parse_percentile(text: str, what: str) -> float:
    """p99.9 -> 0.999. Raises InputError."""
    found = _PERCENTILE.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) < 100:
        raise InputError(f"{what} {text!r} is not a percentile. Allowed: p50, p99.9 and the like, between p0 and p100.")
    return float(Fraction(found[1]) / 100)


def parse_count(text: str, what: str) -> int:
    """2000000, 2M or 1e9. Raises InputError."""
    found = re.fullmatch(r"(\d{1,12})\s*(|k|M|G|e(\d{1,2}))", text.strip(), re.ASCII)
    if found is None:
        raise InputError(f"{what} {text!r} is not a number of kills. Allowed: 2000000, 2M, 1G or 1e9.")
    power = int(found[3]) if found[3] else {"": 0, "k": 3, "M": 6, "G": 9}[found[2]]
    return int(found[1]) * 10**power


def plan_from(args: argparse.Namespace, overrides: dict[str, int]) -> Plan:
    """Check all options. Raises InputError before anything is computed."""
    from mmbench.cli.sizing_command import command_of
    from mmbench.cost.table import load_table
    from mmbench.scenarios import scenario
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.laws.families import parse_family
    from mmbench.sizing.laws.spoken import parse_holds, parse_probability, parse_time
    from mmbench.sizing.queue.mixture import mixture
    from mmbench.sizing.queue.service import Setting, check_setting
    from mmbench.strategies import load
    from mmbench.victims import PROFILES, parse_size

    largest = parse_size(args.ram, "--ram")
    rarity = parse_probability(args.rarity, "--rarity")
    named = args.heavy.partition(":")[0] in PROFILES or Path(args.heavy).exists()
    heavy_locked = args.heavy_locked or (None if named else "0.9")
    parts = mixture(
        parse_family(args.ordinary, args.ordinary_locked, "--ordinary", largest),
        parse_family(args.heavy, heavy_locked, "--heavy", largest),
        rarity,
        parse_holds(args.holds),
        parse_probability(args.held, "--held"),
    )
    confidence = float(parse_probability(args.confidence, "--confidence"))
    if not 0.5 <= confidence < 1:
        raise InputError(f"--confidence {args.confidence}: allowed are 50% to less than 100%.")
    precision = float(parse_probability(args.precision, "--precision")) if args.precision else 0.0
    workers, per_day = args.workers, float(parse_probability_or_more(args.kills_per_day))
    if not 1 <= workers <= 1024:
        raise InputError(f"--workers {workers}: allowed are 1 to 1024.")
    if args.hosts is not None and args.hosts < 1:
        raise InputError(f"--hosts {args.hosts}: allowed are 1 and more.")
    effort = Effort(
        parse_count(args.n, "--n"), precision, parse_percentile(args.target, "--target"), confidence, workers,
        args.backend, args.cluster, Path(args.ledger) if args.ledger else None,
    )  # fmt: skip
    costs, where = load_table(args.costs), scenario(args.scenario, overrides)
    settings = [Setting(load(spec), where, costs, args.seed) for spec in args.strategy or ["v6.18"]]
    for setting in settings:
        check_setting(setting)
    return Plan(
        settings, kill_law(args.kills), parts, effort, args.seed, parse_time(args.over, "--over"), args.over,
        args.hosts, per_day, tail_time(args.tail), command_of(args),
    )  # fmt: skip


def tail_time(text: str | None) -> int | None:
    """The time of --tail in ps. Raises InputError."""
    from mmbench.sizing.alone import check_time
    from mmbench.sizing.laws.spoken import parse_time

    return None if text is None else check_time(parse_time(text, "--tail"), text)


def parse_probability_or_more(text: str) -> Fraction:
    """A positive number such as 0.2 or 12. Raises InputError."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip(), re.ASCII) or not Fraction(text.strip()):
        raise InputError(f"--kills-per-day {text!r} is not a number above 0.")
    return Fraction(text.strip())


def kill_law(spec: str) -> KillLaw:
    """The law of kills: written out, or the gaps of a record of kills. Raises InputError."""
    from mmbench.sizing.laws.spoken import MAX_MEAN_PS, parse_kills, recorded_kills
    from mmbench.victims.kernel_log import gaps_us, names_kills, read_kills

    if names_kills(spec):
        return recorded_kills(spec, gaps_us(read_kills(spec), MAX_MEAN_PS // PS_PER_US) * PS_PER_US)
    return parse_kills(spec)


def build_table(plan: Plan, setting: Setting) -> Table:
    """The service table of one strategy, with progress where somebody watches."""
    from mmbench.sizing.queue.mixture import n_nodes, node_tables, service_table

    with ticking(f"{setting.loaded.name}: engine runs", n_nodes(plan.parts)) as tick:
        return service_table(plan.parts, node_tables(plan.parts, setting, tick), setting)


def make_study(plan: Plan, setting: Setting, table: Table) -> Study:
    """The study of one strategy."""
    from mmbench.sizing.study import Study

    return Study(
        plan.seed, plan.kills, table.thresholds, table.components, table.fields, setting.delay_ps, plan.over_ps,
        name=setting.loaded.name,
    )  # fmt: skip


def answer_all(plan: Plan) -> list[dict[str, Any]]:
    """The record of every strategy, on the same kills; several are ranked, and each record carries the ranking."""
    from mmbench.cli.sizing_command import made_from
    from mmbench.sizing.answers import answer, fleet_sentence, sentence
    from mmbench.sizing.choosing import ranking
    from mmbench.sizing.estimate import collect
    from mmbench.sizing.extremes import extremes
    from mmbench.sizing.load import check_growth, check_steady
    from mmbench.sizing.off_grid import interpolation_error

    records, samples = [], {}
    for setting in plan.settings:
        table = build_table(plan, setting)
        load = check_steady(plan.kills, table, setting.loaded.name)
        study = make_study(plan, setting, table)
        check_growth(study)
        with counting(study.name, plan) as on_progress:
            sample = samples[study.name] = collect(study, effort_of(plan, study.name), on_progress)
        record = answer(study, sample, load, about(plan, setting))
        record["interpolation"] = interpolation_error(plan.parts, study, setting)
        for quantity, kill in extremes(plan.parts, study, setting, sample.replications).items():
            record["latency"][quantity]["max"] |= kill
        if plan.tail_ps is not None:
            record["rare"] = rare_tails(plan, setting, table, study, sample)
        record["made_from"] = made_from(plan.command, setting, study)
        record["sentence"] = sentence(record, plan.over_text)
        if plan.hosts:
            record["fleet"] = fleet_sentence(record, plan.hosts, plan.kills_per_day)
        records.append(record)
    if len(samples) > 1 and len({sample.n for sample in samples.values()}) == 1:
        found = {"mean": None, f"p{plan.effort.target * 100:.10g}": plan.effort.target}
        rankings = {name: ranking(samples, measure, plan.effort.confidence) for name, measure in found.items()}
        records = [record | {"ranking": rankings} for record in records]
    return records


def rare_tails(plan: Plan, setting: Setting, table: Table, study: Study, sample: Sample) -> dict[str, Any]:
    """What --tail asks: beyond the reach of --n kills, alone and behind others."""
    from mmbench.sizing.alone import alone
    from mmbench.sizing.behind import behind

    over_ps = plan.tail_ps or 0
    return {
        "time_ps": over_ps,
        "alone": alone(plan.parts, table, study, setting, over_ps, sample.n, plan.effort.confidence),
        "behind": behind(study, sample, over_ps),
    }


def effort_of(plan: Plan, strategy: str) -> Effort:
    """The plan's effort, with a ledger of its own for each strategy when there are several."""
    if plan.effort.ledger is None or len(plan.settings) == 1:
        return plan.effort
    return replace(plan.effort, ledger=plan.effort.ledger / re.sub(r"[^A-Za-z0-9.=-]", "_", strategy))


def about(plan: Plan, setting: Setting) -> dict[str, Any]:
    """What identifies a study."""
    victims = "; ".join(
        f"{float(part.share):.3g} {part.family.name}" + (f", a page lock held ({part.hold.name})" if part.hold else "")
        for part in plan.parts
    )
    return {
        "strategy": setting.loaded.name, "law_of_kills": plan.kills.name, "law_of_victims": victims,
        "scenario": setting.scenario.name, "scenario_params": setting.scenario.params(), "costs": setting.costs.name,
        "seed": plan.seed,
    }  # fmt: skip


@contextmanager
def ticking(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar of so many ticks, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def counting(name: str, plan: Plan) -> Iterator[Callable[..., None] | None]:
    """Progress with kills/s, half-width and time left, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn, TimeRemainingColumn

    from mmbench.sizing.estimate import half_width
    from mmbench.sizing.sample import Sample

    columns = (*Bar.get_default_columns()[:3], TimeRemainingColumn(), TextColumn("{task.fields[more]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None, more="")

        def show(done: Progress) -> None:
            sample = Sample(done.counts, plan.effort.confidence)
            width = half_width(sample, plan.effort.target)
            more = f"{done.per_second(sample.n) / 1e6:.1f} M kills/s" + (f", +-{width:.1%}" if width else "")
            bar.update(task, total=done.n_chunks, completed=done.n_done, more=more)

        yield show


def print_answers(records: list[dict[str, Any]], how: str) -> None:
    """Print as asked for (--format)."""
    from mmbench.cli.output import print_view
    from mmbench.report.text.size_tables import size_tables, to_csv, to_json

    if how == "table":
        print_view(size_tables(records))
    else:
        sys.stdout.write(to_json(records) if how == "json" else to_csv(records))
