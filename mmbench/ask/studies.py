"""A question about many kills: from its words to a plan, and from the plan to one record for each strategy."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmbench.ask.plan import Plan, made_from
from mmbench.ask.proven import proven
from mmbench.ask.verdicts import of_design
from mmbench.ask.watch import NOBODY, Watch
from mmbench.records.verdicts import convicted

if TYPE_CHECKING:
    from mmbench.records.study_types import AboutStudy, HeldBack, RareTails, StudyRecord
    from mmbench.sizing.counting import Counts
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.load import Load
    from mmbench.sizing.queue.mixture import Part, Table
    from mmbench.sizing.queue.service import Runs, Setting
    from mmbench.sizing.sample import Sample
    from mmbench.sizing.study import Study


@dataclass(frozen=True)
class Ready:
    """A strategy's study, checked, with a table that is right where answers rest on it."""

    setting: Setting
    table: Table
    study: Study
    load: Load


def make_study(plan: Plan, setting: Setting, table: Table, parts: list[Part]) -> Study:
    """The study of one strategy; parts: of the table."""
    from mmbench.sizing.study import Study
    from mmbench.sizing.worlds import heavy_of

    return Study(
        plan.seed, plan.kills, table.thresholds, table.components, table.fields, setting.delay_ps, plan.over_ps,
        newest_first=plan.newest_first, n_reapers=plan.n_reapers, n_domains=plan.n_domains, name=setting.loaded.name,
        heavy=heavy_of(parts, table.components, len(table.fields)),
    )  # fmt: skip


def get_ready(plan: Plan, setting: Setting, watch: Watch) -> Ready:
    """The engine runs of one strategy, and the study that rests on them. Raises InputError without a steady state."""
    from mmbench.sizing.exactness import mended
    from mmbench.sizing.load import check_growth, check_steady
    from mmbench.sizing.queue.mixture import n_nodes, node_tables, service_table
    from mmbench.sizing.warmup import settled, with_edge

    with watch.ticking(f"{setting.loaded.name}: engine runs", n_nodes(plan.parts)) as tick:
        runs = node_tables(plan.parts, setting, tick)
    table = service_table(plan.parts, runs, setting)
    load = check_steady(plan.kills, table, setting.loaded.name, plan.n_reapers)
    study = make_study(plan, setting, table, plan.parts)
    check_growth(study)
    edge = settled(study).edge_kills

    def study_of(runs: list[Runs]) -> Study:
        return with_edge(make_study(plan, setting, service_table(plan.parts, runs, setting), plan.parts), edge)

    runs = mended(plan.parts, runs, setting, study_of, plan.effort.target, plan.effort.kills)
    return Ready(setting, service_table(plan.parts, runs, setting), study_of(runs), load)


def answer_all(plan: Plan, watch: Watch = NOBODY) -> list[StudyRecord]:
    """The record of every strategy, on the same kills; several are ranked, and each record carries the ranking.

    Raises InputError for bad input, and WrongRecord for a record that does not add up.
    """
    from mmbench.records.study_record import whole_study
    from mmbench.sizing.choosing import ranking
    from mmbench.sizing.estimate import as_it_is, collect
    from mmbench.sizing.warmup import with_edge

    all_ready = [get_ready(plan, setting, watch) for setting in plan.settings]
    edge = max(ready.study.edge_kills for ready in all_ready)
    records: list[StudyRecord] = []
    samples = {}
    for ready in all_ready:
        ready = replace(ready, study=with_edge(ready.study, edge))
        effort = own_effort(plan, ready.study.name)
        with watch.counting(ready.study.name, effort) as on_progress:
            counts = collect(ready.study, effort, on_progress)
        samples[ready.study.name] = as_it_is(counts, effort.confidence)
        records.append(record_of(plan, ready, counts, samples[ready.study.name]))
    unsafe = {record["strategy"] for record in records if convicted(record)}
    if len(samples) > 1 and len({sample.n for sample in samples.values()}) == 1:
        found = {"mean": None, plan.target: plan.effort.target}
        rankings = {name: ranking(samples, measure, plan.effort.confidence, unsafe) for name, measure in found.items()}
        for record in records:
            record["ranking"] = rankings
    return [proven(whole_study, record, f"the study of {record['strategy']}") for record in records]


