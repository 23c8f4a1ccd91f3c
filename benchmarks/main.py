"""`make bench`: measure HEAD with asv, show what the model says of every strategy, publish.

    python -m benchmarks.main

Only committed code is measured. asv writes to results/asv, environments and pages go below .asv.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError, MmbenchError
from mmbench.tracking.repository import asv as run_asv

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "asv"
WORK = ROOT / ".asv"
SCENARIOS = ("quiet", "stuck-holder")
HEAD = "HEAD^!"  # git's words for this commit alone
asv = partial(run_asv, ROOT)


def say(text: str) -> None:
    """A heading, before the output of what it announces."""
    print(f"\n== {text}", flush=True)


def git(*args: str) -> str:
    """What git prints. Raises CannotError when it fails."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotError("git is not installed; asv measures commits.") from None
    if done.returncode:
        raise CannotError(f"git {' '.join(args)} fails: {done.stderr.strip()}. asv measures commits: clone the repo.")
    return done.stdout.strip()


def head() -> str:
    """Hash of the commit that is measured. Raises CannotError outside a repository and before its first commit."""
    if Path(git("rev-parse", "--show-toplevel")).resolve() != ROOT:
        raise CannotError(f"{ROOT} is not the top of a git repository; asv measures commits: clone the repository.")
    return git("rev-parse", "--verify", "HEAD^{commit}")


def describe_machine() -> None:
    """Let asv note what this machine is, without its questions: --yes answers them. Raises CannotError."""
    lines: list[str] = []
    if asv("machine", "--yes", on_line=lines.append):
        raise CannotError(f"asv machine --yes fails: {' '.join(lines)}")


def result_files(commit: str, since: float) -> list[Path]:
    """Results of a commit that were written after `since` (seconds of the epoch)."""
    return [path for path in sorted(RESULTS.glob(f"*/{commit[:8]}-*.json")) if path.stat().st_mtime >= since]


def values_of(entry: Any) -> list[Any]:
    """Values of one benchmark in a result file: one per combination of parameters, None where it failed."""
    found = entry[0] if isinstance(entry, list) else entry
    return found if isinstance(found, list) else [found]


def count_measured(files: list[Path]) -> tuple[int, list[str]]:
    """(values measured, benchmarks with a failed combination). A skipped combination is NaN and neither."""
    measured, failed = 0, []
    for path in files:
        for name, entry in json.loads(path.read_text())["results"].items():
            values = values_of(entry)
            measured += sum(value is not None and value == value for value in values)
            if None in values:
                failed.append(name)
    return measured, failed


def measure(commit: str) -> int:
    """asv over HEAD; returns how many values it got. Raises CannotError when there is none, or one failed."""
    dirty = git("status", "--porcelain", "--untracked-files=no")
    say(f"asv measures commit {commit[:8]}" + (" (not the uncommitted changes)" if dirty else ""))
    describe_machine()
    start = time.time() - 1
    code = asv("run", "--quick", HEAD)
    measured, failed = count_measured(result_files(commit, start))
    if not measured:
        raise CannotError(f"asv measured nothing (exit code {code}); its messages are above.")
    if failed:
        raise CannotError(
            f"asv measured {measured} values, but these benchmarks failed: {', '.join(failed)}. To see why: "
            f"{sys.executable} -m asv run --quick --show-stderr --bench {failed[0]} {HEAD}"
        )
    if code:
        raise CannotError(f"asv run ended with exit code {code}; its messages are above.")
    return measured


def compare() -> list[Path]:
    """Print and draw all strategies in the scenarios that matter most; returns the pictures."""
    pictures = []
    for scenario in SCENARIOS:
        say(f"mmbench compare --scenario {scenario}")
        picture = WORK / f"compare-{scenario}.png"
        command = [sys.executable, "-m", "mmbench", "compare", "--scenario", scenario, "--plot", str(picture)]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise CannotError(f"mmbench compare --scenario {scenario} failed; its message is above.")
        pictures.append(picture)
    return pictures


def bench() -> None:
    """All of it. Raises MmbenchError at the first step that cannot be done."""
    commit = head()
    measured = measure(commit)
    pictures = compare()
    say("asv publish")
    if asv("publish"):
        raise CannotError("asv publish failed; its messages are above.")
    say(f"done: {measured} values of commit {commit[:8]}")
    print(f"results   {RESULTS.relative_to(ROOT)}/")
    for picture in pictures:
        print(f"picture   {picture.relative_to(ROOT)}")
    print(f"pages     {(WORK / 'html').relative_to(ROOT)}/ (look at them with: {sys.executable} -m asv preview)")


def main() -> int:
    """Run and return an exit code; a sentence instead of a traceback."""
    try:
        bench()
    except MmbenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nbench: interrupted; what asv has written stays.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
