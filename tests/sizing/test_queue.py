"""The reaper's list against its twin, and both against queueing theory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.sizing.counting import whole
from mmbench.sizing.queue.reaper_list import N_FIELDS, N_WAITS, NOT_LISTED, REAPER, WAITS_PS, fifo, lifo, occupation
from mmbench.sizing.queue.tally import TOTALS
from mmbench.sizing.study import run_chunk
from mmbench.sizing.textbook import constant_fields, mean_wait_ps, second_moment_ps2, textbook_study
from tests.reference.reaper_list import fields_at, waits_of

MS = 10**9
# Any table: the reaper's time may rise and fall with its lateness, and some victims never enter the list.
RANDOM_TABLES = st.integers(0, 2**32 - 1)


def random_case(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaps (some of them 0), entries, and a table of 5 entries, one of them never listed."""
    draw = np.random.default_rng(seed)
    fields = np.floor(draw.exponential(50 * MS, (5, N_WAITS, N_FIELDS)))
    fields[0, 0, REAPER] = NOT_LISTED
    gaps = draw.choice([0, 1, 20 * MS, 60 * MS, 5000 * MS], n).astype(np.int64)
    return gaps, draw.integers(0, 5, n), fields


@settings(max_examples=60, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 60))
def test_both_orders_do_what_their_twin_does(seed: int, n: int) -> None:
    gaps, entries, fields = random_case(seed, n)
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    waits, kills, since = (np.zeros(n, dtype=np.int64) for _ in range(3))
    lifo(gaps, entries, busy, waits, kills, since)
    assert waits.tolist() == waits_of(gaps, entries, fields, newest_first=True)
    fifo(gaps, entries, busy, waits)
    assert waits.tolist() == waits_of(gaps, entries, fields, newest_first=False)


@settings(max_examples=100, deadline=None)
@given(RANDOM_TABLES, st.integers(1, 10**15))
def test_occupation_is_read_where_the_twin_reads_it(seed: int, wait: int) -> None:
    _, _, fields = random_case(seed, 1)
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    assert occupation(busy, 1, wait) == int(fields_at(fields, 1, wait)["reaper"])


def test_at_a_tabulated_wait_the_table_itself_is_read() -> None:
    _, _, fields = random_case(3, 1)
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    for k, wait in enumerate(WAITS_PS.tolist()):
        assert occupation(busy, 2, wait) == fields[2, k, REAPER]


@pytest.mark.parametrize("newest_first", [True, False], ids=["lifo", "fifo"])
@pytest.mark.parametrize("law", ["exponential", "deterministic"])
@pytest.mark.parametrize("load", [0.3, 0.7])
def test_mean_wait_is_pollaczek_khinchine(law, load, newest_first, request) -> None:
    """Whatever the order, as long as it does not look at service times. Student's t over replications."""
    busy = request.getfixturevalue(law)
    study = textbook_study(busy, load, newest_first=newest_first)
    truth = mean_wait_ps(study)
    means = replication_means(study, 60)
    half = 3.5 * means.std(ddof=1) / np.sqrt(len(means))
    assert abs(means.mean() - truth) < half < 0.1 * truth


def replication_means(study, n) -> np.ndarray:
    """Mean wait of each replication, ps."""
    behind, kills = TOTALS.index("behind_ns"), TOTALS.index("kills")
    totals = [whole(run_chunk(study, r, 1), "totals") for r in range(n)]
    return np.array([1000.0 * t[behind] / t[kills] for t in totals])


@pytest.mark.parametrize("law", ["exponential", "deterministic"])
def test_newest_first_has_the_same_mean_and_a_larger_variance(law, request) -> None:
    """Second moments as Takagi has them: newest first differs from order of arrival as theory says."""
    busy = request.getfixturevalue(law)
    newest, in_order = (textbook_study(busy, 0.6, newest_first=order) for order in (True, False))
    assert mean_wait_ps(newest) == mean_wait_ps(in_order)
    assert second_moment_ps2(newest) > 1.5 * second_moment_ps2(in_order)
    assert second_moment(in_order, 120) == pytest.approx(second_moment_ps2(in_order), rel=0.04)
    assert second_moment(newest, 120) == pytest.approx(second_moment_ps2(newest), rel=0.08)


def test_a_little_queue_by_hand() -> None:
    """Kills at 0, 1 and 2, the reaper busy for 5 with each: the newest goes first, the oldest of the waiting last."""
    fields = constant_fields(np.array([5.0]))
    busy = np.ascontiguousarray(fields[:, :, REAPER])
    waits, kills, since = (np.zeros(3, dtype=np.int64) for _ in range(3))
    assert lifo(np.array([0, 1, 1]), np.zeros(3, np.int64), busy, waits, kills, since) == 2
    assert waits.tolist() == [0, 9, 3]


def second_moment(study, n_replications) -> float:
    """E[W^2] from the waits themselves, without histogram."""
    from mmbench.sizing.laws.entries import draw_entries
    from mmbench.sizing.study import fill_gaps

    total, n = 0.0, study.kept_kills
    busy = np.ascontiguousarray(study.fields[:, :, REAPER])
    for r in range(n_replications):
        gaps, entries, waits, kills, since = (np.zeros(n, dtype=np.int64) for _ in range(5))
        fill_gaps(study.kills, study.seed, r * n, gaps)
        draw_entries(study.seed, r * n, study.thresholds, study.components, entries)
        if study.newest_first:
            lifo(gaps, entries, busy, waits, kills, since)
        else:
            fifo(gaps, entries, busy, waits)
        total += float((waits[500:-500].astype(float) ** 2).mean())
    return total / n_replications
