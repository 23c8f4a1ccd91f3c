"""What MMF_OOM_SKIP said in a run: one reading, for who shows the run and for who counts many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BACK, GAVE_UP, TOO_EARLY = "memory back", "gave up", "too early"
GATHER_PS = 10**10  # 10 ms: the 10,000 pages that a gather holds at most are free by then


def skip_meaning(record: Mapping[str, Any]) -> str | None:
    """Return what MMF_OOM_SKIP said when it was set: BACK, GAVE_UP or TOO_EARLY; None if it never was.

    Memory is back when nine tenths of what the run freed are free by then: the flag tells the OOM killer that waiting
    for this victim is pointless, which before that is not true. What a gather holds comes back within GATHER_PS after
    the flag (v6.1 on), which is no lie.
    """
    when = record.get("time_ps") or {}
    skip, p90 = when.get("oom_skip"), when.get("p90")
    if skip is None:
        return None
    if record.get("outcome") == "gave-up":
        return GAVE_UP
    return BACK if p90 is not None and p90 <= skip + GATHER_PS else TOO_EARLY
