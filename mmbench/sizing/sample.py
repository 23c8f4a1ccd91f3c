"""Estimates from merged counts, with intervals that know that kills of one replication share the reaper's list.

The design effect is the variance between replications over the binomial one. Kills count as n / design effect
independent ones, and exact binomial intervals are taken for that number (Korn, Graubard, Survey Methodology 24, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmbench.sizing.counting import Counts, whole
from mmbench.sizing.queue.tally import OVER, QUANTITIES, TOTALS
from mmbench.sizing.stats.histogram import bounds_of
from mmbench.sizing.stats.intervals import clopper_pearson, needed_for, quantile_ranks, student_t

LONGER, N_TAILS = 10.0, 8
SEEN_OFTEN = 30  # hits that tell something about how they cluster


class Estimate(NamedTuple):
    """A number with its interval; n: kills behind it, effective: how many independent ones they are worth.

    hits: of a probability; a quantile has none
    """

    value: float
    low: float
    high: float
    n: int
    effective: float
    hits: int | None = None


class Refused(NamedTuple):
    """A quantile that so few kills cannot bound."""

    n: int
    effective: float
    needed: int


@dataclass(frozen=True)
class Sample:
    """Merged counts of a study, to be asked for estimates at one confidence."""

    counts: Counts
    confidence: float = 0.95

    @property
    def n(self) -> int:
        """Kills counted."""
        return self.total("kills")

    @property
    def replications(self) -> int:
        """Independent replications."""
        return int(self.counts["replications"][0])

    def total(self, name: str) -> int:
        """One of TOTALS."""
        return int(whole(self.counts, "totals")[TOTALS.index(name)])

    def effective(self, hits: int, squares: int) -> float:
        """How many independent kills the sample is worth for an event of so many hits; squares: of hits a replication.

        Never more than there are. Few replications tell little about their variance: Student's t enters squared.
        """
        n, r = self.n, self.replications
        p = hits / n if n else 0.0
        if r < 2 or not 0 < p < 1:
            return float(n)
        between = max(squares - hits * hits / r, 0.0) / (r - 1)
        effect = between / (n / r * p * (1 - p))
        few = student_t(self.confidence, r - 1) / student_t(self.confidence, 10**6)
        return min(n / effect if effect > 0 else float(n), float(n)) / few**2

    def above(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Kills at or above each bucket, and the sum of their squares over replications; int64 (N_BUCKETS,)."""
        q = QUANTITIES.index(quantity)
        return np.cumsum(self.counts["sums"][q][::-1])[::-1], self.counts["squares"][q]

    def quantile(self, quantity: str, p: float) -> Estimate | Refused:
        """The p-quantile of a latency in ps, from exact binomial order statistics; buckets are 0.8 % wide.

        Its kills are worth as little as those of any tail up to LONGER times as long: of few that cluster, a study that
        happens to see little of it would believe itself, and answer where others refuse.
        """
        above, squares = self.above(quantity)
        n = self.n
        at = int(np.searchsorted(-above, -(1 - p) * n, side="left")) - 1  # last bucket with P(at or above) > 1 - p
        at = max(at, 0)
        longer_tails = np.geomspace(1 - p, LONGER * (1 - p), N_TAILS)
        tails = {at, min(at + 1, len(above) - 1), *(self._bucket_at(above, 1 - share) for share in longer_tails)}
        effective = min(self.effective(int(above[k]), int(squares[k])) for k in tails)
        ranks = quantile_ranks(int(effective), p, self.confidence)
        if ranks is None:
            return Refused(n, effective, needed_for(p, self.confidence))
        low, high = ((rank - 0.5) / int(effective) for rank in ranks)
        return Estimate(
            float(sum(bounds_of(at))) / 2,
            float(bounds_of(self._bucket_at(above, low))[0]),
            float(bounds_of(self._bucket_at(above, high))[1]),
            n,
            effective,
        )

    def _bucket_at(self, above: np.ndarray, p: float) -> int:
        """The bucket that holds the p-quantile of the sample."""
        return max(int(np.searchsorted(-above, -(1 - p) * self.n, side="left")) - 1, 0)

    def largest(self, quantity: str) -> tuple[int, int]:
        """Bounds of the bucket of the largest value, ps."""
        filled = np.flatnonzero(self.counts["sums"][QUANTITIES.index(quantity)])
        low, high = bounds_of(int(filled[-1])) if len(filled) else (0, 0)
        return int(low), int(high)

    def over(self, quantity: str) -> Estimate:
        """P(latency above the study's over_ps): exact counts, Clopper-Pearson."""
        k = OVER.index(quantity)
        return self.probability(int(self.counts["over"][0, k]), int(self.counts["over"][1, k]))

    def longer(self, quantity: str, bucket: int) -> Estimate:
        """P(latency at or above a bucket)."""
        above, squares = self.above(quantity)
        return self.probability(int(above[bucket]), int(squares[bucket]))

    def probability(self, hits: int, squares: int | None) -> Estimate:
        """Clopper-Pearson for hits among all kills; zero hits have the interval [0, about 3/n] at 95 %.

        Without squares, and for zero hits, the design effect is the worst one.
        """
        known = hits and squares is not None
        effective = self.effective(hits, squares or 0) if known else self.n / self.worst_effect()
        p = hits / self.n if self.n else 0.0
        low, high = clopper_pearson(p * effective, effective, self.confidence, one_sided=not hits)
        return Estimate(p, low, high, self.n, effective, hits)

    def worst_effect(self) -> float:
        """The largest design effect seen in the tail to MMF_OOM_SKIP: what an event never seen may have, too."""
        above, squares = self.above("skip")
        tail = np.flatnonzero((above >= SEEN_OFTEN) & (above < self.n // 10))
        places = tail[np.unique(above[tail], return_index=True)[1]]
        found = [self.n / max(self.effective(int(above[k]), int(squares[k])), 1.0) for k in places]
        return max(found, default=1.0)

    def mean(self, name: str) -> float:
        """Mean in ps of a total that is kept in ns (behind_ns, skip_ns ...)."""
        return 1000.0 * self.total(name) / max(self.n, 1)
