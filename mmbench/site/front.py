"""The front page: one document without scripts, readable on a phone, in which every number says model or measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from mmbench.checker.verdict import Verdict
from mmbench.records.lab_types import LabRecord
from mmbench.report.reading import moment, part, setting, total
from mmbench.report.text.grid import MEASURES, worst
from mmbench.report.units import NOTHING, format_count, format_pages_size, format_share, format_size, format_time
from mmbench.scenarios import NAMED
from mmbench.site.forced import Forcing
from mmbench.site.lead import lead, name_of
from mmbench.site.matrix_page import DESIGNS
from mmbench.site.parts import MEASURED, MODEL, badge, code, document, figure, links, table
from mmbench.site.real import Real
from mmbench.site.views import across, series_rows
from mmbench.words import PARTY_KEYS

Record = Mapping[str, Any]

QUESTION = (
    "Linux is out of memory and kills a process that has locked its memory in RAM (mlock). Which kernel design gives "
    "that memory back soonest, and who waits or dies meanwhile?"
)
COMMIT_DIGITS = 12
KERNELS = "kernels.html"


@dataclass(frozen=True)
class Facts:
    """All that the page shows.

    runs: scenario -> run records; sweep: run records of one scenario over the locked share;
    verdicts: strategy -> checker's verdict; schedules: strategy -> files in schedules/;
    validations: file stem -> validation record; lab: file in lab/ -> lab record; asv: asv's published index.json;
    shared: strategy -> rules that it breaks once a second process maps its pages;
    reals: design -> what booted kernels did with it; forcing: the checker's schedules, forced in them;
    answers: page in answers/ -> its title
    """

    runs: Mapping[str, Sequence[Record]]
    sweep: Sequence[Record]
    verdicts: Mapping[str, Verdict]
    schedules: Mapping[str, Sequence[str]]
    validations: Mapping[str, Record]
    lab: Mapping[str, LabRecord]
    manifest: Record
    asv: Record
    shared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reals: Mapping[str, Sequence[Real]] = field(default_factory=dict)
    forcing: Forcing = field(default_factory=Forcing)
    answers: Mapping[str, str] = field(default_factory=dict)


def front_page(facts: Facts) -> str:
    """The document as HTML."""
    scenarios = "\n".join(scenario_part(name, facts) for name in facts.runs)
    first = next(iter(facts.runs.values()))
    answer = lead(first, facts.shared)
    header = f"""<h1>mmbench</h1>
<p class="question">{QUESTION}</p>
{answer}
{ways(facts)}"""
    body = f"""<h2>Every strategy, at this commit</h2>
<p>{badge(MODEL)} comes out of the model and is the same on every machine. {badge(MEASURED)} was observed on a running
kernel or with a clock.</p>
<p>{badge(MODEL)} One victim of {victim(facts)}. Times count from the kill. The checker's verdict is of another kind:
it searches every interleaving of a small world, without time.</p>
{scenarios}
{sweep_part(facts.sweep)}
<h2>Series across commits</h2>
<p>{badge(MODEL)} names with <code>track_</code>, {badge(MEASURED)} names with <code>time_</code>. asv takes lower for
better everywhere; freed pages and throughput are better when they are higher.</p>
{table(("series", "unit", "graphs"), series_rows(facts.asv))}
{validation_part(facts.validations)}
{lab_part(facts.lab)}
{origin_part(facts)}"""
    return document("mmbench", header, body)


def ways(facts: Facts) -> str:
    """The ways to all other pages."""
    asked = {"explore.html": "Ask it yourself: other victims, scenarios, measures"}
    asked |= {f"answers/{name}.html": title for name, title in facts.answers.items()}
    tested = {DESIGNS: "Every design: modelled, searched, run for real"} if facts.reals else {}
    tested |= {KERNELS: "Every design beside every kernel"} if facts.lab else {}
    return links("Ask", asked) + links("How true is it", tested) + links("Across commits", across(facts.asv))


def victim(facts: Facts) -> str:
    """The victim of all runs, in words."""
    record = next(iter(facts.runs.values()))[0]
    size, locked = record["resident_pages"], record["locked_pages"]
    return f"{format_pages_size(size)}, {format_share(locked, size)} of it in VM_LOCKED VMAs"


HEADER = (
    "strategy", "checker", "outcome", "all freed", "MMF_OOM_&#8203;SKIP",
    *(f"{party} blocked" for party in PARTY_KEYS), "freed", "left behind", "reaper passed over", "extra kills",
    "replay",
)  # fmt: skip


def scenario_part(name: str, facts: Facts) -> str:
    """The table and the picture of one scenario."""
    records = facts.runs[name]
    rows = [strategy_row(record, facts) for record in records]
    shown = [i for i in range(len(HEADER)) if any(row[i] != NOTHING for row in rows)]
    cells = [[row[i] for i in shown] for row in rows]
    says = f"Memory freed over time, and waiting by cause, of every strategy in the scenario {name}."
    return f"""<section id="{name}">
