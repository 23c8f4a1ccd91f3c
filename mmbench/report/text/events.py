"""A run's events for a terminal: holds, waits and work of every task in the order of time, and the kernel's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.report.outcome import flaw_words, flaws
from mmbench.report.reading import Record, heading
from mmbench.report.story.chrome import title
from mmbench.report.story.spans import HOLD, SLEEP, STEP, WAIT, WORK, story
from mmbench.report.text.detail import token_lines
from mmbench.report.units import NOTHING, format_count, format_pages_size, format_time

if TYPE_CHECKING:
    from rich.console import Group

Row = dict[str, Any]  # one event, as a program reads it: what its kind has
WORDS = {HOLD: "holds", WAIT: "waits", WORK: "works", SLEEP: "sleeps"}


def event_rows(record: Record) -> list[Row]:
    """Return holds, waits, phases of work, sleeps and moments in the order of time, with exact picoseconds.

    Parts of a walk and steps that only look at a flag are left out; the Chrome trace has them.
    """
    s = story(record)
    rows: list[Row] = []
    for x in s.spans:
        if x.kind != STEP and "vmas" not in x.args and "spread" not in x.args:
            what = title(x).removeprefix("waits: ")
            rows.append({"at_ps": x.start_ps, "end_ps": x.end_ps, "task": x.task, "kind": x.kind, "what": what,
                         "times": x.n, "total_ps": x.total_ps, **x.args})  # fmt: skip
    for m in s.moments:
        rows.append({"at_ps": m.at_ps, "end_ps": m.at_ps, "task": m.task, "kind": "event", "what": m.name, **m.args})
    return sorted(rows, key=lambda row: (row["at_ps"], -row["end_ps"]))


def event_view(record: Record, *, tokens: bool = True) -> Group:
    """Return the events as a table, with the token of the run below it on request."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for header, justify in (("from", "right"), ("to", "right"), ("task", "left"), ("", "left"), ("what", "left"),
                            ("in all", "right"), ("freed", "right")):  # fmt: skip
        table.add_column(header, justify=justify, no_wrap=header != "what", overflow="fold")  # type: ignore[arg-type]
    for row in event_rows(record):
        is_event = row["kind"] == "event"
        pages = row.get("freed_pages")
        table.add_row(
            signed_time(row["at_ps"]),
            "" if is_event else "never" if row.get("ended") else signed_time(row["end_ps"]),
            row["task"],
            WORDS.get(row["kind"], ""),
            Text(row["what"] + _details(row), style="dim" if is_event else ""),
            "" if is_event else format_time(row["total_ps"]),
            format_pages_size(pages) if pages else "",
        )
    wrong = [Text(flaw_words(record), style="bold red")] if flaws(record) else []
    title_line = Text(f"{record['strategy']} | {heading([record])}", style="bold")
    parts: list[Any] = [title_line, *wrong, Text(""), table]
    if record.get("timeline_dropped"):
        parts.append(Text(f"{format_count(record['timeline_dropped'])} events found no room in the log."))
    return Group(*parts, *token_lines(record, tokens=tokens))


def signed_time(time_ps: int | None) -> str:
    """Return a time after the kill; one before it with a minus."""
    if time_ps is None:
        return NOTHING
    return f"-{format_time(-time_ps)}" if time_ps < 0 else format_time(time_ps)


def _details(row: Row) -> str:
    words = []
    if "write" in row:
        words.append("write" if row["write"] else "read")
    if row.get("success") is False:
        words.append("failed")
    if "attempts" in row:
        words.append(f"{format_count(row['attempts'])} attempts, first and last shown")
    if "victim" in row:
        words.append(str(row["victim"]))
    return f" ({', '.join(words)})" if words else ""
