"""Result files as asv writes them, made by asv itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

MACHINE = {"machine": "vm", "arch": "x86_64", "cpu": "one", "num_cpu": "2", "os": "Linux", "ram": "1"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write one commit's results: series -> (params, values), or for timings series -> samples."""

    def write_one(commit: str, exact: dict[str, Any], timed: dict[str, list[float]] | None = None, *,
                  date: int = 1, version: str = "1", folder: Path | None = None,
                  machine: str = "vm") -> Path:  # fmt: skip
        results = Results(
            {**MACHINE, "machine": machine, "python": "3.11"}, {}, commit.ljust(40, "0"), date, "3.11", "env", {}
        )
        for name, (params, values) in exact.items():
            none = [None] * len(values)
            add(results, name, version, params, BenchmarkResult(values, none, none, 0, "", None))
        for name, samples in (timed or {}).items():
            add(results, name, version, [], BenchmarkResult([1.0], [samples], [1], 0, "", None))
        target = folder or tmp_path / "results" / "asv"
        (target / machine).mkdir(parents=True, exist_ok=True)
        results.save(str(target))
        return target

    return write_one


def add(results: Results, name: str, version: str, params: list[Any], found: BenchmarkResult) -> None:
    results.add_result({"name": name, "version": version, "params": params}, found, record_samples=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A scratch repository with an asv.conf.json and three commits."""
    root = tmp_path / "repo"
    root.mkdir()
    settings = (["init", "-q", "-b", "main"], ["config", "user.email", "a@b"], ["config", "user.name", "a"])
    for command in settings:
        subprocess.run(["git", "-C", root, *command], check=True)
    for n in range(3):
        (root / "asv.conf.json").write_text("{}" + "\n" * n)
        subprocess.run(["git", "-C", root, "add", "."], check=True)
        subprocess.run(["git", "-C", root, "commit", "-qm", f"commit {n}"], check=True)
    return root
