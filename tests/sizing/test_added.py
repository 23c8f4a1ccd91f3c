"""What heavy victims add: against a twin that plays every world by itself, against closed forms, and its coverage."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.sizing.added import added, correlation, ratio, samples_of, share
from mmbench.sizing.counting import merged
from mmbench.sizing.estimate import Effort, collect
from mmbench.sizing.study import Study, run_chunk
from mmbench.sizing.textbook import two_kinds
from mmbench.sizing.worlds import WORLDS, run_worlds, world_of
from tests.reference import worlds as twin

MS = 10**9
SMALL = {"kept_kills": 400, "edge_kills": 60}
ORDINARY, HEAVY = np.array([20.0 * MS, 40.0 * MS, 60.0 * MS]), np.array([900.0 * MS, 1500.0 * MS])
GAP = 100 * MS


def study_of(rarity: float = 0.02, seed: int = 1, gap_ps: int = GAP, **options) -> Study:
    return two_kinds(ORDINARY, HEAVY, rarity, gap_ps, seed=seed, **({"over_ps": 500 * MS} | SMALL | options))


@pytest.mark.parametrize("newest_first", [True, False], ids=["lifo", "fifo"])
def test_every_world_is_what_its_twin_plays(newest_first) -> None:
    study = study_of(newest_first=newest_first, kept_kills=300, edge_kills=40)
    found = run_worlds(study, 0, 3)
    truth = twin.worlds(study, 3)
    for world, sample in samples_of(found, 0.95).items():
        skips = [skip for _, _, skip in truth[world]]
        assert sample.n == 900
        assert sample.mean("skip_ns") == pytest.approx(np.mean(skips), rel=1e-6)
        assert sample.over("skip").hits == sum(skip > study.over_ps for skip in skips)
        assert sample.mean("behind_ns") == pytest.approx(np.mean([w for _, w, _ in truth[world]]), rel=1e-6)


def test_the_record_is_what_brute_force_counts() -> None:
    study = study_of(kept_kills=400, edge_kills=50)
    found = added(run_worlds(study, 0, 20), 0.95)
    truth = twin.worlds(study, 20)
    assert study.heavy is not None
    heavy = [e >= study.heavy.first for e, _, _ in truth["with"]]
    later = [a[2] - b[2] for a, b, h in zip(truth["with"], truth["without"], heavy, strict=True) if not h]
    assert found["n_heavy"] == sum(heavy) and found["n_others"] == len(later)
    assert found["later"]["hits"] == sum(d > 0 for d in later) > 100
    assert found["earlier"]["hits"] == sum(d < 0 for d in later)
    assert found["later"]["by_ps"]["value"] == pytest.approx(np.mean([d for d in later if d > 0]), rel=1e-6)
    over = [h for (_, _, skip), h in zip(truth["with"], heavy, strict=True) if skip > study.over_ps]
    assert (found["of_over"]["skip"]["hits"], found["of_over"]["skip"]["of"]) == (sum(over), len(over))
    for name, p in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        effect = found["effects"][name]
        values = {world: twin.quantile([k[2] for k in kills], p) for world, kills in truth.items()}
        assert effect["with"] == pytest.approx(values["with"], rel=0.01)
        assert effect["without"] == pytest.approx(values["without"], rel=0.01)
        near = 0.01 * values["with"]
        assert effect["suffered"]["value"] == pytest.approx(values["own"] - values["without"], abs=near)
        assert effect["to_others"]["value"] == pytest.approx(values["with"] - values["own"], abs=near)
        assert effect["by_mlock"]["value"] == pytest.approx(values["with"] - values["unlocked"], abs=near)


def wait_ps(ordinary: np.ndarray, heavy: np.ndarray, rarity: float, gap_ps: int) -> float:
    """Pollaczek and Khinchine for two kinds of victims."""
    first = (1 - rarity) * ordinary.mean() + rarity * heavy.mean()
    second = (1 - rarity) * (ordinary**2).mean() + rarity * (heavy**2).mean()
    return float(second / gap_ps / (2 * (1 - first / gap_ps)))


@pytest.mark.parametrize("rarity", [0.001, 0.02])
def test_means_have_the_closed_form_of_two_kinds_in_order_of_arrival(rarity) -> None:
    """M/G/1: everybody waits longer by the same; heavy victims suffer that and their own longer service."""
    study = two_kinds(ORDINARY, HEAVY, rarity, GAP, newest_first=False)
    found = added(run_worlds(study, 0, 120), 0.999)
    with_ps, without_ps = (wait_ps(ORDINARY, HEAVY, r, GAP) for r in (rarity, 0.0))
    longer, own = with_ps - without_ps, float(HEAVY.mean() - ORDINARY.mean())
    truth = {
        "added": longer + rarity * own,
        "suffered": rarity * (longer + own),
        "to_others": (1 - rarity) * longer,
        "by_mlock": with_ps - wait_ps(ORDINARY, HEAVY / 2, rarity, GAP) + rarity * float(HEAVY.mean()) / 2,
    }
    for effect, value in truth.items():
        interval = found["effects"]["mean"][effect]
        assert interval["low"] <= value <= interval["high"] < 2 * value, effect
    others = found["later"]["value"] * found["later"]["by_ps"]["value"]
    assert others == pytest.approx(longer, rel=0.15) and found["earlier"]["hits"] == 0


def covered(n_studies: int, rarity: float) -> dict[str, float]:
    """How often the intervals of small studies hold what a long one says, of those that do not refuse an answer."""
    long = added(run_worlds(two_kinds(ORDINARY, HEAVY, rarity, GAP, over_ps=500 * MS), 0, 1200), 0.95)
    asked = [("effects", name, effect) for name in ("mean", "p99") for effect in ("added", "to_others", "by_mlock")]
    asked += [("of_over", "reaper"), ("of_over", "skip"), ("later",), ("later", "by_ps")]
    hits, answers = dict.fromkeys(asked, 0), dict.fromkeys(asked, 0)
    for seed in range(2, 2 + n_studies):
        found = added(run_worlds(study_of(rarity, seed), 0, 40), 0.95)
        for at in asked:
            truth, interval = long, found
            for key in at:
                truth, interval = truth[key], interval.get(key, interval)
            if "refused" in interval:
                continue
            answers[at] += 1
            hits[at] += interval["low"] <= truth["value"] <= interval["high"]
    assert min(answers.values()) > 0.9 * n_studies
    return {" ".join(at): n / answers[at] for at, n in hits.items()}


def test_intervals_cover_in_about_95_per_cent_of_studies() -> None:
    found = covered(100, 0.02)
    assert all(0.87 <= share <= 1 for share in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("rarity", [0.002, 0.02])
def test_intervals_cover_in_about_95_per_cent_of_1000_studies(rarity) -> None:
    found = covered(1000, rarity)
    print({name: f"{share:.1%}" for name, share in found.items()})
    assert all(0.935 <= share <= 1 for share in found.values()), found


def test_chunks_of_worlds_merge_to_the_same_counts_however_they_are_cut() -> None:
    study = study_of()
    at_once = added(run_worlds(study, 0, 40), 0.95)
    assert added(merged([run_worlds(study, 13, 27), run_worlds(study, 0, 13)]), 0.95) == at_once


def test_the_world_as_it_is_is_the_plain_study() -> None:
    study = study_of()
    one, other = run_chunk(study, 0, 20), world_of(run_worlds(study, 0, 20), WORLDS[0])
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_shares_and_ratios_by_hand() -> None:
    batches = np.full(20, 10)
    assert ratio(batches * 3, batches, 0.95) == (3.0, 3.0, 3.0)
    assert share(batches * 0, batches, 0.95)["high"] == pytest.approx(3.0 / 200, rel=0.02)
    assert share(batches, batches, 0.95)["low"] == pytest.approx(1 - 3.0 / 200, rel=0.02)
    clustered, even = np.array([10] * 2 + [0] * 18), np.full(20, 1)
    wide, narrow = (share(hits, batches, 0.95) for hits in (clustered, even))
    assert wide["value"] == narrow["value"] == 0.1
    assert wide["high"] - wide["low"] > 2 * (narrow["high"] - narrow["low"])
    assert correlation(even, even) == 1.0 and correlation(even, clustered) == 0.0


def test_worlds_and_domains_are_the_same_for_any_worker_and_after_a_loss(tmp_path) -> None:
    """As `size` cuts a study: on 1, 2 and 8 workers; and half of a ledger is lost, which is computed again."""
    study, n = study_of(n_domains=3, kept_kills=40, edge_kills=10), 20 * 40
    truth = collect(study, Effort(n, ledger=tmp_path / "ledger"))
    chunks = sorted(tmp_path.glob("ledger/chunk-*"))
    assert len(chunks) == 20
    for chunk in chunks[::2]:
        chunk.unlink()
    for effort in (Effort(n, workers=2), Effort(n, workers=8), Effort(n, ledger=tmp_path / "ledger")):
        found = collect(study, effort)
        assert found.keys() == truth.keys() and all(np.array_equal(found[name], truth[name]) for name in truth)
