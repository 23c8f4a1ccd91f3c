"""Kills in domains: how many are held back until MMF_OOM_SKIP, what that costs, and what all others see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.sizing.added import as_dict, quantile_difference, ratio, share
from mmbench.sizing.answers import refusal
from mmbench.sizing.counting import whole
from mmbench.sizing.sample import Refused, Sample

if TYPE_CHECKING:
    from mmbench.records.study_types import HeldBack, Moved, Withheld


def held_back(n_domains: int, sample: Sample, apart: Sample, p: float) -> HeldBack:
    """What domains do. apart: the same kills, each in a domain of its own, where nobody is held back; p: a share."""
    held, ns, further = whole(sample.counts, "held").T
    kills = whole(sample.counts, "batch_stats")[:, 0]
    by = ratio(1000.0 * np.array(ns, dtype=np.float64), held, sample.confidence)
    return {
        "domains": n_domains,
        "held": {**share(held, kills, sample.confidence), "by_ps": as_dict(by)},
        "further": share(further, kills, sample.confidence),
        "moved": moved(sample, apart, p),
    }


def moved(sample: Sample, apart: Sample, p: float) -> Moved | Withheld:
    """The p-quantile to MMF_OOM_SKIP in domains, apart, and the difference; refused where one cannot be bounded."""
    here, there = sample.quantile("skip", p), apart.quantile("skip", p)
    if isinstance(here, Refused):
        return refusal(here)
    if isinstance(there, Refused):
        return refusal(there)
    by = quantile_difference(sample, apart, p)
    return {"value_ps": here.value, "apart_ps": there.value, "by_ps": as_dict(by)}
