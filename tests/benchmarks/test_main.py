"""make bench: what counts as measured, and clear words when nothing was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import main as bench
from mmbench.errors import CannotError

ROOT = Path(__file__).resolve().parents[2]


def write_results(folder: Path, results: dict[str, Any], name: str = "abcdef01-env.json") -> Path:
    path = folder / "machine" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"results": results}))
    return path


def test_counts_values_failures_and_skips(tmp_path: Path) -> None:
    results = {"good": [[1.0, 2.0, float("nan")], []], "scalar": 3.0, "bad": [[None, 1.0], []], "dead": None}
    assert bench.count_measured([write_results(tmp_path, results)]) == (4, ["bad", "dead"])
    assert bench.count_measured([]) == (0, [])


def test_results_of_earlier_runs_and_other_commits_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    new = write_results(tmp_path, {})
    old = write_results(tmp_path, {}, "abcdef01-old.json")
    os.utime(old, (1, 1))
    write_results(tmp_path, {}, "12345678-env.json")
    assert bench.result_files("abcdef0123456789", since=100) == [new]


def stand_in(folder: Path) -> Path:
    """A copy of the entry point in a folder that is no repository."""
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_bench(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = [sys.executable, "-m", "benchmarks.main"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_no_repository_is_a_sentence(tmp_path: Path) -> None:
    done = run_bench(stand_in(tmp_path))
    assert done.returncode == 3
    assert done.stderr.startswith("bench: ") and "clone the repo" in done.stderr


def test_no_commit_is_a_sentence(tmp_path: Path) -> None:
    folder = stand_in(tmp_path)
    subprocess.run(["git", "init", "-q", folder], check=True)
    done = run_bench(folder)
    assert done.returncode == 3
    assert done.stderr.startswith("bench: ") and "Traceback" not in done.stderr


def test_no_git_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotError, match="git is not installed"):
        bench.git("status")


@pytest.mark.parametrize(
    ("results", "code", "said"),
    [
        ({}, 0, "measured nothing"),
        ({"a": [[None], []]}, 2, "measured nothing"),
        ({"a": [[1.0], []], "b": [[None], []]}, 2, "benchmarks failed: b"),
        ({"a": [[1.0], []]}, 1, "exit code 1"),
    ],
)
def test_what_asv_did_not_measure_is_said(
    results: dict[str, Any], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asv(*args: str) -> int:
        write_results(tmp_path, results)
        return code

    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(bench, "git", lambda *args: "")
    monkeypatch.setattr(bench, "describe_machine", lambda: None)
    monkeypatch.setattr(bench, "asv", asv)
    with pytest.raises(CannotError, match=said):
        bench.measure("abcdef0123456789")


def test_what_asv_measured_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(bench, "git", lambda *args: "")
    monkeypatch.setattr(bench, "describe_machine", lambda: None)
    monkeypatch.setattr(bench, "asv", lambda *args: write_results(tmp_path, {"a": [[1.0, 2.0], []]}) is None)
    assert bench.measure("abcdef0123456789") == 2
