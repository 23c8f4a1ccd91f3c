"""One run in full, for a terminal: when, who freed what, what was left and why, who waited for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mmbench.records.verdicts import convicted
from mmbench.report.reading import (
    Record,
    blocked_by_cause,
    cause_name,
    heading,
    is_unsafe,
    moment,
    part,
    reading_list,
    reason_name,
    setting,
)
from mmbench.report.units import (
    NOTHING,
    format_count,
    format_pages,
    format_rate,
    format_share,
    format_time,
)
from mmbench.words import PATIENCE_PS, REAPERS, REASON

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

BAD = "bold red"
LEFT = (("left_pages", "left"), *((f"{party}_left_pages", f"{party} left") for party in REAPERS))

MOMENTS = {
    "first": "first page freed",
    "half": "50 % freed",
    "p90": "90 % freed",
    "all": "all freed",
    "oom_skip": "MMF_OOM_SKIP set",
}


def run_view(record: Record, *, tokens: bool = True) -> Group:
    """Return one run as a rich renderable: facts, pages by who freed them or why not, waiting by cause and task.

    Raises InputError without a strategy; any other missing piece is shown as "-" or its table left out.
    """
    from rich.console import Group
    from rich.text import Text

    (record,) = reading_list([record])
    status = f" ({record['status']})" if record.get("status") else ""
    title = Text(f"{record['strategy']}{status} | {heading([record])}", style="bold")
    parts: list[RenderableType] = [title, Text(""), _facts(record), Text(""), _pages(record)]
    if part(record, "blocked_ps"):
        parts += [Text(""), _blocking(record)]
    if part(record, "freed_at"):
        parts += [Text(""), _freed_at(record)]
    return Group(*parts, *token_lines(record, tokens=tokens))


def token_lines(record: Record, *, tokens: bool) -> list[RenderableType]:
    """What does the run again, or how to be told."""
    from rich.text import Text

    if not record.get("token"):
        return []
    if not tokens:
        return [Text("more: --tokens", style="dim")]
    return [Text(""), Text("mmbench run --replay TOKEN"), Text(str(record["token"]), overflow="fold")]


def _facts(record: Record) -> Table:
    from rich.text import Text

    table = _grid(["", ""])
    outcome = str(record.get("outcome") or NOTHING)
    if record.get("violations"):
        outcome += f", breaks {', '.join(map(str, record['violations']))}"
    is_bad = is_unsafe(record) or record.get("outcome") == "hung"
    table.add_row("outcome", Text(outcome, style=BAD if is_bad else ""))
    table.add_row("checker", Text(checker_words(record), style=BAD if convicted(record) else ""))
    for name, what in MOMENTS.items():
        table.add_row(what, format_time(moment(record, name)))
    table.add_row("throughput", format_rate(record.get("throughput_pages_per_s")))
    kills = record.get("collateral_kills")
    table.add_row("other processes killed", Text(format_count(kills), style=BAD if kills else ""))
    patience = part(record, "patience_kills")
    if patience:
        counts = (f"{format_count(n)} ({_killer(name)})" for name, n in patience.items())
        table.add_row("killed by impatience", Text(", ".join(counts)))
    for name in ("params", "scenario_params"):
        if part(record, name):
            words = ", ".join(setting(key, value).replace(" ", "") for key, value in part(record, name).items())
            table.add_row(name.replace("params", "parameters").replace("_", " "), Text(words))
    return table


def checker_words(record: Record) -> str:
    """What the checker says of the design, scope by scope; or how to ask it."""
    said = part(record, "checker")
    if not said:
        return f"not checked: mmbench check {record.get('file') or record['strategy']}"
    return "; ".join(f"{verdict} (scope {scope})" for scope, verdict in said.items())


def _killer(name: str) -> str:
    return f"{name}, {PATIENCE_PS[name] // 10**12} s" if name in PATIENCE_PS else name


def _pages(record: Record) -> Table:
    from rich.text import Text

    table = _grid(["", "pages", "share", "", ""], right=(1, 2, 3))
    resident = record.get("resident_pages")
    rates = part(record, "throughput_by_task")

    def add(what: str, pages: int | None, extra: str = "", why: str = "") -> None:
        table.add_row(Text(what), format_pages(pages), format_share(pages, resident), extra, why)

    add("resident", resident)
    add("of them locked", record.get("locked_pages"))
    for task, pages in part(record, "freed_pages").items():
        add(f"freed by {task}", pages, format_rate(rates[task]) if task in rates else "")
    for name, who in LEFT:
        for reason, pages in part(record, name).items():
            if pages:
                add(f"{who}: {reason_name(reason)}", pages, why=REASON[reason].because if reason in REASON else "")
    return table


def _blocking(record: Record) -> Table:
    """Causes downwards and tasks across, because tasks have the shorter names; causes nobody met are left out."""
    from rich.text import Text

    waits = {task: blocked_by_cause(record, task) or {} for task in part(record, "blocked_ps")}
    causes = dict.fromkeys(c for by_cause in waits.values() for c, ps in by_cause.items() if ps)
    table = _grid(["blocked by", *waits], right=range(1, len(waits) + 1))
    for cause in causes:
        table.add_row(Text(cause_name(cause)), *(format_time(by_cause.get(cause)) for by_cause in waits.values()))
    table.add_row("all causes", *(format_time(sum(by_cause.values())) for by_cause in waits.values()), style="bold")
    for name, what in (("busy_ps", "at work"), ("end_ps", "finished at")):
        if part(record, name):
            table.add_row(what, *(format_time(part(record, name).get(task)) for task in waits))
    return table


def _freed_at(record: Record) -> Table:
    table = _grid(["after", "freed", "share"], right=(0, 1, 2))
    samples = part(record, "freed_at")
    for time_ps, pages in zip(samples.get("time_ps") or [], samples.get("freed_pages") or [], strict=False):
        table.add_row(format_time(time_ps), format_pages(pages), format_share(pages, record.get("resident_pages")))
    return table


def _grid(headers: Sequence[str], right: Iterable[int] = ()) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD if any(headers) else None,
        show_header=any(headers),
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for i, header in enumerate(headers):
        table.add_column(Text(header), justify="right" if i in set(right) else "left")
    return table
