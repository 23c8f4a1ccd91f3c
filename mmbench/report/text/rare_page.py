"""What rare, heavily mlocked victims cost, as a page in Markdown: who waits how much longer, and when it is nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mmbench.report.text.answer_page import markdown
from mmbench.report.text.size_answer import flawed, interval, one_in, percent, signed
from mmbench.report.units import NOTHING, format_time

if TYPE_CHECKING:
    from mmbench.records.study_types import StudyRecord

Record = Mapping[str, Any]  # a StudyRecord, or {"strategy", "refused": why}
PERCENTILE = "p99.9"
REFUSED = "no steady state"
NEWEST = "v6.18"  # what kernels ship


class Page(NamedTuple):
    """What a page is made of.

    rows: per study one record per side (a design, a kind of list); the first study of rare_page has no heavy victims
    """

    name: str
    title: str
    asked: str
    sides: Sequence[str]
    studies: Sequence[str]
    rows: Sequence[Sequence[Record]]
    unknown: Sequence[str]
    n: str


def rare_page(page: Page) -> str:
    """The page as Markdown."""
    heavy, rows = page.studies[1:], page.rows[1:]
    parts = [
        f"# {page.title}",
        page.asked,
        f"One kill in a thousand waits at least this long until all memory of its victim is back ({PERCENTILE}, "
        "*model*); in brackets, how much longer than without any heavy victim. In bold, how many kills end in what no "
        "speed makes good: the reaper gave up, another process was killed for nothing, memory was left; *early* is "
        "MMF_OOM_SKIP, set before the memory is back.",
        table(page, page.studies, lambda k, row: back(row[k], page.rows[0][k])),
        *who_pays(page),
        "## Who pays: the others (*model*)",
        "Share of the other kills that come to their MMF_OOM_SKIP later because heavy ones are there, and by how much "
        "in the "
        "mean of those.",
        table(page._replace(rows=rows), heavy, lambda k, row: others(row[k])),
        f"## MMF_OOM_SKIP (*model*, {PERCENTILE})",
        "Time to MMF_OOM_SKIP, when the killer no longer waits for the victim; + is what heavy victims add, with its "
        "95 % "
        "interval; *early* is how many kills set it before their memory is back.",
        table(page._replace(rows=rows), heavy, lambda k, row: skip(row[k])),
        "## What mlock alone does (*model*)",
        "The same kills with nothing mlocked and no page lock held: what is left is mlock's share of the time to "
        "MMF_OOM_SKIP. "
        "Below zero means that mlocked memory brings MMF_OOM_SKIP sooner, before it is back.",
        table(page._replace(rows=rows), heavy, lambda k, row: mlock(row[k])),
        "## What is not known",
        "\n".join(f"- {text}" for text in page.unknown),
        f"Made by `mmbench answer {page.name}`: {page.n} kills a study, one a second in the mean, the same ones for "
        f"all designs; "
        "ordinary victims are lognormal with median 256 MiB and sigma 1.5, heavy ones 90 % mlocked; one reaper. Every "
        "cell is "
        "a study that `mmbench size` can repeat ([many kills](../sizing.md)).",
    ]
    return "\n\n".join(parts) + "\n"


def table(page: Page, columns: Sequence[str], cell: Callable[[int, Sequence[Record]], str]) -> str:
    """A line per side, a column per study."""
    lines = [[f"**{name}**", *(cell(k, row) for row in page.rows)] for k, name in enumerate(page.sides)]
    return markdown(["", *columns], lines)


def percentile_ps(record: Record) -> float | None:
    """The percentile of the time until all memory is back; None where it is refused."""
    if "refused" in record:
        return None
    return value_of(cast("StudyRecord", record), "all", PERCENTILE)


def value_of(record: StudyRecord, quantity: str, percentile: str) -> float | None:
    """A percentile of a quantity; None where it is refused."""
    found = record["latency"][quantity]["percentiles"][percentile]
    if "refused" in found:
        return None
    return found["value"]


def back(record: Record, without: Record) -> str:
    """Until all memory is back, how much more than without heavy victims, and the flaw."""
    if "refused" in record:
        return REFUSED
    mine, base = percentile_ps(record), percentile_ps(without)
    if mine is None:
        return NOTHING
    more = "" if record is without or base is None else f" ({signed(mine - base)})"
    wrong = flawed(cast("StudyRecord", record))
    return f"{format_time(round(mine))}{more}" + ("" if wrong == "none" else f" **{wrong}**")


def others(record: Record) -> str:
    """How many other kills are later, and by how much."""
    if "refused" in record:
        return REFUSED
    later = record["added"]["later"]
    if not later["hits"]:
        return "nobody"
    return f"{percent(later['value'])} by {format_time(round(later['by_ps']['value']))}"


def skip(record: Record) -> str:
    """The percentile to MMF_OOM_SKIP, what heavy victims add to it, and how often it comes early."""
    if "refused" in record:
        return REFUSED
    effect, early = record["added"]["effects"][PERCENTILE], record["oom_skip"]["early"]
    if "refused" in effect:
        return NOTHING
    said = f"{format_time(round(effect['with']))} {signed(effect['added']['value'])} {interval(effect['added'])}"
    return said + (f", early {one_in(early['value'])}" if early.get("hits") else "")


def mlock(record: Record) -> str:
    """What mlock alone adds."""
    if "refused" in record:
        return REFUSED
    effect = record["added"]["effects"][PERCENTILE]
    return NOTHING if "refused" in effect else f"{signed(effect['by_mlock']['value'])} {interval(effect['by_mlock'])}"


def who_pays(page: Page) -> list[str]:
    """Two sentences: who pays, and when nobody does."""
    found = list(zip(page.studies[1:], page.rows[1:], strict=True))
    told = [(record, name) for name, row in found for record in row if "refused" not in record]
    newest = [one for one in told if one[0]["strategy"] == NEWEST]
    said = [
        "**Who waits longer** is whoever waits for the heavy victim's own memory. Other kills are delayed most under "
        + "; ".join(delayed(*max(ones, key=harm)) for ones in (told, newest) if ones)
        + "."
    ]
    quiet = [study for study, row in found if not matters(row, page.rows[0])]
    if quiet:
        said.append(
            f"**It does not matter** where victims are so rare or so small: with {'; '.join(quiet)} no design's "
            f"{PERCENTILE} changes by a tenth."
        )
    return said


def harm(one: tuple[Record, str]) -> float:
    """What heavy victims do to others: how many are later, times by how much."""
    later = one[0]["added"]["later"]
    return float(later["value"] * later["by_ps"]["value"])


def delayed(record: Record, study: str) -> str:
    """Which design, in which study, and how many others by how much."""
    later = record["added"]["later"]
    by = format_time(round(later["by_ps"]["value"]))
    return f"{record['strategy']} ({study}), {percent(later['value'])} of them, by {by} in the mean"


def matters(row: Sequence[Record], without: Sequence[Record]) -> bool:
    """Whether heavy victims change the percentile of some design by a tenth, or a flaw appears."""
    for record, base in zip(row, without, strict=True):
        mine, was = percentile_ps(record), percentile_ps(base)
        if mine is None or was is None or abs(mine - was) > 0.1 * was:
            return True
    return False
