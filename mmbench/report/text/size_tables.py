"""Tables of a sizing study: latency percentiles with intervals, blocking, collateral kills, causes at the tail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mmbench.records.csv_text import csv_text
from mmbench.records.study_types import (
    AboutStudy,
    AddedByHeavy,
    Answered,
    Estimated,
    Off,
    PromiseRecord,
    Ranking,
    RareTails,
    StudyRecord,
)  # fmt: skip
from mmbench.report.units import format_percent, format_time
from mmbench.words import KILLERS, SHARE

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

ROWS = {
    "first": "to first page",
    "skip": "to MMF_OOM_SKIP",
    "all": "to all freed",
    "reaper": "reaper busy",
    "behind": "behind others",
}
PS_PER_S = 10**12
WHO_KILLS = {"too_early": "MMF_OOM_SKIP set too early"} | {
    killer.key: f"{killer.key}, {killer.patience_ps // PS_PER_S} s" for killer in KILLERS
}

TOLERANCE = 0.02  # of the service table; what is further off says so


def size_tables(records: Sequence[StudyRecord]) -> Group:
    """Everything that the records of a study say, one strategy after another, as a rich renderable."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for record in records:
        parts += [Text(heading(record), style="bold"), Text(record["sentence"], style="bold green")]
        parts += [Text(record["fleet"])] if record.get("fleet") else []
        parts += [Text(line) for line in facts(record)]
        parts += [Text(""), latency_table(record), Text(""), kills_table(record), Text(""), causes_table(record)]
        parts += [Text(""), table_error(record["interpolation"])] if record.get("interpolation") else []
        parts += [Text(""), effects_table(record["added"])] if record.get("added") else []
        parts += [Text(line, style="dim") for line in largest_lines(record)]
        parts += [Text("")]
    for measure, found in records[0].get("ranking", {}).items():
        parts += [Text(""), Text(ranking_sentence(measure, found), style="bold"), differences_table(found)]
    return Group(*parts)


def ranking_sentence(measure: str, found: Ranking) -> str:
    """The strategies best first; those whose difference is not decided share a rank."""
    values = {name: format_time(round(found["value_ps"][name])) for name in found["order"]}
    ranked = ", ".join(f"{found['rank'][name]}. {name} {value}" for name, value in values.items())
    sure = format_percent(found["confidence"])
    return f"{measure} of kill to MMF_OOM_SKIP, same kills, best first ({sure} in all): {ranked}"


def differences_table(found: Ranking) -> RenderableType:
    """Every pair's difference with its interval."""
    table = _table("faster", "slower", "by", "interval", "decided")
    for pair in found["differences_ps"]:
        by, low, high = (signed_time(-ps) for ps in (pair["value"], pair["high"], pair["low"]))
        table.add_row(pair["first"], pair["second"], by, f"[{low}, {high}]", "yes" if pair["decided"] else "no")
    return table


def signed_time(ps: float) -> str:
    """A difference of times."""
    return ("-" if ps < 0 else "") + format_time(abs(round(ps)))


def heading(record: AboutStudy) -> str:
    """What was studied, on one line."""
    return " | ".join(
        ("model", record["strategy"], record["law_of_kills"], record["law_of_victims"], record["scenario"])
    )


def facts(record: StudyRecord) -> list[str]:
    """How much was simulated, how busy the reaper is, how far the table is off."""
    load = record["load"]
    lines = [
        f"{record['kills']:,} kills in {record['replications']:,} independent replications, "
        f"intervals at {format_percent(record['confidence'])}; "
        f"the reaper is busy {format_percent(load['seen'], 2)} of the time "
        f"(load {format_percent(load['idle'], 2)} taken at once, {format_percent(load['backlog'], 2)} in a long list), "
        f"{format_percent(record['waited'], 2)} of kills wait behind another"
    ]
    return lines


def estimate(found: Answered) -> str:
    """The value with its interval below it, or "refused"."""
    if "refused" in found:
        return "refused"
    value, low, high = (format_time(round(ps)) for ps in (found["value"], found["low"], found["high"]))
    return f"{value}\n[{low},\n{high}]" if found["high"] else value


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left", no_wrap=not k and len(columns) > 6)
    return table


