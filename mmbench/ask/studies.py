"""A question about many kills: from its words to a plan, and from the plan to one record for each strategy."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmbench.ask.plan import Plan, made_from
from mmbench.ask.watch import NOBODY, Watch

if TYPE_CHECKING:
    from mmbench.records.types import AboutStudy
    from mmbench.sizing.estimate import Effort
    from mmbench.sizing.queue.mixture import Table
    from mmbench.sizing.queue.service import Setting
    from mmbench.sizing.sample import Sample
    from mmbench.sizing.study import Study


def build_table(plan: Plan, setting: Setting, watch: Watch) -> Table:
    """The service table of one strategy."""
    from mmbench.sizing.queue.mixture import n_nodes, node_tables, service_table

    with watch.ticking(f"{setting.loaded.name}: engine runs", n_nodes(plan.parts)) as tick:
        return service_table(plan.parts, node_tables(plan.parts, setting, tick), setting)


def make_study(plan: Plan, setting: Setting, table: Table) -> Study:
    """The study of one strategy."""
    from mmbench.sizing.study import Study

    return Study(
        plan.seed, plan.kills, table.thresholds, table.components, table.fields, setting.delay_ps, plan.over_ps,
        name=setting.loaded.name,
    )  # fmt: skip


def answer_all(plan: Plan, watch: Watch = NOBODY) -> list[dict[str, Any]]:
    """The record of every strategy, on the same kills; several are ranked, and each record carries the ranking."""
    from mmbench.sizing.answers import answer, fleet_sentence, sentence
    from mmbench.sizing.choosing import ranking
    from mmbench.sizing.estimate import collect
    from mmbench.sizing.extremes import extremes
    from mmbench.sizing.load import check_growth, check_steady
    from mmbench.sizing.off_grid import interpolation_error

    records, samples = [], {}
    for setting in plan.settings:
        table = build_table(plan, setting, watch)
        load = check_steady(plan.kills, table, setting.loaded.name)
        study = make_study(plan, setting, table)
        check_growth(study)
        effort = own_effort(plan, study.name)
        with watch.counting(study.name, effort) as on_progress:
            sample = samples[study.name] = collect(study, effort, on_progress)
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
    )
    return {
        "strategy": setting.loaded.name, "law_of_kills": plan.kills.name, "law_of_victims": victims,
        "scenario": setting.scenario.name, "scenario_params": setting.scenario.params(), "costs": setting.costs.name,
        "seed": plan.seed,
    }  # fmt: skip
