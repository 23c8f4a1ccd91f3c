"""The page of designs: each one in the model, in the checker, and in the real kernels that ran it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mmbench.checker.verdict import Verdict
from mmbench.records.lab_types import BesideHolder
from mmbench.report.outcome import flaw_words, ranking
from mmbench.report.reading import moment
from mmbench.report.units import NOTHING, format_time
from mmbench.site.forced import Forcing, forced_lines
from mmbench.site.lead import name_of, status_of
from mmbench.site.parts import MEASURED, MODEL, badge, code, document, table, to_front
from mmbench.site.real import NOTHING_SEEN, Real, base, by_release, family, kind_of, share
from mmbench.validation.beside import ends_as_predicted

Record = Mapping[str, Any]
DESIGNS = "designs.html"
BESIDE = {"lock-page": "holder", "read-count": "reader", "read-users": "/proc reader"}


def matrix_page(
    records: Sequence[Record],
    verdicts: Mapping[str, Verdict],
    reals: Mapping[str, Sequence[Real]],
    forcing: Forcing,
) -> str:
    """The document.

    records: one run per design, of the first scenario; reals: as real_designs gives them; forcing: as read_forcing does
    """
    everyone = sorted((real for found in reals.values() for real in found), key=by_release)
    kernels = list(dict.fromkeys(real.series for real in everyone))
    header = f"""{to_front()}
<h1>Every design: modelled, searched, run for real</h1>
<p class="answer">{sentence(reals, everyone)}</p>"""
    heads = ["design", f"in time {badge(MODEL)}", "checker", f"its schedules, forced {badge(MEASURED)}"]
    heads += [f"Linux {escape(series)} {badge(MEASURED)}" for series in kernels]
    rows = [row for place in ranking(records) for row in rows_of(records[place.row], verdicts, reals, forcing, kernels)]
    body = f"""<div class="fit">{table(heads, rows)}</div>
<ul class="legend">
<li>In time: the question of the front page, a victim of 64 GiB while a page-lock holder waits for memory. What gave up,
killed another process or is unsafe stands last.</li>
<li>The checker: safe in every interleaving of a small world; stalls until the reaper gives up; fails, with a
schedule.</li>
<li>Its schedules, forced: the checker shows with a schedule that a rule breaks; a booted kernel was made to take it,
turn by turn, and this is how many came to what. <em>In shared</em>: in the checker&rsquo;s scope of that name, where
another process maps the victim&rsquo;s pages. Nothing breaks: no oops, no bad page, every counter back; a guest stops
nobody within a pass, so what needs a page lock taken while the reaper is at that page does not show. Not run: the
kernel lacks what the schedule needs, as the design&rsquo;s page says. -: none was forced.</li>
<li>Inside a kernel, victims of 64 MiB: how many processes more the OOM killer killed, and whether the reaper gave up,
while somebody held the lock of one page (<em>holder</em>) or mmap_lock for read (<em>reader</em>: pins the struct
alone, as process_mrelease does; <em>/proc reader</em>: pins its user count). The model of that very victim says the
same unless the cell names it. How many counts of <em>pages</em> that a lone reaper left are the model&rsquo;s; how many
<em>forced</em> schedules went as the design&rsquo;s own steps say.</li>
<li>A row that begins with a colon is a variant: a point that the proposal left open. {blind_words(everyone)}</li>
</ul>
<p>Again: {code("mmbench lab run 6.12 --strategy v6.1 exit-write")} runs designs inside a kernel;
{code("mmbench check --save FOLDER")} searches them and keeps the schedules, which
{code("mmbench lab run 5.10 --schedule FILE")} forces;
{code("mmbench compare --scenario stuck-holder")} times them.</p>"""
    return document("mmbench: every design, modelled, searched, run for real", header, body)


def sentence(reals: Mapping[str, Sequence[Real]], everyone: Sequence[Real]) -> str:
    """How often reality was as predicted."""
    designs = {base(name) for name in reals}
    left = [sum(column) for column in zip(*(real.left for real in everyone), strict=True)]
    told = [sum(column) for column in zip(*(real.as_told for real in everyone), strict=True)]
    telling = [real.as_predicted for real in everyone if real.tells_apart]
    kills = [sum(column) for column in zip(*telling, strict=True)] or [0, 0]
    broken = [real for real in everyone if real.verdict != NOTHING_SEEN]
    series = ", ".join(dict.fromkeys(real.series for real in everyone))
    pages, kill, schedule = (f"<strong>{right} of {n}</strong>" for right, n in (left, kills, told))
    return f"""{len(designs)} designs ran inside booted kernels, Linux {escape(series)}. As predicted were {pages}
