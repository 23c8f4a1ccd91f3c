"""The page of kernels: design x kernel, what is left of each victim by the model and on the booted kernel."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mmbench.records.measured_types import Found
from mmbench.report.text.measured import KIND_NAMES
from mmbench.report.units import NOTHING, format_count
from mmbench.site.kernels import AGREE, DIFFER, NOT_COMPARED, TRUTH_TABLE, Design, Kernel, Question
from mmbench.site.parts import MEASURED, MODEL, WIDE, badge, code, document, table, to_front

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
<p class="answer">{sentence(kernels, designs)}</p>"""
    details = "\n".join(kernel_part(kernel, designs) for kernel in kernels)
    main = f"""{legend()}
{matrix(kernels, designs)}
<p class="legend">A cell counts experiments: a victim that one party (the OOM reaper, <code>process_mrelease</code>, a
cgroup&rsquo;s OOM kill) tears down alone; {badge(MODEL)} pages that the design leaves, {badge(MEASURED)} pages that the
kernel, booted in QEMU, left. Designs that agree everywhere are not told apart by pages: the order in which the reaper
visits VMAs (&uarr; lowest first, &darr; highest first) then may.</p>
<h2>The kernels</h2>
<p>{badge(MEASURED)} but for the columns of the design.</p>
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


def sentence(kernels: Sequence[Kernel], designs: Sequence[Design]) -> str:
    """The answer: whether each kernel left what its own design leaves, and how much another one would have changed."""
    own = [kernel.counts(kernel.era) for kernel in kernels]
    agree, asked = sum(c[AGREE] for c in own), sum(c[AGREE] + c[DIFFER] for c in own)
    orders = {one.name: one.order for one in designs}
    in_order = [kernel.order_verdict(orders[kernel.era]) != DIFFER for kernel in kernels]
    right = sum(not counts[DIFFER] and same for counts, same in zip(own, in_order, strict=True))
    others = [(kernel.counts(one.name), kernel, one) for kernel in kernels for one in designs if one.name != kernel.era]
    counts, kernel, most = max(others, key=lambda found: found[0][DIFFER])
    return f"""<strong>{right} of {len(kernels)}</strong> booted kernels leave exactly the pages, and visit them in the
order, that the design which they ship says: {agree} of {asked} experiments. Another design would have left other pages:
{code(most.name)} in {counts[DIFFER]} of {counts[AGREE] + counts[DIFFER]} on Linux {escape(kernel.record["series"])}."""


def matrix(kernels: Sequence[Kernel], designs: Sequence[Design]) -> str:
    """A row per design, a column per kernel."""
    names = "".join(f'<th scope="col">{column_head(kernel)}</th>' for kernel in kernels)
    rows = "\n".join(
        f'<tr><th scope="row" title="{escape(one.title)}">{code(one.name)}<small>{escape(one.status)}</small></th>'
        f"{''.join(cell(kernel, one) for kernel in kernels)}</tr>"
        for one in designs
    )
    head = f'<thead><tr><th scope="col">design</th>{names}</tr></thead>'
    return f'{WIDE}<table class="matrix">{head}<tbody>\n{rows}\n</tbody></table></div>'


def column_head(kernel: Kernel) -> str:
    """A kernel, with a link to all that it said."""
    return f'<a href="#{anchor(kernel)}">{code(kernel.record["series"])}</a><small>ships {escape(kernel.era)}</small>'


def cell(kernel: Kernel, design: Design) -> str:
    """One design beside one kernel: how many page counts agree, in which order its reaper goes, and what that means."""
    counts, is_era = kernel.counts(design.name), kernel.era == design.name
    order = kernel.order_verdict(design.order)
    differs = counts[DIFFER] or order == DIFFER
    kind = DIFFER if differs else AGREE if counts[AGREE] else NOT_COMPARED
    n = counts[AGREE] + counts[DIFFER]
    words = ["ships here"] * is_era + ["other order"] * (order == DIFFER) + [ARROWS[design.order]]
    bar = f'<span class="share"><span style="width:{100 * counts[AGREE] / max(n, 1):.0f}%"></span></span>'
    says = f"<strong>{counts[AGREE]} of {n}</strong> {' '.join(words)}{bar}"
    return f'<td class="{" ".join([kind] + ["era"] * is_era)}">{says}</td>'


def legend() -> str:
    """What a cell's colour and frame say."""
    kinds = (
        (f"{AGREE} era", "the kernel ships this design, and left the pages that it says"),
        (AGREE, "another design that would have left the same pages"),
        (DIFFER, "another design that would have left other pages, or gone in another order"),
        (f"{DIFFER} era", "the kernel ships this design, and the model of it is wrong: none should be"),
    )
    cells = "".join(f'<tr><td class="{kind}"></td><th scope="row">{words}</th></tr>' for kind, words in kinds)
    return f'<table class="matrix swatches" aria-label="Legend"><tbody>{cells}</tbody></table>'


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
