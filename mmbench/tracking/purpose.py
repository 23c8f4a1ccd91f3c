"""Moves that were meant: an item of CHANGELOG that names a series and the commit it moved since explains one step.

"Moved since `4387c505`: `freed.Freed.track_freed_pages`" stands for the first step of the history after 4387c505 in
which that series moved, and for no later one. A change between two commits was meant when every step of it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from mmbench.tracking.change import BETTER, MEANT, WORSE, Change
from mmbench.tracking.series import HASH_LENGTH, Key, Measured

SINCE = re.compile(r"\bmoved since `([0-9a-f]{7,40})`", re.IGNORECASE)
NAMED = re.compile(r"[\w.]+\.track_\w+")


@dataclass(frozen=True)
class Item:
    """What an item of CHANGELOG says of one move: the commit it moved since, the series, and why."""

    commit: str
    series: frozenset[str]
    why: str


Reasons = Mapping[tuple[int, str], Sequence[Item]]


def items(changelog: str) -> list[Item]:
    """Every item that names a commit and series."""
    found = []
    for text in re.split(r"\n(?=[-#])", changelog):
        begins = list(SINCE.finditer(text))
        for begin, after in zip_longest(begins, begins[1:]):
            series = frozenset(NAMED.findall(text[begin.end() : after.start() if after else len(text)]))
            found.append(Item(begin[1], series, reason(text[: begins[0].start()])))
    return found


def reason(before: str) -> str:
    """The sentences of an item that stand before "moved since", without the one that it ends."""
    words = " ".join(before.split()).removeprefix("- ")
    whole, dot, _ = words.rpartition(". ")
    return f"{whole}." if dot and not words.endswith(".") else words


def steps_of(key: Key, history: Sequence[Measured]) -> list[tuple[int, int]]:
    """Where a deterministic value moved: (place before, place after) in the history; gaps are stepped over."""
    found, before = [], None
    for place, measured in enumerate(history):
        value = measured.values.get(key)
        if value is None or value.number is None:
            continue
        if before is not None and before[1].version == value.version and before[1].number != value.number:
            found.append((before[0], place))
        before = (place, value)
    return found


def explained(history: Sequence[Measured], found: Sequence[Item]) -> Reasons:
    """(place, series) -> the items that explain why the series moved there. history: oldest commit first."""
    moved: dict[str, set[int]] = {}
    for key in {key for measured in history for key in measured.values if key.is_exact}:
        moved.setdefault(key.series, set()).update(after for _, after in steps_of(key, history))
    reasons: dict[tuple[int, str], list[Item]] = {}
    for item in found:
        since = place_of(history, item.commit)
        for series in item.series if since is not None else ():
            after = min((place for place in moved.get(series, ()) if place > (since or 0)), default=None)
            if after is not None:
                reasons.setdefault((after, series), []).append(item)
    return reasons


def place_of(history: Sequence[Measured], commit: str) -> int | None:
    """Where a commit stands in the history; None when it was never measured."""
    short = commit[: HASH_LENGTH - 1]
    return next((n for n, measured in enumerate(history) if measured.commit.startswith(short)), None)


def acknowledged(
    found: Sequence[Change], history: Sequence[Measured], reasons: Reasons, a: str, b: str
) -> list[Change]:
    """The changes from commit `a` to `b`, those that were meant marked so, with the words of CHANGELOG."""
    places = place_of(history, a), place_of(history, b)
    if places[0] is None or places[1] is None:
        return list(found)
    first, last = sorted(place for place in places if place is not None)
    return [with_reasons(change, history, reasons, first, last) for change in found]


def with_reasons(change: Change, history: Sequence[Measured], reasons: Reasons, first: int, last: int) -> Change:
    """One change, meant when each step of its value between two places of the history was."""
    if change.verdict not in (BETTER, WORSE) or not change.key.is_exact:
        return change
    steps = [step for step in steps_of(change.key, history[: last + 1]) if step[1] > first]
    whys = []
    for before, after in steps:
        items_there = [i for place in range(before + 1, after + 1) for i in reasons.get((place, change.key.series), ())]
        if not items_there:
            return change
        whys += [item.why for item in items_there]
    return replace(change, verdict=MEANT, why=tuple(dict.fromkeys(whys))) if whys else change