<h3>Scenario {code(name)} {badge(MODEL)}</h3>
<p>{escape(NAMED[name][0])}; {escape(", ".join(settings(records[0])))}</p>
{table([HEADER[i] for i in shown], cells)}
{figure(f"plots/{name}.png", says, MODEL)}
</section>"""


def settings(record: Record) -> list[str]:
    """What else decides the runs of a table: cost table and seed."""
    return [setting(key, record.get(key)) for key in ("costs", "seed")]


def strategy_row(record: Record, facts: Facts) -> list[str]:
    """One strategy in one scenario, as cells of HTML."""
    outcome = str(record["outcome"])
    broken = " ".join(record["violations"])
    return [
        name_of(str(record["strategy"])),
        verdict_cell(str(record["strategy"]), facts),
        f'<span class="outcome {outcome}">{escape(f"{outcome} {broken}".strip())}</span>',
        format_time(moment(record, "all")),
        format_time(moment(record, "oom_skip")),
        *(blocked(record, task) for task in PARTY_KEYS),
        format_pages_size(total(record, "freed_pages")),
        format_pages_size(total(record, "left_pages")),
        format_pages_size(total(record, "reaper_left_pages")),
        format_count(record["collateral_kills"]),
        token(record),
    ]


def token(record: Record) -> str:
    """The command that makes a run again, folded away."""
    return f"<details><summary>token</summary>{code('mmbench run --replay ' + str(record['token']))}</details>"


def sweep_part(records: Sequence[Record]) -> str:
    """Strategy against locked share, and the worst run of each measure."""
    rows = []
    for what, measure in MEASURES.items():
        record = worst(records, measure)
        share = format_share(record["locked_pages"], record["resident_pages"])
        rows.append([escape(what), code(record["strategy"]), share, format_time(measure(record)), token(record)])
    scenario = str(records[0]["scenario"])
    says = f"Every strategy against the share of the victim that is locked, scenario {scenario}."
    return f"""<section id="locked-share">
