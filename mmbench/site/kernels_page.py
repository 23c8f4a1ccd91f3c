"""The page of kernels: design x kernel, what is left of each victim by the model and on the booted kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from mmbench.records.measured_types import Found
from mmbench.report.text.measured import KIND_NAMES
from mmbench.report.units import NOTHING, format_count
from mmbench.site.kernels import AGREE, DIFFER, NOT_COMPARED, TRUTH_TABLE, Design, Kernel, Question
from mmbench.site.parts import MEASURED, MODEL, badge, code, document, table, to_front

SHA_DIGITS = 12
WRONG = "wrong"
SIGNS = {AGREE: "=", DIFFER: "&ne;", NOT_COMPARED: "&middot;"}
ORDERS = {"up": "lowest first", "down": "highest first", "unseen": "not seen"}
ARROWS = {"up": "&uarr;", "down": "&darr;"}
SHIPS = " <small>ships here</small>"
PARTIES = {"reaper": "reaper", "mrelease": "mrelease", "memcg": "cgroup kill"}


def kernels_page(kernels: Sequence[Kernel], designs: Sequence[Design]) -> str:
    """The document as HTML."""
    header = f"""{to_front()}
<h1>Every design beside every kernel</h1>
<p class="question">What would this kernel have left behind, had it shipped another design?</p>
<p>{badge(MODEL)} is what the design leaves of a victim that one party tears down alone. {badge(MEASURED)} is what the
real kernel left, booted in QEMU, page by page.</p>"""
    details = "\n".join(kernel_part(kernel, designs) for kernel in kernels)
    main = f"""<h2>Pages left: design by kernel</h2>
<p>The framed cell of a column is the design that this kernel ships: it has to agree, and is the proof. The other cells
are the designs that it does not ship: where they differ is what they would have changed, not an error.</p>
{matrix(kernels, designs)}
{legend(kernels)}
<h2>The kernels</h2>
<p>{badge(MEASURED)} but for the columns of the design. The order in which the reaper visits VMAs tells apart designs
that leave the same pages.</p>
{identity_table(kernels, {one.name: one for one in designs})}
<h2>Instructions of held-out victims</h2>
<p>{badge(MODEL)} against {badge("measured (instructions)", MEASURED)}: median error / 95th percentile (number of
victims). The design of the kernel's era, with costs fitted to other victims of the same record. A race is
predicted with what the other races of its record show. An instruction is not a nanosecond.</p>
{error_table(kernels)}
<h2>Every victim</h2>
<p>Pages left, {badge(MEASURED)} in the column &ldquo;real&rdquo;, {badge(MODEL)} under each design.</p>
{details}"""
    return document("mmbench: every design beside every kernel", header, main)


def matrix(kernels: Sequence[Kernel], designs: Sequence[Design]) -> str:
    """A row per design, a column per kernel."""
    victims = truth_victims(kernels)
    names = "".join(f'<th scope="col">{column_head(kernel)}</th>' for kernel in kernels)
    rows = "\n".join(
        f'<tr><th scope="row" title="{escape(one.title)}">{code(one.name)}<small>{escape(one.status)}</small></th>'
        f"{''.join(cell(kernel, one, victims) for kernel in kernels)}</tr>"
        for one in designs
    )
    head = f'<thead><tr><th scope="col">design</th>{names}</tr></thead>'
    return f'<div class="wide"><table class="matrix">{head}<tbody>\n{rows}\n</tbody></table></div>'


def truth_victims(kernels: Sequence[Kernel]) -> list[str]:
    """Victims of the truth table in the order of the signs, the same for every kernel."""
    return list(dict.fromkeys(q.victim for kernel in kernels for q in kernel.truth_table()))


def column_head(kernel: Kernel) -> str:
    """A kernel, with a link to all that it said."""
    return f'<a href="#{anchor(kernel)}">{code(kernel.record["series"])}</a><small>ships {escape(kernel.era)}</small>'


def cell(kernel: Kernel, design: Design, victims: Sequence[str]) -> str:
    """One design beside one kernel: how many page counts agree, which victims of the truth table, and the order."""
    counts, is_era = kernel.counts(design.name), kernel.era == design.name
    order = kernel.order_verdict(design.order)
    differs = counts[DIFFER] or order == DIFFER
    kinds = [DIFFER if differs else AGREE if counts[AGREE] else NOT_COMPARED, *(["era"] if is_era else [])]
    lines = [
        marks({q.victim: q for q in kernel.truth_table() if q.party == party}, victims, party, design.name)
        for party in PARTIES
    ]
    lines.append(f'<span class="who">order</span><span class="{order}">{SIGNS[order]} {ARROWS[design.order]}</span>')
    body = "".join(f'<div class="marks">{line}</div>' for line in lines)
    agree = f"<strong>{counts[AGREE]} of {counts[AGREE] + counts[DIFFER]}</strong>"
    return f'<td class="{" ".join(kinds)}">{agree}{SHIPS if is_era else ""}{body}</td>'


def marks(asked: Mapping[str, Question], victims: Sequence[str], party: str, design: str) -> str:
    """A sign per victim; a blank where this party was not asked.

    asked: victim -> what this party did to it
    """
    signs = "".join(
        f'<span class="{asked[name].verdict(design)}" title="{escape(said(asked[name], design))}">'
        f"{SIGNS[asked[name].verdict(design)]}</span>"
        if name in asked
        else "<span>&nbsp;</span>"
        for name in victims
    )
    return f'<span class="who">{PARTIES[party]}</span>{signs}'


def said(question: Question, design: str) -> str:
    """One sign in words."""
    real = question.real if isinstance(question.real, str) else format_count(question.real)
    return f"{question.victim}: real {real}, {design} {format_count(question.model[design])}"


def legend(kernels: Sequence[Kernel]) -> str:
    """What the signs stand for; the victims of the truth table in their order."""
    items = "".join(f"<li>{escape(name)}</li>" for name in truth_victims(kernels))
    return f"""<p class="legend"><span class="{AGREE}">{SIGNS[AGREE]}</span> as many pages left as on the real kernel,
