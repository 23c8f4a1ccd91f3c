"""The model tears down the victim that was measured: the same pages, VMAs, tables and huge pages at the same places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmbench.errors import InputError
from mmbench.live.design import calibration_set, held_out_set
from mmbench.live.workload import VictimConfig
from mmbench.model.build import build
from mmbench.model.layout import SHMEM, VM_LOCKED, VM_SHARED
from mmbench.model.world import TABLE_ALLOCATED, TABLE_HUGE, views
from mmbench.validation.geometry import vma_edges, vmas_of, with_own_pages

MIB = 1 << 20


def agrees(config: VictimConfig) -> None:
    facts, vmas = config.facts(), vmas_of(config.to_dict())
    assert vma_edges(config.to_dict()) == config.vma_edges()
    assert (vmas.n_vmas, vmas.resident_pages, vmas.locked_pages) == (facts.n_vmas, facts.n_pages, facts.n_locked_pages)
    assert int(vmas.huge.sum()) == facts.n_thps
    state = views(build(vmas, 1)).table_state
    is_small = (state & TABLE_ALLOCATED != 0) & (state & TABLE_HUGE == 0)
    assert int(is_small.sum()) == facts.n_tables


@pytest.mark.parametrize("config", calibration_set(256 * MIB) + held_out_set(30, 256 * MIB, None, True, True), ids=str)
def test_model_and_workload_agree_on_the_facts(config: VictimConfig) -> None:
    agrees(config)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.floats(0, 1), st.integers(1, 300), st.integers(1, 700), st.sampled_from(["anon", "shmem"]))
def test_any_shape_agrees(n_tables: int, share: float, n_vmas: int, stride: int, kind: str) -> None:
    assume(n_vmas <= n_tables * 512 and stride <= n_tables * 512)
    agrees(VictimConfig(n_tables * 2 * MIB, share, n_vmas, stride, kind))


@pytest.mark.parametrize("n_vmas", [1, 7])
def test_present_pages_are_the_strides(n_vmas: int) -> None:
    config = VictimConfig(4 * MIB, 0.5, n_vmas, 3)
    present = views(build(vmas_of(config.to_dict()), 1)).present
    bits = np.unpackbits(present.reshape(-1).view(np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == list(range(0, 1024, 3))


def test_shared_and_locked_memory_are_flagged() -> None:
    vmas = vmas_of(VictimConfig(4 * MIB, 0.5, kind="shmem").to_dict())
    assert vmas.kind.tolist() == [SHMEM, SHMEM]
    assert [bool(flags & VM_SHARED) for flags in vmas.flags] == [True, True]
    assert [bool(flags & VM_LOCKED) for flags in vmas.flags] == [True, False]


def test_bad_configurations_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="without stride_pages, kind"):
        vmas_of({"span_bytes": 4 * MIB, "locked_share": 0.0, "n_vmas": 1})
    with pytest.raises(InputError, match="'file' memory cannot be predicted; allowed: anon, thp, forked, shmem"):
        vmas_of(VictimConfig(4 * MIB, kind="file").to_dict())


@pytest.mark.parametrize(("n_vmas", "stride"), [(1, 1), (7, 3)])
def test_own_pages_lie_below_the_range_and_belong_to_nobody_s_freed_ones(n_vmas: int, stride: int) -> None:
    alone = vmas_of(VictimConfig(4 * MIB, 0.5, n_vmas, stride).to_dict())
    both = with_own_pages(alone, 700)
    assert (both.n_vmas, both.resident_pages) == (alone.n_vmas + 1, alone.resident_pages + 700)
    assert (both.freeable_pages, both.locked_pages) == (alone.freeable_pages, alone.locked_pages)
    assert {k + 1: runs.tolist() for k, runs in alone.runs.items()} == {k: r.tolist() for k, r in both.runs.items()}
    assert with_own_pages(alone, 0) is alone
