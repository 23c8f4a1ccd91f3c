"""The kills of a log for people: a summary, a table, and what could not be read."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from mmbench.records.kill_types import KillRecord, LoggedKill
from mmbench.records.types import PredictedReap
from mmbench.report.units import NOTHING, format_count, format_pages_size, format_time

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

MAX_ROWS = 40
DAY_S = 86_400
PS_PER_US = 1_000_000
NAME_WIDTH = 24
ALWAYS = ("", "after first", "killed by", "victim")
LEAST_WANTED = ("adj", "kernel", "shmem", "file", "anon", "mlocked up to")  # all in the record
GAP = 2


def kills_view(
    record: KillRecord,
    examples: list[tuple[int, str]],
    target: str,
    predictions: list[PredictedReap] | None,
    width: int = 120,
) -> Group:
    """Summary, table of kills, notes and examples of unread lines."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(summary(record), style="bold"), Text(""), _table(record, width)]
    hidden = len(record["kills"]) - MAX_ROWS
    if hidden > 0:
        parts.append(Text(f"... and {hidden:,} more in {target}"))
    if predictions is not None:
        parts += [Text(""), _model_table(record, predictions), *map(Text, _assumed(predictions))]
    parts += [Text(""), *(Text(note) for note in record["notes"])]
    if record["n_repeated"]:
        parts.append(Text(f"{record['n_repeated']:,} kills were in the log twice and are counted once."))
    if record["n_reaps_without_kill"]:
        parts.append(Text(f"{_reaps(record['n_reaps_without_kill'])} no kill in the log before them; left out."))
    if record["n_unread"]:
        n = record["n_unread"]
        which = "1 line looks like an OOM line" if n == 1 else f"{n:,} lines look like OOM lines"
        parts.append(Text(f"{which} and could not be read:", style="yellow"))
        parts += [Text(f"  line {number}: {text}") for number, text in examples]
    return Group(*parts)


def _reaps(n: int) -> str:
    return "1 reap has" if n == 1 else f"{n:,} reaps have"


def summary(record: KillRecord) -> str:
    """How many kills over which time by whom, and how many reaps were seen."""
    kills = record["kills"]
    by = ", ".join(f"{n:,} {name}" for name, n in Counter(kill["by"] for kill in kills).most_common())
    words = [f"{len(kills):,} kill{'s' if len(kills) > 1 else ''} ({by}){_pace(kills)}"]
    outcomes = Counter(kill["reap"]["outcome"] for kill in kills if kill["reap"])
    reaped = f"{outcomes['reaped']:,} seen reaped{_spread(kills)}"
    words.append(f"{reaped}, {outcomes['gave-up']:,} given up by the reaper")
    words += [f"{n:,} {name}" for name, n in outcomes.items() if name not in ("reaped", "gave-up")]
    left = sum(left_pages(kill) or 0 for kill in kills)
    return "; ".join([*words, f"{format_pages_size(left)} left by reaps"] if left else words)


def _spread(kills: list[LoggedKill]) -> str:
    """Median and longest time to a reap; a clock of whole seconds says no more than "under 1 s"."""
    timed = [
        (reap["after_us"], kill["step_us"] or 1)
        for kill in kills
        if (reap := kill["reap"]) and reap["outcome"] == "reaped" and reap["after_us"] is not None
    ]
    if not timed:
        return ""
    times = [after_us for after_us, _ in timed]
    step_us = max(step for _, step in timed)
    if max(times) < step_us > 1:
        return f" (under {_step(step_us)} after the kill)"
    middle = int(median(times))
    said = f"under {_step(step_us)}" if middle < step_us > 1 else format_time(middle * PS_PER_US)
    return f" (median {said}, longest {format_time(max(times) * PS_PER_US)} after the kill)"


def _step(us: int) -> str:
    """A clock's step, which is exact: "1 s", "100 ms"."""
    return format_time(us * PS_PER_US).replace(".00", "")


def _pace(kills: list[LoggedKill]) -> str:
    spans = Counter[int]()
    for kill in kills:
        if kill["time_us"] is not None:
            spans[kill["stretch"]] = max(spans[kill["stretch"]], kill["time_us"])
    span_us, n_gaps = sum(spans.values()), sum(kill["time_us"] is not None for kill in kills) - len(spans)
    if not span_us or n_gaps < 1:
        return ""
    per_day = n_gaps * DAY_S * 1e6 / span_us
    return f" over {since(span_us)}, {per_day:,.3g} a day" if per_day < 1000 else f" over {since(span_us)}"


