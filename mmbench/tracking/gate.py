"""The exact gate: a deterministic value that moved since the last published results is named in CHANGELOG, or fails.

A line of CHANGELOG explains a move when it names the series and the commit that the published results are of: an old
line does not excuse a new move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmbench.tracking.purpose import items
from mmbench.tracking.series import HASH_LENGTH, Key, Measured

MOST_SHOWN = 6  # moved values of one series in a message


@dataclass(frozen=True)
class Move:
    """A deterministic value that is not what was published."""

    key: Key
    was: float
    now: float

    def __str__(self) -> str:
        return f"{', '.join(self.key.params)}: {self.was:.12g} -> {self.now:.12g}"


def moves(now: Mapping[Key, tuple[float, str]], published: Measured) -> list[Move]:
    """Values that moved. now: key -> (number, version of its benchmark).

    A value that is new, or whose benchmark has another version, has nothing to have moved from.
    """
    found = []
    for key, (number, version) in now.items():
        was = published.values.get(key)
        if not key.is_exact or was is None or was.number is None or was.version != version:
            continue
        if was.number != number:
            found.append(Move(key, was.number, number))
    return found


def unexplained(found: list[Move], changelog: str, commit: str) -> list[Move]:
    """Moves since `commit` that no item of the change log names."""
    short = commit[: HASH_LENGTH - 1]
    named = {name for item in items(changelog) if item.commit.startswith(short) for name in item.series}
    return [move for move in found if move.key.series not in named]


def complaint(found: list[Move], commit: str) -> str:
    """Say which series moved, from what to what, and what to do."""
    by_series: dict[str, list[Move]] = {}
    for move in found:
        by_series.setdefault(move.key.series, []).append(move)
    lines = [f"{len(by_series)} deterministic series moved since {commit[:HASH_LENGTH]} and CHANGELOG does not say so:"]
    for series, moved in by_series.items():
        lines.append(f"  {series} ({len(moved)} values)")
        lines += [f"    {move}" for move in moved[:MOST_SHOWN]]
        if len(moved) > MOST_SHOWN:
            lines.append(f"    and {len(moved) - MOST_SHOWN} more")
    names = ", ".join(f"`{series}`" for series in by_series)
    lines.append(f"If that is meant, say why in CHANGELOG.md: - ... Moved since `{commit[:HASH_LENGTH]}`: {names}.")
    return "\n".join(lines)
