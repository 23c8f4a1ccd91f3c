"""Twin of the tally: one kill after another, Python integers, percentiles' material as plain lists."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mmbench.machine.protocol import GIVE_UP_PS
from mmbench.sizing.queue.tally import BEHIND, PATIENCES_PS, beyond
from tests.reference.histogram import bucket
from tests.reference.reaper_list import fields_at

Kill = tuple[int, int]  # entry and wait


def totals(fields: np.ndarray, replications: list[list[Kill]]) -> Counter[str]:
    """TOTALS but for the time."""
    found: Counter[str] = Counter()
    for entry, wait in (kill for kills in replications for kill in kills):
        row = fields_at(fields, entry, wait)
        skip, early = int(row["skip"]), row["early"] >= 0.5
        found += Counter({
            "kills": 1, "waited": int(wait > 0), "collateral": int(row["collateral"]),
            "gave_up": int(int(row["retry"]) >= GIVE_UP_PS), "reaper_ns": int(row["reaper"]) // 1000,
            "behind_ns": wait // 1000, "skip_ns": skip // 1000, "all_ns": int(row["all"]) // 1000,
            "first_ns": int(row["first"]) // 1000, "flawed": int(row["flaw"] >= 0.5), "early": int(early),
            "early_skip_ns": early * (skip // 1000), **{beyond(ps): int(row["need"] > ps) for ps in PATIENCES_PS},
        })  # fmt: skip
    return found


def latencies(fields: np.ndarray, kills: list[Kill]) -> list[list[int]]:
    """The buckets of each of QUANTITIES, kill by kill."""
    rows = [list(fields_at(fields, entry, wait).values())[:BEHIND] for entry, wait in kills]
    return [[bucket(int(row[q])) for row in rows] for q in range(BEHIND)] + [[bucket(w) for _, w in kills]]


def over(fields: np.ndarray, kills: list[Kill], over_ps: int) -> list[int]:
    """How many kills are longer than over_ps, to MMF_OOM_SKIP and of the reaper's own."""
    rows = [fields_at(fields, entry, wait) for entry, wait in kills]
    return [sum(row[name] > over_ps for row in rows) for name in ("skip", "reaper")]


def in_the_causes_ns(fields: np.ndarray, kills: list[Kill], delay_ps: int) -> list[int]:
    """ns of all kills by CAUSES: what is left of the time to MMF_OOM_SKIP is the victim's own teardown."""
    found = [0] * 5
    for entry, wait in kills:
        row = {name: int(x) for name, x in fields_at(fields, entry, wait).items()}
        if row["skip"] < wait + delay_ps:
            found[4] += row["skip"] // 1000
            continue
        retry = min(row["retry"], row["skip"] - wait - delay_ps)
        through = min(retry, row["page_lock"])
        own = row["skip"] - wait - delay_ps - retry
        for k, ps in enumerate((wait, delay_ps, through, retry - through, own)):
            found[k] += ps // 1000
    return found
