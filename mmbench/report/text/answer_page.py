"""The answer to a question as a page in Markdown: first who waits how much longer, then every run behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmbench.records.meaning import skip_meaning
from mmbench.report.outcome import FLAWS, flaws
from mmbench.report.reading import blocked_by_cause, labels, moment, part
from mmbench.report.units import NOTHING, format_time

Record = Mapping[str, Any]
SAME = 0.005  # a ratio nearer to 1 than this is "the same"
STOCK, LOCKED = "stock", 0.9  # of records: the kernel's own code, and how much of the victims shown here is mlocked


class Page(NamedTuple):
    """What a page is made of.

    situations: name and kind ("alone", "beside a reader") of each row; rows: one record per design
    against_situation: the first situation is the baseline of each design; otherwise the first design is
    measured: comparisons with booted kernels, as validation.designs.compare_designs returns
    """

    name: str
    title: str
    asked: str
    situations: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Record]]
    unknown: Sequence[str]
    measured: Sequence[Mapping[str, Any]] = ()
    against_situation: bool = False


def answer_page(page: Page) -> str:
    """The page as Markdown."""
    designs, rows = labels(page.rows[0]), page.rows
    names = [name for name, _ in page.situations]
    command = f"mmbench answer {page.name}" + (" --lab RECORD" if page.measured else "")
    parts = [
        f"# {page.title}",
        page.asked,
        f"The time until all memory is free (*model*), against {names[0] if page.against_situation else designs[0]}:",
        first_screen(designs, page),
        *(measured_part(one, designs) for one in page.measured),
        "## Time until all memory is free (*model*)",
        markdown(["", *designs], [[s, *cells(row)] for s, row in zip(names, rows, strict=True)]),
        "A design that gave up, killed another process or is unsafe has its flaw beside its time and wins nothing.",
        "## Who waited for it (*model*)",
        markdown(["", *designs], [[s, *map(waited, row)] for s, row in zip(names, rows, strict=True)]),
        "exit + helper (reaper or process_mrelease): time blocked by any cause.",
        "## MMF_OOM_SKIP (*model*)",
        markdown(["", *designs], [[s, *map(skip, row)] for s, row in zip(names, rows, strict=True)]),
        "## What is not known",
        "\n".join(f"- {text}" for text in page.unknown),
        f"Made by `{command}`. Every model number is one run, seed 1, default costs; a 64 GiB victim, 90 % locked, in "
        "1,000 VMAs, unless the line says otherwise.",
    ]
    return "\n\n".join(parts) + "\n"


def first_screen(designs: Sequence[str], page: Page) -> str:
    """A line per design, a column per kind of situation: how much later than the baseline, or what went wrong."""
    first = 1 if page.against_situation else 0
    kinds = list(dict.fromkeys(kind for _, kind in page.situations[first:]))
    table = []
    for k, design in enumerate(designs):
        if page.against_situation or k:
            table.append([f"**{design}**", *(in_short(pairs_of(page, kind, k)) for kind in kinds)])
    return markdown(["", *kinds], table)


def pairs_of(page: Page, kind: str, k: int) -> list[tuple[Record, Record]]:
    """The baseline's run and that of design k, for each situation of a kind."""
    rows = [row for (_, of), row in zip(page.situations, page.rows, strict=True) if of == kind]
    return [(page.rows[0][k] if page.against_situation else row[0], row[k]) for row in rows]


def in_short(pairs: Sequence[tuple[Record, Record]]) -> str:
    """The baseline's and a design's runs in words: what went wrong, or by how much it is sooner or later."""
    wrong = sorted({flaw for _, mine in pairs for flaw in flaws(mine)}, key=FLAWS.index)
    if wrong:
        return f"**{', '.join(flaw.words for flaw in wrong)}**"
    times = [(moment(base, "all"), moment(mine, "all")) for base, mine in pairs]
    ratios = [mine / base for base, mine in times if base and mine]
    if not ratios:
        return NOTHING
    low, high = min(ratios), max(ratios)
    if max(abs(low - 1), abs(high - 1)) < SAME:
        return "no difference"
    return f"{low:.2f}x" if high - low < SAME else f"{low:.2f}x to {high:.2f}x"


def measured_part(one: Mapping[str, Any], asked: Sequence[str]) -> str:
    """What a booted kernel did under the same strategy files, and under its own code, with the two victims of 90 %."""
    exits: dict[str, list[Mapping[str, Any]]] = {}
    for cell in one["cells"]:
        victim = cell["victim"]
        is_asked = cell["design"] in (*asked, STOCK) and victim["kind"] == "anon" and victim["locked_share"] == LOCKED
        if cell["what"] == "exit" and is_asked:
            exits.setdefault(cell["design"], []).append(cell)
    worst = max((abs(cell["error"]) for found in exits.values() for cell in found), default=0.0)
    parts = [
        f"## What Linux {one['release']} did (*measured*)",
        "The same strategy files, interpreted step by step inside the booted kernel ([the lab](../lab.md)). Exit "
        f"alone, in millions of instructions per victim; the model is off by at most {worst:.1%}:",
        markdown(["design", "exit alone"], [[d, " / ".join(millions(cell) for cell in c)] for d, c in exits.items()]),
    ]
    readers = [row for row in one["readers"] if row["design"] in (*asked, STOCK) and row["holds"] == "read-count"]
    if readers:
        head = ["design", "further processes killed", "reaper gave up", "MMF_OOM_SKIP set after"]
        parts += [
            "An OOM kill in a memory cgroup while somebody holds mmap_lock for read, with mm_count only, longer than "
            "the reaper's ten attempts:",
            markdown(head, [beside_reader(row) for row in readers]),
        ]
    return "\n\n".join(parts)


def millions(cell: Mapping[str, Any]) -> str:
    """Instructions of one teardown: the guest's clock counts one a nanosecond."""
    return f"{cell['ns'] / 1e6:.2f}"


def beside_reader(row: Mapping[str, Any]) -> list[str]:
    """What was seen of one design beside a reader."""
    skip_at = f"{row['skip_ms']:.0f} ms" if row["skip_ms"] else NOTHING
    return [row["design"], str(row["kills"]), "yes" if row["gave_up"] else "no", skip_at]


def cells(row: Sequence[Record]) -> list[str]:
    """Times to all freed with their ratio to the first, and the flaw of whoever has one."""
    base = moment(row[0], "all")
    found = []
    for record in row:
        mine, wrong = moment(record, "all"), flaws(record)
        ratio = f" {mine / base:.2f}x" if base and mine and record is not row[0] else ""
        found.append(f"{format_time(mine)}{ratio}{f' **{wrong[0].mark}**' if wrong else ''}")
    return found


def waited(record: Record) -> str:
    """exit's and the helpers' time blocked."""
    helpers = [task for task in part(record, "blocked_ps") if task in ("reaper", "mrelease")]
    said = [format_time(sum((blocked_by_cause(record, "exit") or {}).values()))]
    if helpers:
        said.append(format_time(sum(sum((blocked_by_cause(record, task) or {}).values()) for task in helpers)))
    return " + ".join(said)


def skip(record: Record) -> str:
    """When MMF_OOM_SKIP was set and what it meant, and further kills."""
    meaning, kills = skip_meaning(record), record.get("collateral_kills")
    at = moment(record, "oom_skip")
    said = NOTHING if at is None else f"{format_time(at)}{'' if meaning == 'memory back' else f', {meaning}'}"
    return f"{said}; {kills} killed" if kills else said


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)