def latency_table(record: StudyRecord) -> RenderableType:
    """Mean, percentiles and maximum of every latency."""
    names = list(record["latency"]["skip"]["percentiles"])
    table = _table("model, from the kill", "mean", *names, "max")
    for key, label in ROWS.items():
        found = record["latency"][key]
        cells = [estimate(found["percentiles"][name]) for name in names]
        table.add_row(label, format_time(round(found["mean_ps"])), *cells, format_time(found["max"]["high"]))
    return table


def share(found: Estimated) -> str:
    """ "0.042 % [0.032, 0.054]", or the bound that zero hits leave."""
    if not found.get("hits"):
        return f"none seen: < {found['high']:.2g}"
    return f"{found['value']:.3g} [{found['low']:.3g}, {found['high']:.3g}]"


def table_error(found: dict[str, Off]) -> RenderableType:
    """How far the service table is off for the kills that each printed number rests on, by engine runs of them."""
    table = _table("service table against the engine, by answer", "median", "worst", "engine runs")
    for name, of in found.items():
        table.add_row(name, format_percent(of["median"], 2), format_percent(of["worst"], 2), str(of["runs"]))
    return table


def effects_table(added: AddedByHeavy) -> RenderableType:
    """What heavy victims add to every percentile, what of it they suffer and do to others, and mlock alone."""
    table = _table("heavy victims", "without", "with", "add", "suffered", "to others", "by mlock")
    for name, of in added["effects"].items():
        if "added" not in of:
            table.add_row(name, *["refused"] * 6)
            continue
        cells = [format_time(round(ps)) for ps in (of["without"], of["with"])]
        for part in (of["added"], of["suffered"], of["to_others"], of["by_mlock"]):
            cells.append(f"{signed_time(part['value'])}\n[{signed_time(part['low'])},\n{signed_time(part['high'])}]")
        table.add_row(name, *cells)
    return table


def kills_table(record: StudyRecord) -> RenderableType:
    """Further kills per kill, by who loses patience; and what exceeds the asked-for time."""
    over = record["over"]
    table = _table("per kill", "probability")
    table.add_row(f"kill to MMF_OOM_SKIP above {format_time(over['time_ps'])}", share(over["skip"]))
    table.add_row(f"reaper busy above {format_time(over['time_ps'])}", share(over["reaper"]))
    for key, label in WHO_KILLS.items():
        table.add_row(f"further kill: {label}", share(record["collateral"][key]))
    return table


def causes_table(record: StudyRecord) -> RenderableType:
    """Where the time to MMF_OOM_SKIP goes, for all kills and for the slowest."""
    table = _table("mean time to MMF_OOM_SKIP", *(share.name for share in SHARE.values()))
    for label, found in record["causes"].items():
        who = f"{label}: {found['kills']:,} kills above {format_time(round(found['from_ps']))}"
        table.add_row(who, *(format_time(round(found["mean_ps"].get(key, 0))) for key in SHARE))
    return table


NOT_FLAT = ("tail", "steps")
RARE = {"skip": "taken at once: MMF_OOM_SKIP", "all": "taken at once: all freed"}


def rare_table(rare: RareTails) -> RenderableType:
    """P(longer than the time of --tail): how it was found, and what the study's own kills say beside it."""
    asked = f"longer than {format_time(rare['time_ps'])}"
    table = _table(asked, "found by", "probability", "hits of runs", "brute force", "hits of kills")
    rows = {label: rare["alone"][key] for key, label in RARE.items()} | {"behind other victims": rare["behind"]}
    for label, found in rows.items():
        beside = found["brute_force"]
        value = f"{found['value']:.3g}" if "value" in found else ""
        value += f"\n[{found['low']:.3g}, {found['high']:.3g}]" if "runs" in found else ""
        hits = f"{found['hits']:,}\nof {found['runs']:,}" if "runs" in found else ""
        how = found["method"] if "method" in found else f"refused: {found['refused']}"
        kinds = ", ".join(str(kind + 1) for kind in found.get("unseen", ()))
        how += f"; no period that begins with kind {kinds} came so far" if kinds else ""
        seen = f"{beside['value']:.3g}\n[{beside['low']:.3g}, {beside['high']:.3g}]"
        table.add_row(label, how, value, hits, seen, f"{beside['hits']:,}\nof {beside['kills']:,}")
    return table


