"""Outcome before speed: what became of a teardown is its class, and only inside a class is anything faster.

A design that gave up, killed another process, is unsafe or left memory behind is never best at anything, however
small its numbers are: a reaper that gives up is blocked for a second and then never again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmbench.records.verdicts import convicted
from mmbench.report.reading import Record, is_unsafe, labels, moment, part

SHARED = "mapped_elsewhere"  # pages that another process maps too are nobody's to free


TIE = 0.005  # of the longer time: no price behind a time is known better


def is_tie(a_ps: int, b_ps: int) -> bool:
    """Whether two times are one to a reader: nobody is best or worst by a hair."""
    return abs(a_ps - b_ps) <= TIE * max(a_ps, b_ps)


class Flaw(NamedTuple):
    """One way in which a teardown went wrong: key, words for a sentence, one for a narrow column."""

    key: str
    words: str
    mark: str


# From bad to worse.
LEFT = Flaw("left", "left memory behind", "left")
GAVE_UP = Flaw("gave-up", "gave up", "gave up")
KILLED = Flaw("killed", "killed another process", "killed")
HUNG = Flaw("hung", "never ended", "hung")
UNSAFE = Flaw("unsafe", "unsafe", "unsafe")
FLAWS = (LEFT, GAVE_UP, KILLED, HUNG, UNSAFE)


def flaws(record: Record) -> tuple[Flaw, ...]:
    """Return what is wrong with a run, or by the checker with its design, the worst first; empty where it competes."""
    outcome = record.get("outcome")
    found = {
        LEFT: any(n for why, n in part(record, "left_pages").items() if why != SHARED),
        GAVE_UP: outcome == "gave-up",
        KILLED: bool(record.get("collateral_kills")),
        HUNG: outcome == "hung",
        UNSAFE: is_unsafe(record) or bool(convicted(record)),
    }
    return tuple(flaw for flaw in reversed(FLAWS) if found[flaw])


def flaw_words(record: Record) -> str:
    """Return the flaws as "gave up, killed another process"; "" for none.

    Unsafe names the invariants that the run broke: "unsafe I5", or the checker's: "unsafe by check I5".
    """
    words = []
    for flaw in sorted(flaws(record), key=FLAWS.index):
        words.append(flaw.words)
        if flaw is UNSAFE:
            words[-1] += "".join(f" {name}" for name in _broken(record))
    return ", ".join(words)


def _broken(record: Record) -> list[str]:
    by_check = ["by check", *convicted(record)] if convicted(record) else []
    return [str(name) for name in record.get("violations") or ()] or by_check


class Place(NamedTuple):
    """One run's place in a ranking: its row in the records, its name, its flaws, its time to all freed."""

    row: int
    name: str
    flaws: tuple[Flaw, ...]
    all_ps: int | None


def ranking(records: Sequence[Record]) -> list[Place]:
    """Return all runs: those without a flaw, then by how bad their worst flaw is; inside a class the soonest first.

    Equal runs keep the order of the records.
    """
    places = [
        Place(i, name, flaws(record), moment(record, "all"))
        for i, (name, record) in enumerate(zip(labels(records), records, strict=True))
    ]
    never = 1 << 62
    return sorted(
        places,
        key=lambda p: (FLAWS.index(p.flaws[0]) + 1 if p.flaws else 0, never if p.all_ps is None else p.all_ps),
    )