counts of the pages that a lone reaper leaves, {kill} outcomes of an OOM kill beside a holder of a page lock or a reader
of mmap_lock, and {schedule} forced schedules of their own steps; {len(broken) or "none"} brought a
kernel to an oops, a bad page or an overlap."""


def blind_words(everyone: Sequence[Real]) -> str:
    """Which kernels kill the same under their own code, where the model sees none."""
    blind = list(dict.fromkeys(real.series for real in everyone if not real.tells_apart))
    if not blind:
        return ""
    return (
        f"Linux {escape(', '.join(blind))} kills others under its own code, too, where the model has none: "
        "its kills tell no design apart and are not counted above."
    )


def rows_of(
    record: Record,
    verdicts: Mapping[str, Verdict],
    reals: Mapping[str, Sequence[Real]],
    forcing: Forcing,
    kernels: Sequence[str],
) -> list[list[str]]:
    """A design and, below it, its variants that a kernel ran."""
    name = str(record["strategy"])
    verdict = verdicts[name]
    wrong = flaw_words(record)
    time = f"{format_time(moment(record, 'all'))} until all is free"
    said = f'<span class="{"wrong" if wrong else "agree"}">{escape(wrong) or "memory back"}</span><small>{time}</small>'
    checked = f'<span class="verdict {verdict.verdict}">{verdict.verdict}</span>'
    own = {spec: {real.series: real for real in found} for spec, found in family(reals, name).items()}
    mine, told = forcing.family(name), {name, *own}
    taken = forced_cell(mine.of([name]), mine.without(told), verdict.scope)
    first = [f"{name_of(name)}<small>{escape(status_of(record))}</small>", said, checked, taken]
    rows = [[*first, *(kernel_cell(own.get(name, {}).get(series)) for series in kernels)]]
    for spec, found in own.items():
        if spec != name:
            taken = forced_cell(mine.of([spec]), Forcing(), verdict.scope)
            rows.append([code(spec.removeprefix(name)), "", "", taken, *(kernel_cell(found.get(s)) for s in kernels)])
    return rows


def forced_cell(own: Forcing, others: Forcing, scope: str) -> str:
    """What came of a design's schedules when kernels took them, and of those of its variants without a row."""
    lines, more = forced_lines(own, scope), forced_lines(others, scope)
    n = len(others.designs)
    if more:
        lines += [f"<em>{n} variant{'s' * (n != 1)} more:</em>", *more]
    return "".join(f'<div class="seen">{line}</div>' for line in lines) or NOTHING


def kernel_cell(real: Real | None) -> str:
    """One design in one kernel: kills beside each kind of bystander; the model's where it says otherwise; counts."""
    if real is None:
        return NOTHING
    lines = [f'<strong class="wrong">{escape(real.verdict)}</strong>'] if real.verdict != NOTHING_SEEN else []
    by_kind: dict[str, Counter[str]] = {}
    for row in (*real.holders, *real.readers):
        by_kind.setdefault(BESIDE.get(row["holds"], row["holds"]), Counter())[in_short(row)] += 1
    for kind, said in by_kind.items():
        lines += [f"{escape(kind)}: {words}{f' ({n}x)' if len(said) > 1 else ''}" for words, n in said.items()]
    counts = [f"{words} {share(pair)}" for words, pair in (("pages", real.left), ("forced", real.as_told)) if pair[1]]
    lines.append(f"<small>{', '.join(counts)}</small>")
    return "".join(f'<div class="seen">{line}</div>' for line in lines)


def in_short(row: BesideHolder) -> str:
    """One kill in two words, and the model's two where they differ."""
    words = few_words(row["kills"], row["gave_up"])
    said = f'<span class="{kind_of(row)}">{words}</span>'
    if not ends_as_predicted(row):
        said += f" <em>(model: {few_words(row['model_kills'], row['model_gave_up'])})</em>"
    return said


def few_words(kills: int, gave_up: bool) -> str:
    """How many more died, and whether the reaper gave up."""
    return f"{kills} killed{', gave up' if gave_up else ''}"