def record_of(plan: Plan, ready: Ready, counts: Counts, sample: Sample) -> StudyRecord:
    """All that one strategy's study says."""
    from mmbench.sizing.added import added
    from mmbench.sizing.answers import answer, fleet_sentence, sentence
    from mmbench.sizing.exactness import errors, examine, withhold
    from mmbench.sizing.extremes import extremes

    study, setting = ready.study, ready.setting
    found = answer(study, sample, ready.load, about(plan, setting), plan.percentiles)
    if study.heavy is not None:
        found["added"] = added(counts, sample.confidence, plan.percentiles)
    record: StudyRecord = {
        **found,
        "interpolation": errors(examine(plan.parts, study, setting, sample.replications, {}, plan.effort.target)),
        "made_from": made_from(plan.command, setting, study),
        "sentence": sentence(found, plan.over_text),
    }
    withhold(record)
    for quantity, kill in extremes(plan.parts, study, setting, sample.replications).items():
        record["latency"][quantity]["max"].update(kill)
    if plan.n_domains:
        record["held_back"] = in_domains(plan, study, sample)
    if plan.tail_ps is not None:
        record["rare"] = rare_tails(plan, setting, ready.table, study, sample)
    if plan.hosts:
        record["fleet"] = fleet_sentence(record, plan.hosts, plan.kills_per_day)
    return record


def in_domains(plan: Plan, study: Study, sample: Sample) -> HeldBack:
    """What domains do, beside the same kills apart."""
    from mmbench.sizing.estimate import as_it_is, collect
    from mmbench.sizing.held import held_back

    effort = replace(plan.effort, kills=sample.n, precision=0.0, ledger=None)
    apart = as_it_is(collect(replace(study, n_domains=0, heavy=None), effort), sample.confidence)
    return held_back(plan.n_domains, sample, apart, effort.target)


def rare_tails(plan: Plan, setting: Setting, table: Table, study: Study, sample: Sample) -> RareTails:
    """What --tail asks: beyond the reach of --n kills, alone and behind others."""
    from mmbench.sizing.alone import alone
    from mmbench.sizing.behind import behind

    over_ps = plan.tail_ps or 0
    return {
        "time_ps": over_ps,
        "alone": alone(plan.parts, table, study, setting, over_ps, sample.n, plan.effort.confidence),
        "behind": behind(study, sample, over_ps),
    }


def own_effort(plan: Plan, strategy: str) -> Effort:
    """The plan's effort, with a ledger of its own for each strategy when there are several."""
    if plan.effort.ledger is None or len(plan.settings) == 1:
        return plan.effort
    return replace(plan.effort, ledger=plan.effort.ledger / re.sub(r"[^A-Za-z0-9.=-]", "_", strategy))


def about(plan: Plan, setting: Setting) -> AboutStudy:
    """What identifies a study."""
    victims = "; ".join(
        f"{float(part.share):.3g} {part.family.name}" + (f", a page lock held ({part.hold.name})" if part.hold else "")
        for part in plan.parts
        if part.share
    )
    order = "newest first" if plan.newest_first else "oldest first"
    return {
        "strategy": setting.loaded.name, "law_of_kills": plan.kills.name, "law_of_victims": victims,
        "scenario": setting.scenario.name, "scenario_params": setting.scenario.params(), "costs": setting.costs.name,
        "seed": plan.seed, "target": plan.target, "rarity": plan.rarity, "reapers": plan.n_reapers, "order": order,
        "checker": of_design(setting.loaded),
    }  # fmt: skip
