"""The named profiles: the figures of their sources, and what can be asked of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import InputError
from mmbench.model.layout import ANON, FILE, VM_HUGETLB, VM_LOCKED, VM_SHARED, check_vma_table
from mmbench.victims import PROFILES
from mmbench.victims.file_format import read_victim, write_victim
from mmbench.victims.join import join
from mmbench.victims.profiles import NOT_MLOCK
from mmbench.victims.runs import check_runs
from mmbench.victims.synthetic import synthetic

GIB = 1 << 30
PAGE = 4096


def test_the_names_are_those_of_the_survey() -> None:
    assert set(PROFILES) == {
        "eos-nodeos",
        "llama-mlock",
        "llama-mlock-7b",
        "llama-mlock-70b",
        "es-heap",
        "seastar",
        "cassandra",
        "qemu-locked",
        "oracle-sga",
        "stress-frag",
        "android-pinner",
        "rt-audio",
        "ltp-mlock",
    }


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_builds_a_valid_victim_that_a_file_can_hold(name: str, tmp_path: Path) -> None:
    profile = PROFILES[name]
    victim = profile.build()
    check_vma_table(victim.vmas)
    check_runs(victim.vmas)
    assert victim.name == name
    assert victim.source == profile.source and len(profile.source) > 10
    if name != "stress-frag":  # 10 MB of file; the others show the same
        write_victim(victim, tmp_path / "p.victim")
        assert read_victim(tmp_path / "p.victim").facts == victim.facts


@pytest.mark.parametrize(
    ("name", "resident_bytes"),
    [
        ("eos-nodeos", 7_928_148 * 1024),
        ("llama-mlock", 38_500_000_000),
        ("llama-mlock-7b", 4_212_486_144),
        ("llama-mlock-70b", 46494.72 * 2**20),
        ("seastar", 220_000_000_000),
        ("cassandra", 8 * GIB),
        ("oracle-sga", 105_000_000_000),
        ("stress-frag", 262_144 * PAGE),
        ("android-pinner", 80 * 2**20),
        ("ltp-mlock", 12 * GIB),
    ],
)
def test_totals_are_the_figures_of_the_source(name: str, resident_bytes: float) -> None:
    resident_pages = PROFILES[name].build().vmas.resident_pages
    assert 0 <= resident_pages * PAGE - resident_bytes < 3 * PAGE


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_label_says_truly_whether_memory_is_mlocked(name: str) -> None:
    table = PROFILES[name].build().vmas
    if PROFILES[name].pinned == NOT_MLOCK:
        assert table.locked_pages == 0
    else:
        assert table.locked_pages == table.resident_pages


def test_eos_is_one_shared_map_of_8_06_gib_filled_from_its_front() -> None:
    table = PROFILES["eos-nodeos"].build().vmas
    assert (table.n_vmas, int(table.kind[0]), int(table.flags[0])) == (1, FILE, VM_SHARED | VM_LOCKED)
    assert int(table.pages[0]) == 8_452_480 // 4
    assert table.runs[0].tolist() == [[0, 1_982_037]]


def test_oracle_holds_85_percent_of_its_sga_in_huge_pages_and_shares_all_of_it() -> None:
    table = PROFILES["oracle-sga"].build().vmas
    shared = (table.flags & VM_SHARED) != 0
    large = (table.flags & VM_HUGETLB) != 0
    assert table.pages[shared].sum() * PAGE == pytest.approx(75e9, rel=1e-4)
    assert table.pages[large].sum() / table.pages[shared].sum() == pytest.approx(0.85, abs=1e-3)
    assert table.pages[~shared].sum() * PAGE == pytest.approx(30e9, rel=1e-4)
    assert (table.elsewhere == np.where(shared, table.resident, 0)).all()


def test_stress_frag_is_one_page_per_vma() -> None:
    table = PROFILES["stress-frag"].build().vmas
    assert table.n_vmas == 262_144
    assert (table.pages == 1).all() and (table.kind == ANON).all() and (table.flags == VM_LOCKED).all()


def test_a_class_of_sizes_can_be_resized_and_a_case_cannot() -> None:
    assert PROFILES["seastar"].build("64GiB").vmas.resident_pages == 64 * GIB // PAGE
    assert PROFILES["ltp-mlock"].build("7GiB").vmas.n_vmas == 3
    with pytest.raises(InputError, match="one documented size"):
        PROFILES["eos-nodeos"].build("1GiB")
    with pytest.raises(InputError, match="size of cassandra"):
        PROFILES["cassandra"].build("many")


def test_join_keeps_parts_and_their_runs() -> None:
    one = synthetic(4 << 20, locked=1.0, vmas=3, thp=1.0).vmas
    eos = PROFILES["eos-nodeos"].build().vmas
    both = join(one, eos, one)
    assert both.n_vmas == 7
    assert (both.pages == np.concatenate([one.pages, eos.pages, one.pages])).all()
    assert (both.start[:3] % 512 == one.start % 512).all() and (both.start[4:] % 512 == one.start % 512).all()
    assert list(both.runs) == [3] and (both.runs[3] == eos.runs[0]).all()
    assert (both.start[1:] > (both.start + both.pages)[:-1]).all()
