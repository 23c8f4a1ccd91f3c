"""Predictions come from the engine: their counts are exact, their times are the table's, the base is added once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.cost.table import load_table
from mmbench.errors import CannotError
from mmbench.live.workload import VictimConfig
from mmbench.validation.predict import Victim, design_of, predict

MIB = 1 << 20
COSTS = load_table("reference")
DESIGN = design_of("6.18.44")


def predicted(config: VictimConfig, costs=COSTS) -> dict[str, dict]:
    return {line["what"]: line for line in predict(config.to_dict(), DESIGN, costs)}


@pytest.mark.parametrize(
    ("kernel", "design"),
    [
        ("5.15.0", "v4.17"),
        ("5.17.3", "v5.17"),
        ("6.0.1", "v5.18"),
        ("6.12.117", "v6.1"),
        ("6.18.44-x", "v6.18"),
        ("7.3", "v6.18"),
    ],
)
def test_each_kernel_is_held_against_what_it_ships(kernel: str, design: str) -> None:
    assert design_of(kernel).name == design


@pytest.mark.parametrize("kernel", ["5.14.21", "4.19", "?"])
def test_a_kernel_without_process_mrelease_cannot_be_validated(kernel: str) -> None:
    with pytest.raises(CannotError, match=r"needs Linux 5\.15"):
        design_of(kernel)


def test_a_held_victim_is_freed_by_mrelease_and_nothing_is_left() -> None:
    found = predicted(VictimConfig(64 * MIB, 0.5, 7, 3))
    n_pages = VictimConfig(64 * MIB, 0.5, 7, 3).facts().n_pages
    assert {what: line["freed_pages"] for what, line in found.items()} == {
        "exit": n_pages, "mrelease": n_pages, "exit_after": 0, "race": n_pages,
    }  # fmt: skip


def test_shared_memory_is_left_to_exit() -> None:
    found = predicted(VictimConfig(64 * MIB, 1.0, kind="shmem"))
    assert (found["mrelease"]["freed_pages"], found["exit_after"]["freed_pages"]) == (0, 16384)
    assert found["exit_after"]["model_ns"] == pytest.approx(found["exit"]["model_ns"], rel=1e-3)


def test_exit_alone_costs_what_the_table_says() -> None:
    config, price = VictimConfig(64 * MIB, 1.0), {name: e["ps"] for name, e in COSTS.entries.items()}
    per_page = sum(price[n] for n in ("zap_pte", "zap_anon_folio", "munlock_folio", "walk_entry", "free_folio"))
    expected = 16384 * per_page + 16384 // 31 * price["lru_lock"] + 32 * price["free_table"]
    assert predicted(config)["exit"]["model_ns"] == pytest.approx(expected / 1000, rel=2e-3)


def test_both_at_once_are_faster_than_one_and_slower_than_half() -> None:
    found = predicted(VictimConfig(512 * MIB, 0.0, 64))
    assert 0.5 < found["race"]["model_ns"] / found["exit"]["model_ns"] < 0.9


def test_the_base_of_a_kind_is_added_to_that_kind() -> None:
    plain = predicted(VictimConfig(16 * MIB))
    based = predicted(VictimConfig(16 * MIB), replace(COSTS, base_ps={"exit": 900_000_000, "race": 5_000_000}))
    assert {what: based[what]["model_ns"] - plain[what]["model_ns"] for what in plain} == {
        "exit": 900_000, "mrelease": 0, "exit_after": 0, "race": 5_000,
    }  # fmt: skip


def test_work_is_counted_by_kind() -> None:
    work = Victim(VictimConfig(64 * MIB, 1.0, 3).to_dict(), DESIGN).work(COSTS)
    assert [work[what].get("zap_anon_folio", 0) for what in ("exit", "mrelease", "exit_after")] == [16384, 16384, 0]
    assert work["exit_after"]["walk_entry"] == 16384 and work["exit_after"]["free_table"] == 32
    assert (work["mrelease"]["gather"], work["exit"]["gather"]) == (3, 1)
