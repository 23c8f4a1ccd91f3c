"""Every pair of measured commits, judged here once: the page of changes only shows what stands in this data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench.tracking.change import (
    BETTER,
    ELSEWHERE,
    FAILED,
    FASTER,
    MEANT,
    NEITHER,
    NOISE,
    ONCE,
    ONLY_A,
    ONLY_B,
    REDEFINED,
    SAME,
    SLOWER,
    WORSE,
    Change,
)
from mmbench.tracking.headline import headline
from mmbench.tracking.past import Past, judged
from mmbench.tracking.repository import git
from mmbench.tracking.series import HASH_LENGTH, Key, Measured, paired
from mmbench.tracking.tables import number

Data = dict[str, Any]
# In the order of the page, the bad news first; in the data a verdict is the letter of its place.
COMPARED = (WORSE, FAILED, BETTER, MEANT, SLOWER, FASTER, NOISE, ONCE)
VERDICTS = (*COMPARED, REDEFINED, ONLY_B, ONLY_A, ELSEWHERE, NEITHER, SAME)
LETTERS = {name: chr(ord("a") + place) for place, name in enumerate(VERDICTS)}


def change_data(root: Path, found: Past) -> Data:
    """All that the page shows, as JSON: commits, series, numbers, and a verdict on each ordered pair of commits.

    ``commits``: hash, date, subject; ``keys``: series, parameters, unit, whether higher is better, whether exact;
    ``files``: per result file its commit's place and per key [number, text, spread] or null; ``line``: per key its
    number in each commit; ``whys``: sentences; ``pairs``: "A-B" (places) -> kind, says, files, a letter per key
    (``verdicts`` names them), and per key the whys of a move that was meant.
    """
    keys = sorted({key for one in found.history for key in one.values}, key=lambda key: (key.series, key.params))
    files = [one for group in found.commits for one in group]
    whys: list[str] = []
    numbered = range(len(found.history))
    pairs = {f"{a}-{b}": pair(found, a, b, keys, files, whys) for a in numbered for b in numbered if a != b}
    return {
        "commits": [described(root, one.commit) for one in found.history],
        "keys": [key_row(key, found.units) for key in keys],
        "files": [[value_cell(one, key, found.units) for key in keys] for one in files],
        "line": [[number_in(one, key) for one in found.history] for key in keys],
        "whys": whys,
        "verdicts": VERDICTS,
        "pairs": pairs,
    }


def pair(found: Past, a: int, b: int, keys: Sequence[Key], files: Sequence[Measured], whys: list[str]) -> Data:
    """The verdict on two commits; `whys` grows by the sentences that it needs."""
    first, second = paired(found.commits[a], found.commits[b])
    assert first is not None and second is not None
    seen = judged(found, first, second)
    by_key = {change.key: change for change in seen}
    told = headline(seen)
    letters = "".join(LETTERS[by_key[key].verdict] if key in by_key else " " for key in keys)
    reasons = {str(n): numbers_of(by_key[key], whys) for n, key in enumerate(keys) if key in by_key and by_key[key].why}
    which = [next(n for n, one in enumerate(files) if one is side) for side in (first, second)]
    return {"kind": told.kind, "says": told.says, "files": which, "letters": letters, "why": reasons}


def numbers_of(change: Change, whys: list[str]) -> list[int]:
    """The places of a change's sentences in `whys`."""
    whys += [why for why in change.why if why not in whys]
    return [whys.index(why) for why in change.why]


def described(root: Path, commit: str) -> Data:
    """A commit as a person names it."""
    date, _, subject = git(root, "log", "-1", "--format=%cs\x1f%s", commit).partition("\x1f")
    return {"hash": commit, "short": commit[:HASH_LENGTH], "date": date, "subject": subject}


def key_row(key: Key, unit: Mapping[str, str]) -> Data:
    """What a value is, and which way is better."""
    return {
        "name": key.function,
        "series": key.series,
        "params": ", ".join(key.params),
        "unit": unit.get(key.series, ""),
        "up": key.higher_is_better,
        "exact": key.is_exact,
    }


def value_cell(one: Measured, key: Key, unit: Mapping[str, str]) -> list[Any] | None:
    """Number, text and noise of one value; None where it was not measured."""
    value = one.values.get(key)
    if value is None:
        return None
    noise = "" if value.spread is None else f"{100 * value.spread:.1f} %"
    return [value.number, number(value.number, unit.get(key.series, "")), noise]


def number_in(one: Measured, key: Key) -> float | None:
    """A value's number, None where there is none."""
    value = one.values.get(key)
    return None if value is None else value.number
