"""A page per design: what it does step by step, what the checker says, what it does in time, what a real kernel did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mmbench.ask.designs import facts, step_rows
from mmbench.checker.verdict import Verdict
from mmbench.records.meaning import skip_meaning
from mmbench.report.outcome import flaw_words
from mmbench.report.reading import blocked_ps, moment, part
from mmbench.report.text.ranked import BASELINE, ratio_text
from mmbench.report.units import NOTHING, format_count, format_share, format_time
from mmbench.scenarios import NAMED
from mmbench.site.forced import Forcing, forced_part
from mmbench.site.lead import verdict_words
from mmbench.site.parts import MEASURED, MODEL, badge, code, document, figure, table, to_front
from mmbench.site.real import HOLDER, READER, Real, outcomes, share, verdict_cell
from mmbench.strategies.load import Loaded

Record = Mapping[str, Any]
STEP_COLUMNS = ("holds mmap_lock", "step", "op", "arguments", "otherwise")


def design_page(
    loaded: Loaded,
    runs: Mapping[str, Sequence[Record]],
    verdict: Verdict,
    schedules: Sequence[str],
    timeline: str,
    reals: Mapping[str, Sequence[Real]],
    forcing: Forcing,
) -> str:
    """One document.

    runs: scenario -> records of all designs; schedules: names of files in schedules/; timeline: path of a picture;
    reals: the design and its variants -> what booted kernels did with them; forcing: the checker's schedules of these
    """
    name = loaded.strategy.id
    mine = {s: next((r for r in records if r["strategy"] == name), None) for s, records in runs.items()}
    first = mine[next(iter(mine))]
    header = f"""{to_front("../")}
<h1>{code(name)}</h1>
<p class="question">{escape(loaded.strategy.title)}</p>
<p class="answer">{in_short(name, first, verdict)}</p>"""
    body = f"""<h2>In time {badge(MODEL)}</h2>
{scenario_table(name, runs)}
{figure(timeline, f"{name}, task by task: what each holds, does and waits for.", MODEL) if timeline else ""}
<p>Again: {code(f"mmbench compare {name} {BASELINE} --scenario {next(iter(runs))}")}</p>
<h2>In every order: the checker</h2>
{checker_part(verdict, schedules)}
<h2>In a real kernel {badge(MEASURED)}</h2>
{real_part(reals)}
<h2>The checker&rsquo;s schedules, forced in a real kernel {badge(MEASURED)}</h2>
{forced_part(forcing)}
<h2>What it is</h2>
<div class="fit">{table((), [[escape(key), escape(value)] for key, value in facts(loaded).items()])}</div>
<h2>Step by step</h2>
{steps_part(loaded)}"""
    return document(name, header, body, up="../")


def in_short(name: str, record: Record | None, verdict: Verdict) -> str:
    """The design in two sentences: what happens in the thread's scenario, and the checker's word."""
    said = f"The checker: {verdict_words(verdict.verdict)}."
    if record is None:
        return said
    wrong = flaw_words(record)
    time = f"all memory is free after <strong>{format_time(moment(record, 'all'))}</strong>"
    how = f"{escape(wrong)}; " if wrong and not wrong.startswith("unsafe") else ""
    return f"While a page-lock holder waits for memory: {how}{time}. {said}"


def scenario_table(name: str, runs: Mapping[str, Sequence[Record]]) -> str:
    """A row per scenario: times against the baseline, blocking, who freed, and what went wrong."""
    rows = []
    for scenario, records in runs.items():
        record = next((r for r in records if r["strategy"] == name), None)
        base = next((moment(r, "all") for r in records if r["strategy"] == BASELINE), None)
        if record is None:
            continue
        meaning = skip_meaning(record)
        freed = part(record, "freed_pages")
        helper = sum(n for task, n in freed.items() if task != "exit")
        rows.append(
            [
                f"{code(scenario)}<small>{escape(NAMED[scenario][0])}</small>",
                format_time(moment(record, "all")),
                ratio_text(moment(record, "all"), base),
                format_time(moment(record, "oom_skip")) + (f"<small>{meaning}</small>" if meaning else ""),
                format_time(blocked_ps(record)),
                format_share(helper, record.get("resident_pages")),
                format_count(record.get("collateral_kills")),
                f'<span class="outcome {record["outcome"]}">{escape(flaw_words(record) or "memory back")}</span>',
            ]
        )
    head = ("scenario", "all freed", f"of {BASELINE}", "MMF_OOM_&#8203;SKIP", "blocked", "freed by helpers")
    return table((*head, "extra kills", "outcome"), rows)


def checker_part(verdict: Verdict, schedules: Sequence[str]) -> str:
    """The verdict, its bounds, and the schedules behind it."""
    broken = [key for key, status in verdict.properties.items() if status == "broken"]
    links = ", ".join(f'<a href="../schedules/{escape(s)}">{escape(s.removesuffix(".txt"))}</a>' for s in schedules)
    shown = f"<p>The schedules that show it: {links}.</p>" if links else ""
    breaks = f" It breaks {escape(', '.join(broken))}." if broken else ""
    size = f"{verdict.states:,} states, {verdict.transitions:,} transitions{'' if verdict.complete else ', incomplete'}"
    says = f'<span class="verdict {verdict.verdict}">{escape(verdict_words(verdict.verdict))}</span>'
    return f"""<p>{says}.{breaks} Scope {code(verdict.scope)}: {size}. A small world, without time.</p>
{shown}"""


def real_part(reals: Mapping[str, Sequence[Real]]) -> str:
    """A row per variant and kernel, or that nobody has run it."""
    rows = [
        [
            code(name),
            f"Linux {escape(real.series)}<small>{escape(real.release)}</small>",
            share(real.left),
            instructions(real),
            "<br>".join(outcomes(real.holders, real)) or NOTHING,
            "<br>".join(outcomes(real.readers, real)) or NOTHING,
            share(real.as_told),
            verdict_cell(real),
        ]
        for name, found in reals.items()
        for real in found
    ]
    if not rows:
        return "<p>No record: no booted kernel has run this design yet.</p>"
    head = ("run as", "inside", "pages left as predicted", "exit: instructions, against the model", HOLDER, READER)
    told = "<p>These very steps, interpreted inside a booted kernel in place of exit_mmap and the reap pass.</p>"
    return told + table((*head, "forced schedules as told", "oops, bad page, overlap"), rows)


def instructions(real: Real) -> str:
    """How far exit alone is from the model, at most."""
    errors = [abs(row["error"]) for row in real.alone if row["what"] == "exit"]
    return f"within {100 * max(errors):.1f} %" if errors else NOTHING


def steps_part(loaded: Loaded) -> str:
    """A table per role, a row per atomic step."""
    rows = step_rows(loaded)
    parts = []
    for role in loaded.roles:
        cells = [[escape(row[column]) or "&nbsp;" for column in STEP_COLUMNS] for row in rows if row["role"] == role]
        parts.append(f"<h3>{escape(role)}</h3>\n{table(STEP_COLUMNS, cells)}")
    return "\n".join(parts)