<span class="{DIFFER}">{SIGNS[DIFFER]}</span> another number, <span class="{NOT_COMPARED}">{SIGNS[NOT_COMPARED]}</span>
the design or the kernel has no such party. The number counts all victims of the record, the signs are the truth table,
one victim each, in this order; a blank was not asked. A design that agrees everywhere is not thereby
the kernel's: these pages do not tell them apart.</p>
<ol class="legend">{items}</ol>
<p class="legend">&ldquo;order&rdquo; is the order in which the reaper visits VMAs: {ARROWS["up"]} lowest first,
{ARROWS["down"]} highest first.</p>"""


def anchor(kernel: Kernel) -> str:
    """Where the page tells everything of a kernel."""
    return escape(f"linux-{kernel.record['series']}")


IDENTITY = (
    "kernel", "release", "package version", "vmlinuz sha256", "QEMU", "design of its era", "pages left exactly",
    "reaper's order", "the design's",
)  # fmt: skip


def identity_table(kernels: Sequence[Kernel], designs: dict[str, Design]) -> str:
    """Which kernel it was, how it was booted, and in which order its reaper went."""
    return table(IDENTITY, [identity(kernel, designs[kernel.era]) for kernel in kernels])


def identity(kernel: Kernel, era: Design) -> list[str]:
    """One kernel and the design of its era."""
    record, pages = kernel.record, kernel.compared["freed_pages"]
    sha, qemu = escape(record["vmlinuz_sha256"]), escape(record["qemu"])
    exact = AGREE if pages["exact"] == pages["n"] else DIFFER
    return [
        f'<a href="lab/{escape(kernel.file)}">{code(record["series"])}</a>',
        escape(record["release"]),
        escape(record["package_version"]),
        f'<code title="{sha}">{sha[:SHA_DIGITS]}</code>',
        f'<span title="{qemu}">{qemu.partition(" ")[0]}</span>',
        code(era.name),
        coloured(f"{pages['exact']} of {pages['n']}", in_era(exact)),
        ORDERS[kernel.order],
        coloured(ORDERS[era.order], in_era(kernel.order_verdict(era.order))),
    ]


def error_table(kernels: Sequence[Kernel]) -> str:
    """Held-out errors by kind of tear-down."""
    kinds = list(dict.fromkeys(kind for kernel in kernels for kind in kernel.compared["held_out"]))
    rows = [
        [code(k.record["series"]), code(k.era), *(errors(k.compared["held_out"].get(kind)) for kind in kinds)]
        for k in kernels
    ]
    return table(("kernel", "design", *(escape(KIND_NAMES.get(kind, kind)) for kind in kinds)), rows)


def errors(found: Found | None) -> str:
    """Median and 95th percentile, "-" when nobody was asked."""
    if found is None or found["median_abs_error"] is None or found["p95_abs_error"] is None:
        return NOTHING
    return f"{100 * found['median_abs_error']:.2f} % / {100 * found['p95_abs_error']:.1f} % ({found['n']})"


def kernel_part(kernel: Kernel, designs: Sequence[Design]) -> str:
    """All victims of one kernel, folded away."""
    others = [q for q in kernel.questions if q.role != TRUTH_TABLE]
    silent = "; ".join(f"{why} ({n})" for why, n in kernel.silent.items())
    note = f"<p>Not compared: {escape(silent)}.</p>" if silent else ""
    rest = victim_table(others, kernel, designs)
    more = f"<details><summary>{len(others)} other experiments</summary>{rest}</details>"
    return f"""<section id="{anchor(kernel)}">
<details><summary>Linux {escape(kernel.record["release"])}, which ships {code(kernel.era)}</summary>
{victim_table(kernel.truth_table(), kernel, designs)}
{note}
{more if others else ""}
</details>
</section>"""


def victim_table(questions: Sequence[Question], kernel: Kernel, designs: Sequence[Design]) -> str:
    """A row per victim and party, a column per design."""
    names = [code(one.name) + (SHIPS if one.name == kernel.era else "") for one in designs]
    header = ["victim", "torn down by", "pages before", "real", *names]
    rows = [
        [
            escape(q.victim),
            escape(PARTIES[q.party]),
            format_count(q.before),
            escape(q.real) if isinstance(q.real, str) else format_count(q.real),
            *(predicted(q, one.name, kernel) for one in designs),
        ]
        for q in questions
    ]
    return f'<div class="pages">{table(header, rows)}</div>'


def predicted(question: Question, design: str, kernel: Kernel) -> str:
    """Pages that a design leaves, coloured."""
    verdict = question.verdict(design)
    return coloured(format_count(question.model[design]), in_era(verdict) if design == kernel.era else verdict)


def in_era(verdict: str) -> str:
    """A difference is an error where the kernel ships the design."""
    return WRONG if verdict == DIFFER else verdict


def coloured(text: str, kind: str) -> str:
    """A number that says by its colour, and when it differs by its sign, whether it agrees."""
    sign = f"{SIGNS[DIFFER]} " if kind in (DIFFER, WRONG) else ""
    return f'<span class="{kind}">{sign}{text}</span>'
