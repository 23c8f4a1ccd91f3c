"""The tally against its twin, kill by kill."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.counting import Counting, whole
from mmbench.sizing.queue.reaper_list import COLLATERAL, EARLY, FLAW, N_FIELDS, N_WAITS
from mmbench.sizing.queue.tally import N_QUANTITIES, QUANTITIES, TOTALS
from mmbench.sizing.stats.histogram import N_BUCKETS
from tests.reference import tally as twin

MS = 10**9


def random_kills(seed: int, n: int) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """A table of six entries, and entries and waits of three replications; four kills in ten do not wait."""
    draw = np.random.default_rng(seed)
    fields = np.floor(draw.exponential(400 * MS, (6, N_WAITS, N_FIELDS)))
    fields[:, :, COLLATERAL] = draw.integers(0, 3, (6, N_WAITS))
    fields[:, :, [FLAW, EARLY]] = draw.integers(0, 2, (6, N_WAITS, 2))
    waits = [np.floor(draw.exponential(2000 * MS, n)) * (draw.random(n) > 0.4) for _ in range(3)]
    return fields, [draw.integers(0, 6, n) for _ in waits], [of.astype(np.int64) for of in waits]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([0, 2000 * MS]))
def test_every_kill_is_counted_as_the_twin_counts_it(seed: int, n: int, delay_ps: int) -> None:
    fields, entries, waits = random_kills(seed, n)
    counting = Counting(fields, delay_ps, 500 * MS, 3)
    for r in range(3):
        counting.add(r, np.full(n, 1500 + r, dtype=np.int64), entries[r], waits[r])
    found = counting.close()
    kills = [list(zip(e.tolist(), w.tolist(), strict=True)) for e, w in zip(entries, waits, strict=True)]
    every = [kill for of in kills for kill in of]
    truth = twin.totals(fields, kills)
    truth["time_ns"] = 3 * n
    assert dict(zip(TOTALS, whole(found, "totals"), strict=True)) == {name: truth[name] for name in TOTALS}
    assert whole(found, "causes").sum(axis=0).tolist() == [*twin.in_the_causes_ns(fields, every, delay_ps), 3 * n]
    sums, squares = (np.zeros((N_QUANTITIES, N_BUCKETS), dtype=np.int64) for _ in range(2))
    for of in kills:
        for q, buckets in enumerate(twin.latencies(fields, of)):
            there = np.bincount(buckets, minlength=N_BUCKETS)
            sums[q] += there
            squares[q] += there[::-1].cumsum()[::-1] ** 2
    assert np.array_equal(found["sums"], sums) and np.array_equal(found["squares"], squares)
    assert np.array_equal(found["batches"].sum(axis=0), sums[QUANTITIES.index("skip")])
    over = np.array([twin.over(fields, of, 500 * MS) for of in kills])
    assert found["over"].tolist() == [over.sum(axis=0).tolist(), (over**2).sum(axis=0).tolist()]
    assert whole(found, "batch_stats")[:3, 2:].tolist() == over.tolist()
