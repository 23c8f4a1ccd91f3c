"""A schedule of the checker, forced in a booted kernel, in words: the turns that it took, and what it did then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Entry = Mapping[str, Any]
NOTHING_BROKE = "no oops, no bad page, every counter back"
FRAMES = 3  # of a stack: the function that sleeps and who called it


class Came(NamedTuple):
    """One thing that can come of a forced schedule: what one schedule does, and what several do."""

    one: str
    many: str


BROKEN = Came("breaks the kernel", "break the kernel")
OVERLAP = Came("walks page tables that exit frees", "walk page tables that exit frees")
STALL = Came("stalls", "stall")
GAVE_UP = Came("makes the reaper give up", "make the reaper give up")
MLOCKED = Came("leaves pages mlocked", "leave pages mlocked")
COUNTERS = Came("leaves a counter off", "leave a counter off")
ASTRAY = Came("is not taken as it says", "are not taken as they say")


def taken(entry: Entry) -> int:
    """How many of its turns went as the schedule says."""
    return sum(found["reached"] for found in entry.get("turns_seen", ()))


def slept_in(entry: Entry) -> list[str]:
    """The functions that exit slept in, the innermost first, in its first turn that ended so; [] when it never did."""
    turns = zip(entry.get("turns", ()), entry.get("turns_seen", ()), strict=False)
    stacks = (found["sleeps_in"] for turn, found in turns if turn["role"] == "exit")
    return next((stack[:FRAMES] for stack in stacks if stack), [])


def all_came(entry: Entry, overlaps: bool = False) -> list[Came]:
    """Everything that went wrong in the kernel or with the forcing; [] for a schedule taken whole under which nothing
    broke.

    entry: an experiment of kind "schedule"; overlaps: a reap pass ran while exit freed page tables, by the log
    """
    if "error" in entry:
        return [BROKEN]
    gave_up = entry["reaper_said"] == "unable"
    seen = {
        OVERLAP: overlaps,
        STALL: gave_up and bool(slept_in(entry)),
        GAVE_UP: gave_up and not slept_in(entry),
        MLOCKED: bool(entry.get("nr_mlock_shared")),
        COUNTERS: bool(entry.get("nr_mlock_left")) or any(entry.get("tables_left", ())),
        ASTRAY: taken(entry) < len(entry["turns"]),
    }
    return [came for came, is_so in seen.items() if is_so]


def came_of(entry: Entry, overlaps: bool = False) -> str:
    """What a kernel did under a forced schedule: the stall, pages that stay mlocked, or nothing.

    entry, overlaps: as in `all_came`
    """
    if "error" in entry:
        return str(entry["error"])
    words = {
        OVERLAP: "unsafe: a reap pass ran while exit freed page tables",
        STALL: "stalls: exit sleeps, and the reaper gave up",
        GAVE_UP: "the reaper gave up",
        MLOCKED: f"{entry.get('nr_mlock_shared', 0):,} pages that a child maps, too, stay mlocked",
        COUNTERS: counters_off(entry),
    }
    return "; ".join(words[came] for came in all_came(entry, overlaps) if came in words) or NOTHING_BROKE


def counters_off(entry: Entry) -> str:
    """What the counters of mlocked pages and of page tables kept when the victim was gone."""
    mlocked, tables = entry.get("nr_mlock_left", 0), sum(map(abs, entry.get("tables_left", ())))
    return f"counters off: {mlocked:,} mlocked pages, {tables:,} page tables"
