"""Smoke with asv itself, on a suite of three: what runs, what fails, nothing chosen, nothing left behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mmbench.cli.main import main

SUITE = """
def track_good():
    return 1


def track_bad():
    raise AssertionError("a wrong answer")


def track_half(n):
    if n:
        raise AssertionError("a wrong answer")
    return 1


track_half.params = [0, 1]
"""
SETTINGS = {"version": 1, "project": "toy", "repo": ".", "branches": ["main"], "environment_type": "virtualenv"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repo"
    (root / "benchmarks").mkdir(parents=True)
    (root / "benchmarks" / "__init__.py").write_text("")
    (root / "benchmarks" / "toy.py").write_text(SUITE)
    (root / "asv.conf.json").write_text("// a comment\n" + json.dumps(SETTINGS))
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("chosen", "code", "said"),
    [
        ("track_", 1, "benchmarks: 3 ran, 2 failed: toy.track_bad, toy.track_half"),
        ("good", 0, "benchmarks: 1 ran, 0 failed"),
        ("nonesuch", 2, "nothing was measured"),
    ],
)
def test_smoke(root: Path, capsys: pytest.CaptureFixture[str], chosen: str, code: int, said: str) -> None:
    before = sorted(root.rglob("[a-z]*.*"))
    assert main(["bench", "smoke", "--bench", chosen]) == code
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert [path for path in sorted(root.rglob("[a-z]*.*")) if path.suffix != ".pyc"] == before