def largest_lines(record: StudyRecord) -> Iterator[str]:
    """Which kill the largest time to MMF_OOM_SKIP was, and the command that prints all of this again."""
    kill = record["latency"]["skip"]["max"]
    if "kill" in kill:
        hold = {"none": "", "memory": "until memory comes", "time": format_time(kill["hold_ps"])}[kill["hold"]]
        yield (
            f"largest to MMF_OOM_SKIP: {format_time(kill['exact_ps'])}, kill {kill['kill']:,} of replication "
            f"{kill['replication']:,}, {kill['victim']}" + (f", a page lock held {hold}" if hold else "")
            + f", {format_time(kill['wait_ps'])} behind others; the engine says {format_time(kill['engine_ps'])}"
        )  # fmt: skip
    yield f"again: {record['made_from']['command']}"


def to_json(records: Sequence[StudyRecord]) -> str:
    """The records as a JSON list, one field per line."""
    import json

    return json.dumps(list(records), indent=1, allow_nan=False) + "\n"


def to_csv(records: Sequence[StudyRecord] | Sequence[PromiseRecord]) -> str:
    """A header and one flat row per strategy, dotted names; curve and steps stay out (JSON has them)."""
    return csv_text({k: v for k, v in record.items() if k not in NOT_FLAT} for record in records)


def slo_view(records: Sequence[PromiseRecord]) -> Group:
    """Answers to an SLO: the largest that holds, or that none does, and every step tried."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for record in records:
        parts += [Text(heading(record), style="bold"), Text(slo_sentence(record), style="bold green"), Text("")]
        table = _table("tried", "verdict", "value", "interval", "kills")
        for step in record["steps"]:
            if "value_ps" in step:
                low, high = format_time(round(step["low_ps"])), format_time(round(step["high_ps"]))
                value, interval = format_time(round(step["value_ps"])), f"[{low}, {high}]"
            else:
                value, interval = "-", "no steady state"
            table.add_row(step["tried"], step["verdict"], value, interval, f"{step['kills']:,}")
        parts += [table, *(Text(line, style="dim") for line in off_sentence(record.get("interpolation", {}))), Text("")]
    return Group(*parts)


def off_sentence(found: Mapping[str, Off]) -> Iterator[str]:
    """How far the service table is off where the worst of some answers rests on it; nothing where none was asked."""
    if found:
        name = max(found, key=lambda name: found[name]["median"])
        off = found[name]
        warn = (
            ""
            if off["median"] <= TOLERANCE
            else f" More than {format_percent(TOLERANCE)}: take that number as a rough one."
        )
        most = format_percent(off["median"], 2)
        yield f"Table against the engine: at most {most} off, in {name} ({off['runs']} runs).{warn}"


def slo_sentence(record: PromiseRecord) -> str:
    """What the answer means, in words."""
    if record["answer"] is None:
        return f"none: {record['slo']} holds for no {record['solve']} that was tried{in_the_way(record)}"
    more = ", the largest asked about" if record["at_the_top"] else ""
    kills = " kills" if record["solve"] == "rarity" else ""
    sure = format_percent(record["confidence"])
    return f"{record['slo']} holds for heavy victims of up to {record['answer']}{kills}{more} ({sure})"


def in_the_way(record: PromiseRecord) -> str:
    """What makes a promise impossible: ordinary victims alone, and what these wait for; or heavy ones after all."""
    found = record.get("in_the_way")
    if not found:
        return "."
    floor, limit = found["floor"], record["limit_ps"]
    if "refused" in floor:
        return "."
    low, high = (format_time(round(ps)) for ps in (floor["low"], floor["high"]))
    alone = f"ordinary victims alone come to {format_time(round(floor['value']))} [{low}, {high}]"
    if floor["high"] < limit:
        return f". It is the heavy victims: {alone}, below {format_time(limit)}."
    means = found["causes"]["mean_ps"]
    largest = max(means, key=means.__getitem__)
    share = means[largest] / max(sum(means.values()), 1e-9)
    ordinary = " (their own size)" if largest == "teardown" else ""
    timer = f", and the reaper comes {format_time(found['delay_ps'])} after the kill" if found["delay_ps"] else ""
    most = f"{format_percent(share)} is {SHARE[largest].name}{ordinary}"
    return f". Heavy victims are not the reason: {alone}; of it {most}{timer}."
