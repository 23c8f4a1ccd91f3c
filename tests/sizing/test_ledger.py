"""The ledger: what is kept, what is computed again, and what is refused untouched."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import InputError
from mmbench.sizing.compute import ledger as ledger_module
from mmbench.sizing.compute.chunks import run
from mmbench.sizing.compute.ledger import HEADER, Ledger, digest
from mmbench.sizing.compute.work import Work
from tests.sizing.chunk_functions import Study, count_draws, fail_at_three, runs

ROOT = Path(__file__).parents[2]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture
def study(tmp_path):
    (tmp_path / "marks").mkdir()
    return Study(folder=tmp_path / "marks", name="a study")


def test_a_study_resumes_with_what_is_missing(tmp_path, study):
    run(count_draws, study, 4, ledger=tmp_path / "ledger")
    found = run(count_draws, study, 9, 2, ledger=tmp_path / "ledger")
    assert runs(study.folder, 9) == [1] * 9
    assert np.array_equal(found["outcomes"], run(count_draws, Study(), 9)["outcomes"])


def test_a_finished_study_is_not_computed_again(tmp_path, study):
    first = run(count_draws, study, 5, ledger=tmp_path / "ledger")
    before = contents(tmp_path / "ledger")
    again = run(count_draws, study, 5, 2, "processes", ledger=tmp_path / "ledger")
    assert np.array_equal(first["outcomes"], again["outcomes"])
    assert runs(study.folder, 5) == [1] * 5 and contents(tmp_path / "ledger") == before


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 3
    path.write_bytes(
        {
            "truncated": whole[:-7],
            "cut short": whole[:10],
            "empty": b"",
            "another file": b"not a chunk" * 50,
            "flipped bit": whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :],
        }[how]
    )


@pytest.mark.parametrize("how", ["truncated", "cut short", "empty", "another file", "flipped bit"])
def test_a_damaged_entry_is_computed_again(how, tmp_path, study):
    whole = run(count_draws, study, 5, ledger=tmp_path / "ledger")
    damage(tmp_path / "ledger" / "chunk-00000003.npz", how)
    again = run(count_draws, study, 5, ledger=tmp_path / "ledger")
    assert np.array_equal(whole["outcomes"], again["outcomes"])
    assert runs(study.folder, 5) == [1, 1, 1, 2, 1]


def test_no_flipped_byte_gives_another_result(tmp_path, study):
    kept = Ledger.open(tmp_path / "ledger", Work(count_draws, study))
    counts = count_draws(study, 0)
    kept.write(0, counts)
    whole = kept.path(0).read_bytes()
    for at in range(0, len(whole), 3):
        kept.path(0).write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        found = kept.read(0)
        assert found is None or all(np.array_equal(found[name], counts[name]) for name in counts)


def test_a_ledger_of_another_study_is_refused_untouched(tmp_path, study):
    run(count_draws, study, 3, ledger=tmp_path / "ledger")
    before = contents(tmp_path / "ledger")
    with pytest.raises(InputError, match=r"is of another study \(a study\).*was not touched"):
        run(count_draws, replace(study, seed=2), 3, ledger=tmp_path / "ledger")
    assert contents(tmp_path / "ledger") == before


def test_a_ledger_of_other_code_is_refused(tmp_path, study, monkeypatch):
    run(count_draws, study, 1, ledger=tmp_path / "ledger")
    monkeypatch.setattr(ledger_module, "code_hash", lambda: "another")
    with pytest.raises(InputError, match="another version of mmbench"):
        run(count_draws, study, 1, ledger=tmp_path / "ledger")


def test_other_files_are_refused_untouched(tmp_path, study):
    (tmp_path / "letter.txt").write_text("dear")
    for where in (tmp_path, tmp_path / "letter.txt", tmp_path / "letter.txt" / "below"):
        with pytest.raises(InputError, match="ledger"):
            run(count_draws, study, 1, ledger=where)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt", "marks"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "mmbench study ledger 99"}', '{"format": 3}'])
def test_a_header_that_cannot_be_read_is_refused(text, tmp_path, study):
    run(count_draws, study, 1, ledger=tmp_path / "ledger")
    (tmp_path / "ledger" / HEADER).write_text(text)
    with pytest.raises(InputError, match=HEADER):
        run(count_draws, study, 1, ledger=tmp_path / "ledger")


def test_a_leftover_of_a_killed_write_is_no_obstacle(tmp_path, study):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / ".mmbench-0123.tmp").write_bytes(b"half")
    run(count_draws, study, 1, ledger=tmp_path / "ledger")
    assert (tmp_path / "ledger" / HEADER).exists()


@dataclass(frozen=True)
class Named:
    value: object


def test_every_difference_makes_another_digest():
    values = [
        None, 0, 1, True, 1.0, "1", b"1", Fraction(1, 2), 0.5, (1, 2), [1, 2], ((1,), 2), {"a": 1}, {"a": 2}, {"b": 1},
        np.array([1, 2]), np.array([1, 2], dtype=np.int32), np.array([[1, 2]]), np.array([2, 1]), np.int64(1),
        Named(1), ("ab", "c"), ("a", "bc"), (), ((),), Path("a"), count_draws,
    ]  # fmt: skip
    digests = [digest(Work(count_draws, Named(value))) for value in values]
    assert len(set(digests)) == len(values)
    assert digest(Work(fail_at_three, Named(1))) != digest(Work(count_draws, Named(1)))
    assert digest(Work(partial(count_draws, n=1), 1)) != digest(Work(partial(count_draws, n=2), 1))


def test_what_has_no_digest_is_refused():
    for value in (object(), {1, 2}, np.array([object()])):
        with pytest.raises(TypeError, match="no digest"):
            digest(Work(count_draws, value))


def test_the_digest_is_the_same_in_every_process():
    code = (
        "from mmbench.sizing.compute.ledger import digest; from mmbench.sizing.compute.work import Work;"
        "from tests.sizing.chunk_functions import Study, count_draws; print(digest(Work(count_draws, Study(seed=7))))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert told == {digest(Work(count_draws, Study(seed=7)))}