def since(us: int | None) -> str:
    """A time after the first kill: "0 s", "4.61 ms", "1:02:03", "12 d 1:02:03"."""
    if us is None:
        return NOTHING
    seconds = us // 1_000_000
    if seconds < 60:
        return format_time(us * PS_PER_US)
    days, rest = divmod(seconds, DAY_S)
    clock = f"{rest // 3600}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def left_pages(kill: LoggedKill) -> int | None:
    """Pages that the reaper's line still counts; None when there is no such line."""
    reap = kill["reap"]
    if reap is None or reap["left_anon_pages"] is None:
        return None
    return sum(n or 0 for n in (reap["left_anon_pages"], reap["left_file_pages"], reap["left_shmem_pages"]))


def after(kill: LoggedKill) -> str:
    """Time from the kill to the end of its reaping; "<1 s" when the log's clock has seconds only."""
    reap = kill["reap"]
    if reap is None or reap["after_us"] is None:
        return NOTHING
    step_us = kill["step_us"] or 1
    return f"<{_step(step_us)}" if reap["after_us"] < step_us > 1 else format_time(reap["after_us"] * PS_PER_US)


def ended(kill: LoggedKill) -> str:
    """How and when its reaping ended: the time alone means that it succeeded."""
    outcome = kill["reap"]["outcome"] if kill["reap"] else NOTHING
    return after(kill) if outcome == "reaped" else f"{outcome}, {after(kill)}"


def _cells(number: int, kill: LoggedKill) -> dict[str, str]:
    """A row of the table by its heads."""
    name, adj = kill["process"] or NOTHING, kill["oom_score_adj"]
    stretch = f"{kill['stretch']}/" if kill["stretch"] else ""
    return {
        "": str(number),
        "after first": stretch + since(kill["time_us"]),
        "killed by": kill["by"],
        "victim": name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 3] + "...",
        "resident": format_pages_size(kill["rss_pages"]),
        "anon": format_pages_size(kill["anon_pages"]),
        "file": format_pages_size(kill["file_pages"]),
        "shmem": format_pages_size(kill["shmem_pages"]),
        "mlocked up to": format_pages_size(kill["locked_at_most_pages"]),
        "adj": NOTHING if adj is None else format_count(adj),
        "kernel": kill["kernel"] or NOTHING,
        "reap": kill["reap"]["outcome"] if kill["reap"] else NOTHING,
        "after": after(kill),
        "left": format_pages_size(left_pages(kill)),
    }


def _table(record: KillRecord, width: int) -> Table:
    """The kills, without columns that say nothing, and without those of LEAST_WANTED that do not fit."""
    rows = [_cells(number, kill) for number, kill in enumerate(record["kills"][:MAX_ROWS], start=1)]
    heads = [head for head in rows[0] if head in ALWAYS or any(row[head] != NOTHING for row in rows)]
    for head in LEAST_WANTED:
        if sum(GAP + max(len(name), *(len(row[name]) for row in rows)) for name in heads) > width and head in heads:
            heads.remove(head)
    return _grid(heads, [[row[head] for head in heads] for row in rows], left=("killed by", "victim", "kernel", "reap"))


def _model_table(record: KillRecord, predictions: list[PredictedReap]) -> Table:
    rows = []
    for one in predictions[:MAX_ROWS]:
        kill = record["kills"][one["number"] - 1]
        model = [one["strategy"], format_time(one["after_ps"]), format_pages_size(one["left_pages"])]
        rows.append(
            [str(one["number"]), kill["process"] or NOTHING, ended(kill), format_pages_size(left_pages(kill)), *model]
        )
    heads = ["", "victim", "observed reap", "observed left", "strategy", "model reap", "model left"]
    return _grid(heads, rows, left=("victim", "strategy"))


def _assumed(predictions: list[PredictedReap]) -> list[str]:
    """What the model assumed where the log does not tell, in sentences."""
    unnamed = [one for one in predictions if one["is_assumed"]]
    said = []
    if unnamed:
        said.append(f"{unnamed[0]['strategy']} is assumed where the log names no kernel; lmkd calls process_mrelease.")
    if any(one["is_limited"] for one in predictions):
        said.append("Where a dump shows less mlocked than --locked says, the model locks what the dump shows.")
    return said


def _grid(heads: list[str], rows: list[list[str]], left: tuple[str, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(head, justify="left" if head in left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
