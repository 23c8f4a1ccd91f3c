"""The record format: what the guest said, joined and read back; and what is no record."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import InputError
from mmbench.lab import record, summary
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import MIB, Item
from mmbench.live.workload import VictimConfig
from mmbench.records.lab_types import LabRecord

LOCKED = VictimConfig(4 * MIB, 1.0)
KERNEL = Kernel(Path("/k/vmlinuz"), "6.12.117+deb13-amd64", "a" * 64, "linux-image-6.12", "6.12.117-1", "b" * 64)


def boot(experiments: list[dict[str, Any]]) -> dict[str, Any]:
    facts = {"release": "6.12.117+deb13-amd64", "version": "#1 SMP", "memory_bytes": 1, "available_bytes": 1}
    return {
        **facts,
        "name": "b",
        "n_cpus": 1,
        "command": ["-m", "1"],
        "initramfs_sha256": "c",
        "experiments": experiments,
    }


def made(experiments: list[dict[str, Any]]) -> LabRecord:
    return record.make_record(KERNEL, "quick", "7.2", "3.11.2", [boot(experiments)])


REPS = [
    {"pages_before": [1024, 0], "pages_after": [0, 0], "ns": 30, "exit_after_ns": 7},
    {"pages_before": [1024, 0], "pages_after": [0, 0], "ns": 20, "exit_after_ns": 8},
]


def test_times_are_lists_and_pages_are_once() -> None:
    entry = record.experiment(Item("calibration", "mrelease", LOCKED), {"reps": REPS})
    assert entry["ns"] == [30, 20]
    assert entry["exit_after_ns"] == [7, 8]
    assert entry["pages_before"] == [1024, 0]
    assert summary.least_ns(entry) == 20


def test_disagreeing_pages_are_an_error_and_not_an_average() -> None:
    reps = copy.deepcopy(REPS)
    reps[1]["pages_after"] = [0, 1]
    entry = record.experiment(Item("calibration", "mrelease", LOCKED), {"reps": reps})
    assert "disagree on pages_after" in entry["error"]
    assert "ns" not in entry
    assert summary.errors(made([entry]))


def test_a_missing_system_call_is_an_answer() -> None:
    answer = {"error": "process_mrelease failed", "errno": "ENOSYS"}
    entry = record.experiment(Item("semantics", "mrelease", LOCKED), answer)
    assert not summary.errors(made([entry]))
    assert summary.truth_table(made([entry]))[0]["mrelease"] == "ENOSYS"


def test_a_cgroups_kill_has_totals(tmp_path: Path) -> None:
    reps = [{"pages_before": 1024, "pages_after": 0, "n_collateral_kills": 0, "trigger": "allocated"}]
    found = made([record.experiment(Item("semantics", "memcg", LOCKED, 1), {"reps": reps})])
    record.check_record(found)
    assert summary.truth_table(found)[0]["memcg"] == 0
    found["boots"][0]["experiments"][0] |= {"kind": "reaper", "ns": [9]}
    with pytest.raises(InputError, match="pages_before' is 1024"):
        record.check_record(found)


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    found = made([record.experiment(Item("calibration", "mrelease", LOCKED), {"reps": REPS})] * 2)
    path = tmp_path / "6.12.json"
    path.write_text(record.to_text(found))
    assert record.read_record(path) == found
    assert found["series"] == "6.12"
    assert sum('"kind":"mrelease"' in line for line in path.read_text().splitlines()) == 2
    assert record.to_text(record.read_record(path)) == path.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(format="other"), "format should be"),
        (lambda r: r.pop("qemu"), "'qemu' is missing"),
        (lambda r: r.update(date="today"), "unknown field 'date'"),
        (lambda r: r["boots"][0].pop("n_cpus"), "n_cpus"),
        (lambda r: r["boots"][0]["experiments"][0].pop("role"), "role' is missing"),
        (lambda r: r["boots"][0]["experiments"][0].update(ns=[1.5]), r"ns\[0\]' is 1\.5"),
        (lambda r: r["boots"][0]["experiments"][0].update(ns=[]), "ns' is"),
        (lambda r: r["boots"][0]["experiments"][0].update(pages_before=[1]), "pages_before' is"),
        (lambda r: r["boots"][0]["experiments"][0]["victim"].update(colour=1), "victim field"),
    ],
)
def test_what_is_no_record(tmp_path: Path, change: Any, said: str) -> None:
    found = made([record.experiment(Item("calibration", "mrelease", LOCKED), {"reps": REPS})])
    found = json.loads(json.dumps(found))
    change(found)
    (tmp_path / "r.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match=said):
        record.read_record(tmp_path / "r.json")


def test_unreadable_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        record.read_record(tmp_path / "absent.json")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        record.read_record(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("seen", "order"),
    [
        ([[9, 9, 9, 9], [5, 9, 9, 9], [0, 0, 0, 0]], "up"),
        ([[9, 9, 9, 9], [9, 9, 0, 0], [0, 0, 0, 0]], "down"),
        ([[9, 9, 9, 9], [0, 0, 0, 0]], "unseen"),
        ([[9, 9, 9, 9], [8, 9, 9, 8], [0, 4, 9, 8]], "unseen"),
    ],
)
def test_order_is_told_by_the_first_quarter_to_shrink(seen: list[list[int]], order: str) -> None:
    entry = record.experiment(Item("semantics", "order", LOCKED, 1), {"reps": [{"left_by_quarter": seen}]})
    assert summary.reap_order(made([entry])) == order


def test_cost_per_page_is_a_slope() -> None:
    entries = [
        record.experiment(Item("calibration", "exit", VictimConfig(n * MIB)), {"reps": [{"ns": 1000 + 256 * n * 1200}]})
        for n in (4, 16)
    ]
    overflowing = record.experiment(Item("calibration", "exit", VictimConfig(64 * MIB)), {"reps": [{"ns": 10**9}]})
    assert summary.per_page(made([*entries, overflowing])) == summary.per_page(made(entries))
    assert summary.per_page(made(entries)) == [{"what": "exit", "locked": False, "per_page": 1200.0}]
