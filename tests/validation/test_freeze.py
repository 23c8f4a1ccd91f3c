"""Predictions are on disk before anything is measured, and a change after that is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from mmbench.errors import CannotError, InputError
from mmbench.validation.freeze import Frozen

LINES = [{"config": {"span_bytes": 4096}, "what": "exit", "model_ns": 17, "freed_pages": 1}]


def test_frozen_predictions_are_a_file_with_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "said.json"
    frozen = Frozen(LINES, {"name": "here"}, str(path))
    assert json.loads(path.read_text())["predictions"] == LINES
    assert frozen.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert frozen.predictions() == LINES
    assert os.listdir(tmp_path) == ["said.json"]


def test_changed_predictions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "said.json"
    frozen = Frozen(LINES, {}, str(path))
    path.write_text(path.read_text().replace("17", "18"))
    with pytest.raises(CannotError, match="changed after they were frozen"):
        frozen.predictions()


def test_without_a_path_nothing_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    frozen = Frozen(LINES, {})
    assert os.listdir(tmp_path) == [] and frozen.predictions() == LINES


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="folder"):
        Frozen(LINES, {}, str(tmp_path / "no" / "said.json"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no"))
    with pytest.raises(CannotError, match="set TMPDIR"):
        Frozen(LINES, {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: open("/dev/full", "w+"))  # noqa: SIM115
    with pytest.raises(CannotError, match="No space left on device; free space"):
        Frozen(LINES, {})
