"""The first screen of a sizing study: what heavy victims add, across strategies, one table and a sentence for each.

Everything fits 80 columns and no number is broken; `report.text.size_tables` has all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from mmbench.records.study_types import Range, StudyRecord
from mmbench.records.verdicts import convicted
from mmbench.report.outcome import UNSAFE
from mmbench.report.text.filled import Filled
from mmbench.report.text.size_tables import off_sentence, rare_table
from mmbench.report.units import format_time

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

FEW = 4  # strategies with a paragraph each
MOST_NAME = 15  # characters of a strategy before its name is folded


class Ranks(NamedTuple):
    """Strategies best first, the rank of each, and those that do not compete, by flaw or by an early flag."""

    order: list[str]
    rank: dict[str, int]
    flawed: list[str]
    early: list[str]


def size_answer(records: Sequence[StudyRecord], *, everybody: bool = False, again: str = "") -> Group:
    """The answer of a study as a rich renderable: table, sentences, how far to trust it, and how to ask again.

    everybody: a paragraph for each of many strategies, too; few have theirs always
    again: the command that prints it, where there is a shorter one than the records'
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Filled(heading(records[0]), style="bold"), Text("")]
    parts += [answer_table(records), *legend(records), Text("")]
    brief = not everybody and len(records) > FEW
    for record in records:
        if brief and not record.get("fleet") and not record.get("rare"):
            continue
        sentences = [] if brief else [*added_sentences(record), *outcome_sentence(record), *held_sentence(record)]
        sentences.append(record["sentence"] + ".")
        parts.append(Filled(" ".join(sentences), head=f"{record['strategy']}: "))
        parts += [Filled(record["fleet"] + ".")] if record.get("fleet") else []
        parts += [Text(""), rare_table(record["rare"]), Text("")] if record.get("rare") else []
    parts += [Text("a paragraph for each: --detail", style="dim")] if brief else []
    parts += [
        Text(""),
        *(Filled(line, style="dim") for line in trust_lines(records)),
        Filled(f"again: {again or records[0]['made_from']['command']}", style="dim"),
    ]
    return Group(*parts)


def heading(record: StudyRecord) -> str:
    """What was studied."""
    words = ("model", record["law_of_kills"], record["law_of_victims"], record["scenario"], *listed(record))
    return " | ".join(words)


def listed(record: StudyRecord) -> list[str]:
    """Reapers and order, where they are not the kernel's."""
    n, order = record["reapers"], record["order"]
    return [] if (n, order) == (1, "newest first") else [f"{n} reaper{'s' * (n > 1)}, {order}"]