<h2>How much is locked</h2>
{figure("plots/heatmap.png", says, MODEL)}
{table(("worst", "strategy", "locked", "value", "replay"), rows)}
</section>"""


def blocked(record: Record, task: str) -> str:
    """How long a task waited, "-" for one that took no part."""
    causes = part(record, "blocked_ps").get(task)
    return NOTHING if causes is None else format_time(sum(causes.values()))


def verdict_cell(strategy: str, facts: Facts) -> str:
    """safe, or what is broken with a link to the schedule that shows it."""
    verdict = facts.verdicts[strategy]
    broken = [name for name, status in verdict.properties.items() if status == "broken"]
    words = escape(" ".join([verdict.verdict, *broken]))
    links = facts.schedules.get(strategy, ())
    shown = f'<a href="schedules/{escape(links[0])}">{words}</a>' if links else words
    return f'<span class="verdict {verdict.verdict}">{shown}</span>'


def validation_part(validations: Mapping[str, Record]) -> str:
    """How far the model is from a running kernel, or that nobody has looked."""
    title = "<h2>How wrong is the model?</h2>"
    if not validations:
        return f"{title}\n<p>No validation has been recorded: nobody has held this model against a kernel here.</p>"
    return title + "\n" + "\n".join(one_validation(name, found) for name, found in validations.items())


def one_validation(name: str, found: Record) -> str:
    """One machine's errors on victims that were held out of the calibration."""
    from mmbench.report.text.measured import KIND_NAMES, percent

    rows = [
        [
            escape(KIND_NAMES.get(kind, kind)),
            str(errors["n"]),
            percent(errors["median_abs_error"]),
            percent(errors["p95_abs_error"]),
        ]
        for kind, errors in found["held_out"].items()
    ]
    pages = found["freed_pages"]
    says = "Teardown times, model against measured, a point per held-out victim."
    return f"""<section>
<h3>{escape(str(found["machine"]))} {badge(MEASURED)}</h3>
<p>Verdict: <strong>{escape(str(found["verdict"]))}</strong>, on {escape(str(found["date"]))}.
The predictions were frozen before the measurement, for victims that took no part in the calibration. Freed pages were
exact for {pages["exact"]} of {pages["n"]} victims.</p>
{table(("teardown time", "victims", "median error", "95 % are below"), rows)}
{figure(f"plots/validation-{name}.png", says, MEASURED)}
</section>"""


def lab_part(records: Mapping[str, Record]) -> str:
    """Which other kernels were asked, or that none was."""
    title = "<h2>Other kernels</h2>"
    if not records:
        return f"{title}\n<p>No record of another kernel is published yet.</p>"
    rows = [
        [
            f'<a href="lab/{escape(name)}">{code(r["series"])}</a>',
            escape(str(r["release"])),
            escape(str(r["package_version"])),
        ]
        for name, r in records.items()
    ]
    head = f"<p>{badge(MEASURED)} Booted in QEMU; times are counted in the guest's instructions, not seconds.</p>"
    more = f'<p><a href="{KERNELS}">Every design beside every kernel</a>: predicted and real, cell by cell.</p>'
    return f"{title}\n{head}\n{table(('series', 'release', 'package'), rows)}\n{more}"


def origin_part(facts: Facts) -> str:
    """Which code on which machine made the page."""
    m = facts.manifest
    commit = str(m.get("commit", ""))[:COMMIT_DIGITS] or "not in a git checkout"
    changed = " with changes that are not committed" if m.get("commit_modified") == "yes" else ""
    rows = [
        ["commit", code(commit) + changed],
        ["mmbench", escape(m["mmbench_version"])],
        ["kernel", escape(f"{m['kernel']} {m['architecture']}")],
        ["CPU", escape(f"{m['n_cpus']} x {m['cpu_model']}")],
        ["RAM", format_size(m.get("ram_bytes"))],
        ["Python", escape(m["python_version"])],
        ["numpy, numba", escape(f"{m.get('numpy_version', NOTHING)}, {m.get('numba_version', NOTHING)}")],
    ]
    machines = [
        [
            code(name),
            *(escape(str(found.get(key) or NOTHING)) for key in ("cpu", "num_cpu", "os", "arch")),
            ram_of(found),
        ]
        for name, found in sorted(facts.asv["machines"].items())
    ]
    asv = ("machine", "CPU", "number", "kernel", "architecture", "RAM")
    return f"""<h2>Where this page comes from</h2>
{table((), rows)}
<p>{badge(MEASURED)} Machines of the series in asv's pages whose names begin with <code>time_</code>:</p>
{table(asv, machines)}"""


def ram_of(machine: Record) -> str:
    """asv notes RAM as text, in bytes or kB or not at all."""
    text = str(machine.get("ram") or "")
    return format_size(int(text)) if text.isdigit() else escape(text or NOTHING)
