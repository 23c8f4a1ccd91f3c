"""What more than one reaper gives, as a page in Markdown: by how often victims come, newest or oldest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from mmbench.report.text.answer_page import markdown
from mmbench.report.text.rare_page import REFUSED, Page, Record, value_of
from mmbench.report.text.size_answer import percent
from mmbench.report.units import NOTHING, format_time

if TYPE_CHECKING:
    from mmbench.records.study_types import StudyRecord

SLOW = "p99"


def reapers_page(page: Page) -> str:
    """The page as Markdown."""
    parts = [
        f"# {page.title}",
        page.asked,
        f"Time from the kill to MMF_OOM_SKIP, when the killer no longer waits: mean, and {SLOW} (*model*, v6.18):",
        table(page, skip),
        in_short(page),
        "## Behind other victims (*model*)",
        f"Share of victims that find no reaper free, and how long they wait for one: mean of all, and {SLOW}. A victim "
        f"that "
        "waits is torn down by its own exit meanwhile, so its wait costs less than it is long.",
        table(page, behind),
        "## How busy (*model*)",
        "Reapers at work on the average; the list is steady while that is less than there are.",
        table(page, busy),
        "## What is not known",
        "\n".join(f"- {text}" for text in page.unknown),
        f"Made by `mmbench answer {page.name}`: {page.n} kills a study, the same ones for every list; 90 % of each "
        f"victim is "
        "mlocked. The kernel has one reaper, newest first. Every cell is a study that `mmbench size` can repeat "
        "([many kills](../sizing.md)).",
    ]
    return "\n\n".join(parts) + "\n"


def table(page: Page, cell: Callable[[Record], str]) -> str:
    """A line per study, a column per kind of list."""
    lines = [[f"**{name}**", *map(cell, row)] for name, row in zip(page.studies, page.rows, strict=True)]
    return markdown(["", *page.sides], lines)


def slow_ps(record: Record, quantity: str) -> float | None:
    """The percentile of a quantity; None where it, or the whole study, is refused."""
    return None if "refused" in record else value_of(cast("StudyRecord", record), quantity, SLOW)


def two(record: Record, quantity: str) -> str:
    """Mean and percentile of a quantity."""
    slow, mean = slow_ps(record, quantity), format_time(round(record["latency"][quantity]["mean_ps"]))
    return f"{mean}, {NOTHING if slow is None else format_time(round(slow))}"


def skip(record: Record) -> str:
    """To MMF_OOM_SKIP."""
    return REFUSED if "refused" in record else two(record, "skip")


def behind(record: Record) -> str:
    """Who waits, and how long."""
    if "refused" in record:
        return REFUSED
    return f"{percent(record['waited'])}: {two(record, 'behind')}" if record["waited"] else "nobody"


def busy(record: Record) -> str:
    """Reapers at work on the average."""
    return REFUSED if "refused" in record else f"{record['load']['seen']:.2g}"


def in_short(page: Page) -> str:
    """What the second reaper gives where it gives most, and what oldest first would give instead."""
    one, oldest, second = ([slow_ps(row[k], "skip") for row in page.rows] for k in (0, 1, 2))
    found = zip(one, second, page.studies, strict=True)
    ratios = [(new / was, name) for was, new, name in found if was and new]
    orders = [new / was for was, new in zip(one, oldest, strict=True) if was and new]
    best, where = min(ratios)
    return (
        f"A second reaper brings {SLOW} to {best:.2f} of what it is with one where it helps most ({where}), and to "
        f"{max(ratios)[0]:.2f} where least. Taking the oldest first instead, with one reaper, brings it to "
        f"{min(orders):.2f} to {max(orders):.2f}. A victim that its own exit tears down within 2 s never meets a "
        "reaper, so for small victims no number of reapers matters. (Percentiles are read in steps of 0.8 %.)"
    )
