"""What the checker said of a design, as a record carries it: scope -> "safe", "stalls S1", "fails I5"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbench.records.schema import Fields, MapOf, Text

FORMAT = "mmbench-verdicts 1"
VERDICTS = Fields({"format": Text((FORMAT,)), "verdicts": MapOf(MapOf(Text()))}, {"designs": MapOf(Text())})
SAFE = "safe"
UNSAFE = "fails"  # "stalls" shows in a run as a give-up
WORLD = "default"  # the scope that is the world of a run; another one says something of another world


def convicted(record: Mapping[str, Any]) -> list[str]:
    """The rules that the checker has seen the record's design break in the world of a run; empty where it has not."""
    verdict, *rules = str((record.get("checker") or {}).get(WORLD, "")).split() or [""]
    return (rules or [verdict]) if verdict == UNSAFE else []
