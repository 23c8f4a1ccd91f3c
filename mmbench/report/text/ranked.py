"""The first screen of a comparison: the answer in words, then one table of at most 80 columns, sorted by the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mmbench.records.meaning import GAVE_UP, TOO_EARLY, skip_meaning
from mmbench.records.verdicts import SAFE, WORLD
from mmbench.report.answer import answer, named
from mmbench.report.outcome import Place, is_tie, ranking
from mmbench.report.reading import (
    Record,
    blocked_by_cause,
    cause_name,
    heading,
    labels,
    largest,
    moment,
    part,
    reading_list,
    shortened,
)
from mmbench.report.text.extremes import extremes, replay_view
from mmbench.report.text.tables import detail_tables
from mmbench.report.units import NOTHING, format_share, format_time

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

BASELINE = "v6.18"
WIDEST = 80
MIN_NAME, MAX_NAME = 8, 24
GAP, LEAST_COLUMNS = 1, 3
HELPERS = ("reaper", "mrelease")


class Shown(NamedTuple):
    """A comparison as the table's cells need it: the baseline's time to all freed, and the competing extremes."""

    base_ps: int | None
    best_ps: int | None
    worst_ps: int | None


class Wanted(NamedTuple):
    """What a reader asked for: the strategy that ratios are of, rows in the order of history, more tables, tokens."""

    baseline: str = BASELINE
    history_order: bool = False
    detail: bool = False
    tokens: bool = False


AS_USUAL = Wanted()


def compare_view(records: Sequence[Record], width: int, wanted: Wanted = AS_USUAL) -> Group:
    """Return the comparison as a rich renderable: title, answer, ranked table; on request all columns and tokens.

    Rows that do not compete (see report.outcome) stand below the others, with what went wrong. Raises InputError
    without records.
    """
    from rich.console import Group
    from rich.text import Text

    records = reading_list(records)
    places = ranking(records)
    parts: list[RenderableType] = [
        Text(heading(records), style="bold"),
        *map(Text, answer(records)),
    ]
    shown = shown_of(records, places, wanted.baseline)
    if wanted.history_order:
        places = sorted(places, key=lambda place: place.row)
    parts.append(_table(records, places, shown, wanted.baseline, min(width, WIDEST)))
    parts += [Text(line) for line in checked_lines(records)]
    parts += [Text(line, style="dim") for line in notes(records, wanted)]
    parts += [detail_tables(records, width)] if wanted.detail else []
    return Group(*parts, *(replay_view(extremes(records)) if wanted.tokens else ()))


def shown_of(records: Sequence[Record], places: Sequence[Place], baseline: str) -> Shown:
    """The times that rows are held against; the baseline may be one that does not compete."""
    base = next((moment(r, "all") for r in records if r["strategy"] == baseline), None)
    times = [place.all_ps for place in places if not place.flaws and place.all_ps is not None]
    return Shown(base, min(times, default=None), max(times, default=None))


def ratio_text(all_ps: int | None, base_ps: int | None) -> str:
    """A time over the baseline's as "1.04x"."""
    return NOTHING if all_ps is None or not base_ps else f"{all_ps / base_ps:.2f}x"


def mark(place: Place, shown: Shown) -> str:
    """What a reader should know of a row: its worst flaw, or that it is the best or worst of those that compete."""
    if place.flaws:
        return place.flaws[0].mark
    if place.all_ps is None or shown.best_ps is None or shown.worst_ps is None or is_tie(shown.best_ps, shown.worst_ps):
        return ""
    return "best" if is_tie(place.all_ps, shown.best_ps) else "worst" if is_tie(place.all_ps, shown.worst_ps) else ""


def _blocked(record: Record, tasks: Sequence[str]) -> str:
    found = [causes for task in tasks if (causes := blocked_by_cause(record, task)) is not None]
    return format_time(sum(sum(causes.values()) for causes in found)) if found else NOTHING


def _most_blocking(record: Record) -> str:
    causes: dict[str, int] = {}
    for task in ("exit", *HELPERS):
        for cause, ps in (blocked_by_cause(record, task) or {}).items():
            causes[cause] = causes.get(cause, 0) + ps
    most = largest(causes)
    return cause_name(most) if most else ""


def _freed_by_helpers(record: Record) -> str:
    freed = part(record, "freed_pages")
    return format_share(sum(freed.get(task) or 0 for task in HELPERS), record.get("resident_pages"))


