"""Measuring commits: what is missing of each, asv over that alone, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbench.errors import CannotError
from mmbench.tracking.repository import asv, git
from mmbench.tracking.series import HASH_LENGTH, results_of_commit

RESULTS = "results/asv"
MEASURED, FAILED, ALREADY = "measured", "failed", "already there"
# Each part is one run of asv, which writes its results at its end: an interruption loses one part of one commit.
PARTS = (r"\.track_", r"\.time_")


class Outcome(NamedTuple):
    """One commit: what became of it, values measured, values that failed, seconds."""

    commit: str
    what: str
    n_values: int
    n_failed: int
    seconds: float


def describe_machine(root: Path) -> str:
    """Let asv note what this machine is, without its questions; returns its name there. Raises CannotError."""
    lines: list[str] = []
    if asv(root, "machine", "--yes", on_line=lines.append):
        raise CannotError(f"asv machine --yes fails: {' '.join(lines)}")
    from asv.machine import Machine

    return str(Machine.load(interactive=False).machine)


def suite(root: Path) -> dict[str, str]:
    """Series -> version, of the benchmarks in front of you. Raises CannotError when they cannot be imported."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "found.json")
        command = [sys.executable, "-m", "asv.benchmark", "discover", str(root / "benchmarks"), str(found)]
        environment = {**os.environ, "ASV_PYTHONPATH": str(root)}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not found.is_file():
            raise CannotError(f"the benchmarks cannot be imported: {done.stderr.strip()[-500:]}")
        return {entry["name"]: str(entry["version"]) for entry in json.loads(found.read_text())}


def missing(root: Path, machine: str, commit: str, wanted: Mapping[str, str]) -> list[str]:
    """Series of a commit that this machine has not measured, or that failed in part."""
    found = results_of_commit(root / RESULTS, commit, machine)
    if found is None:
        return list(wanted)
    failed = {key.series for key, value in found.values.items() if value.number is None}
    return [name for name, version in wanted.items() if found.versions.get(name) != version or name in failed]


def count(root: Path, machine: str, commit: str, wanted: Mapping[str, str]) -> tuple[int, int]:
    """Values of a commit on this machine, measured and failed; benchmarks that are no more do not count."""
    found = results_of_commit(root / RESULTS, commit, machine)
    if found is None:
        return 0, 0
    values = [v for key, v in found.values.items() if wanted.get(key.series) == v.version]
    failed = sum(value.number is None for value in values)
    return len(values) - failed, failed


def spaced(commits: Sequence[str], n: int | None) -> list[str]:
    """At most n of them, evenly spaced, the newest always among them."""
    if n is None or n >= len(commits):
        return list(commits)
    return [commits[len(commits) - 1 - i * len(commits) // n] for i in reversed(range(n))]


def measure_commit(
    root: Path, machine: str, commit: str, wanted: Mapping[str, str], quick: bool, on_line: Callable[[str], None]
) -> Outcome:
    """Measure with asv what is missing of one commit; what does not build or run is recorded as failed."""
    start = time.monotonic()
    left = missing(root, machine, commit, wanted)
    options = ["--quick"] if quick else ["--record-samples"]
    for part in PARTS:
        if any(part[2:] in name for name in left):
            asv(root, "run", *options, "--skip-existing-successful", "--bench", part, f"{commit}^!", on_line=on_line)
    n_values, n_failed = count(root, machine, commit, wanted)
    what = FAILED if not n_values else MEASURED if left else ALREADY
    return Outcome(commit, what, n_values, n_failed, time.monotonic() - start)


def title(root: Path, commit: str) -> str:
    """Short hash and subject of a commit."""
    return git(root, "log", "-1", f"--abbrev={HASH_LENGTH}", "--format=%h %s", commit)
