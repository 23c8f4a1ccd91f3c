"""One incident in thousands of layouts, and damaged bytes: read exactly or counted, never lost or half read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from layouts_of import REAP_S, Layout, layout

from mmbench.errors import InputError
from mmbench.records.manifest import build_manifest
from mmbench.victims.kernel_log import validate_kills
from mmbench.victims.kernel_log.read import read_log

N_LAYOUTS = 1500
N_DAMAGED = 300
SEED = 20240718
KILL = {
    "process": "brewd", "pid": 4100, "by": "kernel", "anon_pages": 247500, "file_pages": 2250, "shmem_pages": 250,
    "total_vm_pages": 500000, "oom_score_adj": 300, "pgtables_bytes": 2148 << 10, "swap_pages": 1234,
    "kernel": "6.1.55", "locked_at_most_pages": 2048,
}  # fmt: skip
REAP = {"outcome": "reaped", "left_anon_pages": 2048, "left_file_pages": 0, "left_shmem_pages": 250}


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Reads bytes as a log; the manifest, which asks git, is made once."""
    manifest = build_manifest()
    monkeypatch.setattr("mmbench.victims.kernel_log.record.build_manifest", lambda: manifest)
    path = tmp_path / "fuzzed.log"

    def read(data: bytes) -> dict[str, Any]:
        path.write_bytes(data)
        return read_log(str(path)).record

    return read


def faults_of(record: dict[str, Any], one: Layout) -> list[str]:
    """What is wrong in what was read, or missing; a missing value is none where lines were counted as unread."""
    kills = record["kills"]
    if len(kills) != 1:
        return [f"{len(kills)} kills"]
    (kill,) = kills
    reap = kill["reap"] or {}
    after_us = REAP_S * 1_000_000 if one.is_timed else None
    wanted = [(kill, name, value) for name, value in KILL.items()]
    wanted += [(reap, name, value) for name, value in (REAP | {"after_us": after_us}).items()]
    wanted.append((kill, "time_us", 0 if one.is_timed else None))
    found = [(name, part.get(name), value) for part, name, value in wanted if part.get(name) != value]
    return [
        f"{name} is {got!r}, not {value!r}" for name, got, value in found if got is not None or not record["n_unread"]
    ]


def test_one_incident_in_thousands_of_layouts(reading):
    rng = random.Random(SEED)
    wrong, n_unread = [], 0
    for _ in range(N_LAYOUTS):
        one = layout(rng)
        try:
            record = reading(one.data)
        except InputError as error:
            assert one.is_torn and "that look like kills and are cut off" in str(error), one.name
            continue
        validate_kills(record)
        n_unread += record["n_unread"] > 0 and not one.is_torn
        wrong += [f"{one.name}: {'; '.join(faults)}" for faults in [faults_of(record, one)] if faults]
    assert not wrong, f"{len(wrong)} of {N_LAYOUTS}:\n" + "\n".join(wrong[:20])
    assert n_unread == 0


def test_damaged_bytes_are_read_refused_or_counted(reading):
    rng = random.Random(SEED)
    for _ in range(N_DAMAGED):
        data = bytearray(layout(rng).data)
        for _ in range(rng.choice((1, 1, 2, 5, 50))):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randrange(1, 200)]
                case 2:
                    data[at:at] = rng.randbytes(rng.randrange(1, 40))
                case _:
                    data[at:at] = data[rng.randrange(len(data)) :][:300]
            data = data or bytearray(b"x")
        try:
            record = reading(bytes(data))
        except InputError:
            continue
        validate_kills(record)


def test_a_damaged_log_leaves_no_partial_record(tmp_path, monkeypatch, capsys):
    from mmbench.cli.main import main

    monkeypatch.chdir(tmp_path)
    rng = random.Random(SEED)
    for k in range(20):
        data = bytearray(layout(rng).data)
        for _ in range(200):
            data[rng.randrange(len(data))] = rng.randrange(256)
        Path(f"{k}.log").write_bytes(data)
        code = main(["import", f"{k}.log"])
        assert code in (0, 2)
        assert Path(f"{k}.kills.json").exists() == (code == 0)
    capsys.readouterr()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]
