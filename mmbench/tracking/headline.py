"""The one line of a comparison: worse, better, moved on purpose, or nothing; and how much of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mmbench.tracking.change import (
    BETTER,
    ELSEWHERE,
    FAILED,
    FASTER,
    MEANT,
    NOISE,
    ONCE,
    ONLY_A,
    ONLY_B,
    REDEFINED,
    SAME,
    SLOWER,
    WORSE,
    Change,
    n_measured,
)

NOTHING, NONE_IN_BOTH = "nothing", "not compared"
SIGNS = {WORSE: "\u25bc", BETTER: "\u25b2", MEANT: "\u25c6", NOTHING: "=", NONE_IN_BOTH: "?"}
OTHERS = {FASTER: "faster start-up", SLOWER: "slower start-up", ONLY_B: "new", ONLY_A: "gone", REDEFINED: "redefined"}


class Headline(NamedTuple):
    """kind: WORSE, BETTER, MEANT, NOTHING or NONE_IN_BOTH; says: the sentence."""

    kind: str
    says: str


def headline(found: Sequence[Change]) -> Headline:
    """Judge a comparison: what is worse comes first, a move that CHANGELOG names alarms nobody."""
    count = Counter(change.verdict for change in found)
    if not n_measured(list(found)):
        return Headline(NONE_IN_BOTH, "No value was measured in both.")
    parts = [f"{values(n)} {what}" for what in (WORSE, FAILED, BETTER) if (n := count[what])]
    if count[MEANT]:
        parts.append(f"{values(count[MEANT])} moved on purpose, as CHANGELOG says")
    rest = [f"{count[SAME]} the same to the last bit"] if count[SAME] else []
    if count[NOISE]:
        rest.append(f"{count[NOISE]} timing{'s' * (count[NOISE] != 1)} within noise")
    if count[ONCE]:
        rest.append(f"{count[ONCE]} timing{'s' * (count[ONCE] != 1)} not judged, run once")
    rest += [f"{count[what]} {words}" for what, words in OTHERS.items() if count[what]]
    if count[ELSEWHERE]:
        rest.append(f"{count[ELSEWHERE]} timed on another machine")
    kind = WORSE if count[WORSE] + count[FAILED] else BETTER if count[BETTER] else MEANT if count[MEANT] else NOTHING
    said = "; ".join(parts) or "Nothing moved"
    return Headline(kind, f"{said[0].upper()}{said[1:]}. Also: {', '.join(rest)}." if rest else f"{said}.")


def values(n: int) -> str:
    """A number of values."""
    return f"{n} value{'s' * (n != 1)}"
