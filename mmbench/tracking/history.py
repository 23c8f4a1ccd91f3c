"""Measuring commits: which are missing, asv over them one after another, and what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbench.errors import CannotError
from mmbench.tracking.repository import asv, git
from mmbench.tracking.series import HASH_LENGTH, read_results, result_files

RESULTS = "results/asv"
MEASURED, FAILED, ALREADY = "measured", "failed", "already there"


class Outcome(NamedTuple):
    """One commit: what became of it, values measured, values that failed, seconds."""

    commit: str
    what: str
    n_values: int
    n_failed: int
    seconds: float


def count(root: Path, commit: str) -> tuple[int, int]:
    """Values of a commit, measured and failed, over all machines."""
    files = [p for p in result_files(root / RESULTS) if p.name.startswith(commit[:HASH_LENGTH] + "-")]
    values = [value for path in files for value in read_results(path).values.values()]
    failed = sum(value.number is None for value in values)
    return len(values) - failed, failed


def describe_machine(root: Path) -> None:
    """Let asv note what this machine is, without its questions. Raises CannotError."""
    lines: list[str] = []
    if asv(root, "machine", "--yes", on_line=lines.append):
        raise CannotError(f"asv machine --yes fails: {' '.join(lines)}")


def spaced(commits: Sequence[str], n: int | None) -> list[str]:
    """At most n of them, evenly spaced, the newest always among them."""
    if n is None or n >= len(commits):
        return list(commits)
    return [commits[len(commits) - 1 - i * len(commits) // n] for i in reversed(range(n))]


def measure_commit(root: Path, commit: str, quick: bool, on_line: Callable[[str], None]) -> Outcome:
    """Measure one commit with asv; a commit that does not build or run is recorded as failed.

    Values that are there already are not measured again, so an interrupted run goes on where it stopped.
    """
    start = time.monotonic()
    before = count(root, commit)
    options = ["--quick"] if quick else ["--record-samples"]
    asv(root, "run", *options, "--skip-existing-successful", f"{commit}^!", on_line=on_line)
    n_values, n_failed = count(root, commit)
    what = ALREADY if (n_values, n_failed) == before and n_values else MEASURED if n_values else FAILED
    return Outcome(commit, what, n_values, n_failed, time.monotonic() - start)


def title(root: Path, commit: str) -> str:
    """Short hash and subject of a commit."""
    return git(root, "log", "-1", f"--abbrev={HASH_LENGTH}", "--format=%h %s", commit)