def answer_table(records: Sequence[StudyRecord]) -> Table:
    """Rank, strategy, the target percentile without and with heavy victims, what they add, and who does not compete."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    target = records[0]["target"]
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    columns = ("", f"{target} to\nMMF_OOM_SKIP", "\nwithout", "\nwith", "\nheavy ones add", "\nflawed")
    longest = min(max(len(record["strategy"]) for record in records), MOST_NAME)
    for k, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if k in (0, 1) else "right"
        wide = longest if k == 1 else None
        table.add_column(column, justify=justify, no_wrap=k not in (1, 5), overflow="fold", min_width=wide)
    ranks = ranking_of(records)
    out = [*ranks.early, *ranks.flawed]

    def place(record: StudyRecord) -> tuple[bool, int, int]:
        name = record["strategy"]
        return name in out, ranks.rank[name], ranks.order.index(name)

    for record in sorted(records, key=place):
        name = record["strategy"]
        rank = "-" if name in out else f"{ranks.rank[name]}."
        table.add_row(rank if len(records) > 1 else "", name, *numbers(record, target), flawed(record))
    return table


def legend(records: Sequence[StudyRecord]) -> list[Text]:
    """What the last column means, where somebody is in it."""
    from rich.text import Text

    ranks, lines = ranking_of(records), []
    if ranks.flawed:
        lines.append("flawed: gave up, killed another process, hung, unsafe or memory left; not ranked")
    if ranks.early:
        lines.append("early: MMF_OOM_SKIP before nine tenths of the memory were back; not ranked")
    return [Text(line, style="dim") for line in lines]


def ranking_of(records: Sequence[StudyRecord]) -> Ranks:
    """The ranking by the target percentile; of one strategy, itself."""
    found = records[0].get("ranking", {}).get(records[0]["target"])
    if found:
        return Ranks(found["order"], found["rank"], found["flawed"], found.get("early", []))
    names = [record["strategy"] for record in records]
    out = [record["strategy"] for record in records if record["oom_skip"]["flawed"].get("hits") or convicted(record)]
    early = [record["strategy"] for record in records if record["oom_skip"]["early"].get("hits")]
    return Ranks(names, dict.fromkeys(names, 1), out, early)


def numbers(record: StudyRecord, target: str) -> tuple[str, str, str]:
    """Without, with, and what is added with its interval."""
    effect = record["added"]["effects"].get(target) if "added" in record else None
    if effect is None or "added" not in effect:
        found = record["latency"]["skip"]["percentiles"].get(target)
        return "-", "refused" if found is None or "refused" in found else format_time(round(found["value"])), "-"
    return (
        format_time(round(effect["without"])), format_time(round(effect["with"])),
        f"{signed(effect['added']['value'])} {interval(effect['added'])}",
    )  # fmt: skip


def interval(found: Range) -> str:
    """ "[1.2 s, 1.9 s]", with spaces that no terminal breaks."""
    return f"[{signed(found['low'], plus='')}, {signed(found['high'], plus='')}]".replace(" ", "\N{NO-BREAK SPACE}")


def signed(ps: float, plus: str = "+") -> str:
    """A difference of times."""
    return ("-" if ps < 0 else plus if ps else "") + format_time(abs(round(ps))).replace(" ", "\N{NO-BREAK SPACE}")


def flawed(record: StudyRecord) -> str:
    """How many kills end in what no speed makes good, or that the design is unsafe at any speed."""
    if convicted(record):
        return UNSAFE.mark
    found, early = record["oom_skip"]["flawed"], record["oom_skip"]["early"]
    if not found.get("hits") and early.get("hits"):
        return f"early {one_in(early['value'])}"
    return one_in(found["value"]) if found.get("hits") else "none"


def one_in(share: float) -> str:
    """ "1 in 840", of two digits."""
    n = 1 / share
    n = round(n, -max(len(str(int(n))) - 2, 0)) if n >= 10 else n
    if n >= 10_000:
        return f"1 in {n / 1000:,.0f}k" if n < 10_000_000 else f"1 in {n / 10**6:,.0f}M"
    return f"1 in {n:,.0f}" if n >= 10 else f"1 in {n:.2g}"


def percent(x: float) -> str:
    """A share with two digits: "0.1 %", "23 %"."""
    return f"{100 * x:.2g}\N{NO-BREAK SPACE}%" if x < 0.995 else f"{100 * x:.0f}\N{NO-BREAK SPACE}%"


def added_sentences(record: StudyRecord) -> Iterator[str]:
    """What heavy victims do, in words."""
    added = record.get("added")
    if added is None:
        yield "There are no heavy victims, or only heavy ones: nothing to compare with."
        return
    who = f"Heavy victims, 1 in {1 / record['rarity']:,.4g} kills,"
    target, effect = record["target"], added["effects"][record["target"]]
    if "added" not in effect:
        yield f"{who}: {target} is refused, {effect['refused']}."
        return
    before, after = (format_time(round(ps)) for ps in (effect["without"], effect["with"]))
    verb = "raise" if effect["added"]["low"] > 0 else "lower" if effect["added"]["high"] < 0 else "hardly move"
    over, later = added["of_over"]["reaper"], added["later"]
    time = format_time(record["over"]["time_ps"])
    if over["of"]:
        of_over = f"they are {percent(over['value'])} of the kills that block the reaper for more than {time}"
    else:
        of_over = f"no kill blocks the reaper for more than {time}"
    if later["hits"]:
        by = format_time(round(later["by_ps"]["value"]))
        others = f"they delay {percent(later['value'])} of the others by {by} in the mean"
    else:
        others = "they delay nobody else"
    by = f"{signed(effect['added']['value'])} {interval(effect['added'])}"
    yield f"{who} {verb} {target} from {before} to {after}: {by}."
    yield f"{of_over[0].upper()}{of_over[1:]}; {others}."
    own, other, mlock = (f"{signed(part['value'])} {interval(part)}"
                         for part in (effect["suffered"], effect["to_others"], effect["by_mlock"]))  # fmt: skip
    why = " (with it, MMF_OOM_SKIP comes before memory is back)" if effect["by_mlock"]["high"] < 0 else ""
    yield f"Of it {own} is what they suffer and {other} what they do to others; mlock alone is {mlock}{why}."


def outcome_sentence(record: StudyRecord) -> Iterator[str]:
    """What MMF_OOM_SKIP said, where it was not always that memory is back."""
    found = record["oom_skip"]
    if found["early"].get("hits"):
        back, early = (format_time(round(ps)) for ps in (found["back_mean_ps"], found["early_mean_ps"]))
        yield (
            f"MMF_OOM_SKIP is set by giving up or too early for {one_in(found['early']['value'])} kills, after {early} "
            f"in the mean; for the others memory is back, after {back}."
        )


def held_sentence(record: StudyRecord) -> Iterator[str]:
    """What domains do, where the study has some."""
    found = record.get("held_back")
    if found is None:
        return
    held, further, moved = found["held"], found["further"], found["moved"]
    who, cost = "no kill is held back", "none costs a further victim"
    if held["hits"]:
        by = format_time(round(held["by_ps"]["value"]))
        who = f"{one_in(held['value'])} kills is held back until MMF_OOM_SKIP, for {by} in the mean"
    if further["hits"]:
        cost = f"{one_in(further['value'])} costs a further victim, which enters the list"
    yield f"In {found['domains']:,} domain{'s' * (found['domains'] > 1)} {who}; {cost}."
    if "by_ps" in moved:
        by = f"{signed(moved['by_ps']['value'])} {interval(moved['by_ps'])}"
        yield f"Beside the same kills apart, {record['target']} moves by {by}."


def trust_lines(records: Sequence[StudyRecord]) -> Iterator[str]:
    """How many kills, how sure, how far the table is off where the numbers rest on it."""
    first, sure = records[0], percent(records[0]["confidence"])
    load = max(record["load"]["seen"] for record in records)
    yield (
        f"{first['kills']:,} kills each, the same for all; intervals and ranks hold with {sure}. "
        f"The reaper is busy {percent(load)} of the time at most."
    )
    yield from off_sentence({
        f"{name} of {record['strategy']}": off for record in records for name, off in record["interpolation"].items()
    })  # fmt: skip
