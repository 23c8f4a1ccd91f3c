"""What heavy victims do, kill by kill: each other victim's time to MMF_OOM_SKIP with them and without them."""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit
from mmbench.sizing.queue.reaper_list import REAPER, SKIP, field_at

# Sums over kills: how many were heavy, how many of these took longer than the asked-for time (to MMF_OOM_SKIP, and of
# the reaper's own), and how many others came later and earlier than without heavy victims, with ns in all.
JOINT = ("heavy", "heavy_over_skip", "heavy_over_reaper", "later", "later_ns", "earlier", "earlier_ns")
N_JOINT = len(JOINT)
J_HEAVY, J_OVER_SKIP, J_OVER_REAPER, J_LATER, J_LATER_NS, J_EARLIER, J_EARLIER_NS = range(N_JOINT)
PS_PER_NS = 1000


@njit
def compare_kills(entries: Any, waits: Any, without: Any, fields: Any, heavy: int, over_ps: int, joint: Any) -> None:
    """Add up JOINT over a replication's kills.

    entries, waits: int64 (n,), with heavy victims, whose entries are `heavy` and above; without: int64 (n,), waits
    without them; fields: float64 (n entries, N_WAITS, N_FIELDS). Mutates: joint, int64 (N_JOINT,).
    """
    for i in range(len(entries)):
        e = entries[i]
        if e >= heavy:
            joint[J_HEAVY] += 1
            joint[J_OVER_SKIP] += field_at(fields, e, waits[i], SKIP) > over_ps
            joint[J_OVER_REAPER] += field_at(fields, e, waits[i], REAPER) > over_ps
        elif waits[i] != without[i]:
            later = field_at(fields, e, waits[i], SKIP) - field_at(fields, e, without[i], SKIP)
            joint[J_LATER] += later >= PS_PER_NS
            joint[J_LATER_NS] += max(later, 0) // PS_PER_NS
            joint[J_EARLIER] += later <= -PS_PER_NS
            joint[J_EARLIER_NS] += max(-later, 0) // PS_PER_NS