def _skip(record: Record) -> str:
    meaning = skip_meaning(record)
    time = format_time(moment(record, "oom_skip"))
    return time if meaning in (None, "memory back") else f"{time}!"


COLUMNS: tuple[tuple[str, Callable[[Record], str]], ...] = (
    ("MMF_OOM\n_SKIP", _skip),
    ("exit\nblocked", lambda record: _blocked(record, ("exit",))),
    ("helper\nblocked", lambda record: _blocked(record, HELPERS)),
    ("freed by\nhelper", _freed_by_helpers),
)


def _table(records: Sequence[Record], places: Sequence[Place], shown: Shown, baseline: str, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    rows = []
    for place in places:
        record = records[place.row]
        numbers = [format_time(place.all_ps), ratio_text(place.all_ps, shown.base_ps)]
        rows.append((place, [*numbers, *(cell(record) for _, cell in COLUMNS)], mark(place, shown)))
    headers = ["all\nfreed", f"against\n{shortened(baseline, 10)}", *(header for header, _ in COLUMNS)]
    kept = [k for k in range(len(headers)) if any(cells[k] != NOTHING for _, cells, _ in rows)]
    need = {k: GAP + max(*map(len, headers[k].split("\n")), *(len(cells[k]) for _, cells, _ in rows)) for k in kept}
    room = width - GAP - max(len(words) for _, _, words in rows)
    longest = min(MAX_NAME, max(len(place.name) for place in places))
    while len(kept) > LEAST_COLUMNS and room - sum(need[k] for k in kept) < longest:
        kept.pop()
    room = max(MIN_NAME, room - sum(need[k] for k in kept))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold underline")
    table.add_column("\nstrategy", no_wrap=True)
    for k in kept:
        table.add_column(headers[k], justify="right", no_wrap=True, min_width=need[k])
    table.add_column("", no_wrap=True)
    for place, cells, words in rows:
        style = "bold red" if place.flaws else "green" if words == "best" else ""
        name = Text(shortened(place.name, min(MAX_NAME, room)), style="bold")
        table.add_row(
            name,
            *(Text(cells[k], style="dim" if place.flaws else "") for k in kept),
            Text(" " * GAP + words, style=style),
        )
    return table


def checked_lines(records: Sequence[Record]) -> list[str]:
    """What the checker says of the designs, the worst first; and of whom it was not asked, with the command to ask.

    A line more where a design that is safe in the world of a run is not in another scope.
    """
    found: dict[str, list[str]] = {}
    elsewhere: dict[tuple[str, str], list[str]] = {}
    for name, record in zip(labels(records), records, strict=True):
        said = {str(scope): str(verdict) for scope, verdict in part(record, "checker").items()}
        found.setdefault(said.get(WORLD, ""), []).append(name)
        if said.get(WORLD) == SAFE:
            for scope, verdict in said.items():
                if scope != WORLD:
                    elsewhere.setdefault((verdict, scope), []).append(name)
    unknown, safe = found.pop("", []), found.pop(SAFE, [])
    parts = [f"{named(names, len(records))} {said_of(names, said)}" for said, names in sorted(found.items())]
    parts += [f"{safe[0] if len(safe) == 1 else len(safe)} safe"] if safe else []
    lines = [f"check: {'; '.join(parts)}"] if parts else []
    for (verdict, scope), names in elsewhere.items():
        lines += [f"check, scope {scope}: {named(names, len(records) + 1)} {said_of(names, verdict)}"]
    asked = next((str(r.get("file") or r["strategy"]) for r in records if WORLD not in part(r, "checker")), "")
    return lines + [f"not checked: {named(unknown, len(records))}; mmbench check {asked}"] * bool(unknown)


def said_of(names: Sequence[str], verdict: str) -> str:
    """A verdict as the end of a sentence on one design or several: "fails (I5)", "stall (S1)"."""
    what, _, rules = verdict.partition(" ")
    return f"{what if len(names) == 1 else what.removesuffix('s')} ({rules})"


def notes(records: Sequence[Record], wanted: Wanted) -> list[str]:
    """What a reader of the table may ask: the mark behind MMF_OOM_SKIP, and where everything else is."""
    early = any(skip_meaning(record) in (GAVE_UP, TOO_EARLY) for record in records)
    more = [words for words, given in (("--detail", wanted.detail), ("--tokens", wanted.tokens)) if not given]
    told = ["!: gave up or too early"] * early + ["helper: reaper or mrelease"]
    return ["; ".join(told + [f"more: {', '.join(more)}"] * bool(more))]
