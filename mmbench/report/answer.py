"""The answer of a comparison in a few lines: who is soonest, who blocks least, and who does not compete at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmbench.report.outcome import Place, flaw_words, is_tie, ranking
from mmbench.report.reading import Record, blocked_ps, moment
from mmbench.report.units import format_time

MOST_NAMES = 3


def answer(records: Sequence[Record]) -> list[str]:
    """Return the answer in a few lines.

    Only runs without a flaw compete, and ties are named together (see report.outcome)."""
    if len(records) < 2:
        return []
    places = ranking(records)
    competing = [place for place in places if not place.flaws and place.all_ps is not None]
    lines = [
        _least("soonest, all freed", competing, lambda place: place.all_ps),
        _least("blocked least", competing, lambda place: blocked_ps(records[place.row])),
    ]
    reasons: dict[str, list[str]] = {}
    for place in places:
        if place.flaws:
            reasons.setdefault(flaw_words(records[place.row]), []).append(place.name)
        elif place.all_ps is None:
            reasons.setdefault("no time to all", []).append(place.name)
    out = [f"{named(names, len(places))} ({why})" for why, names in reasons.items()]
    return [line for line in lines if line] + [f"not ranked: {'; '.join(out)}"] * bool(out)


def why_out(record: Record) -> str:
    """Return why a run does not compete; "" for one that does."""
    if words := flaw_words(record):
        return words
    return "" if moment(record, "all") is not None else "no time to all"


def _least(what: str, places: Sequence[Place], measure: Callable[[Place], int | None]) -> str:
    found = [(value, place.name) for place in places if (value := measure(place)) is not None]
    if not found:
        return ""
    least = min(value for value, _ in found)
    best = [name for value, name in sorted(found, key=lambda pair: pair[0]) if is_tie(value, least)]
    return f"{what}: {named(best, len(found))} ({format_time(least)})"


def named(names: Sequence[str], n_all: int) -> str:
    """Return names in a row, the first few of many; "all 3 alike" when it is all there are."""
    if len(names) == n_all > 1:
        return f"all {len(names)} alike"
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
