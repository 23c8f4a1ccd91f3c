"""The git repository whose commits are measured, and asv run in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from mmbench.errors import CannotError, InputError
from mmbench.extras import require

CONFIG = "asv.conf.json"
SUITE = ("benchmarks", CONFIG)
CODE = ("mmbench", *SUITE)
PATIENCE_S = 5.0  # for asv to end after Ctrl-C


def git(root: Path, *args: str) -> str:
    """What git prints, stripped. Raises CannotError without git, InputError with git's own words."""
    try:
        done = subprocess.run(["git", "-C", root, *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotError("git is not installed; asv measures commits.") from None
    if done.returncode:
        raise InputError(f"git {' '.join(args)}: {done.stderr.strip() or 'failed'}")
    return done.stdout.strip()


def find_root(start: Path | None = None) -> Path:
    """Top of the repository around a folder (the current one). Raises CannotError when it is not one with a suite."""
    try:
        root = Path(git(start or Path.cwd(), "rev-parse", "--show-toplevel"))
    except InputError as error:
        raise CannotError(
            f"no git repository to measure ({error}); asv measures commits: clone the repository."
        ) from error
    if not (root / CONFIG).is_file():
        raise CannotError(f"{root} has no {CONFIG}: this is not the repository of mmbench.")
    return root


def commit_of(root: Path, name: str) -> str:
    """Full hash of a commit, branch or tag. Raises InputError naming what was not found."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except InputError:
        newest = git(root, "log", "-3", "--format=%h %s")
        raise InputError(f"no commit {name!r} here; give a hash, a branch or a tag, such as:\n{newest}") from None


def commits_of(root: Path, span: str) -> list[str]:
    """Hashes in a range A..B, oldest first; of a name without dots, that commit alone.

    Raises InputError for what is no range, or an empty one.
    """
    first, dots, last = span.partition("..")
    if not dots:
        return [commit_of(root, span)]
    if not first or last.startswith("."):
        raise InputError(f"{span!r} is no range; give A..B, the commits after A up to and with B, or one commit.")
    a, b = commit_of(root, first), commit_of(root, last or "HEAD")
    found = git(root, "rev-list", "--reverse", "--first-parent", f"{a}..{b}").split()
    if not found:
        raise InputError(f"no commits in {span}: {first} is not older than {last or 'HEAD'}.")
    return found


def changed_files(root: Path, *folders: str) -> list[str]:
    """Files that differ from HEAD, new ones of package and suite included; results do not count, asv writes them."""
    where = folders or (".", ":(exclude)results")
    changed = git(root, "diff", "--name-only", "HEAD", "--", *where).splitlines()
    new = git(root, "ls-files", "--others", "--exclude-standard", "--", *(folders or CODE)).splitlines()
    return [*changed, *new]


def refuse_dirty(root: Path) -> None:
    """Raise InputError when files are changed: asv would measure the commit, not what is in front of you."""
    if changed := changed_files(root):
        raise InputError(
            f"{_counted(changed)}: asv measures commits, and would not see them. Commit or stash "
            "them, or use `mmbench bench smoke`, which runs what is in front of you."
        )


def refuse_changed_suite(root: Path) -> None:
    """Raise InputError when the suite is changed: asv runs the benchmarks in front of you on every commit."""
    if changed := changed_files(root, *SUITE):
        raise InputError(
            f"{_counted(changed)}: asv would run them as they are now, and no commit could say what was measured. "
            "Commit or stash them."
        )


def _counted(files: list[str]) -> str:
    names = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")
    return f"{len(files)} changed {'file' if len(files) == 1 else 'files'} ({names})"


def asv(
    root: Path, *args: str, on_line: Callable[[str], None] | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """Run asv in the repository and return its exit code; its output goes to `on_line`, or straight through.

    Ends asv and what it started when interrupted. Raises CannotError when asv is not installed.
    """
    require("asv", "measuring commits needs")
    sys.stdout.flush()
    with subprocess.Popen(
        [sys.executable, "-m", "asv", *args], cwd=root, encoding="utf-8", errors="replace",
        stdout=None if on_line is None else subprocess.PIPE, stderr=None if on_line is None else subprocess.STDOUT,
        env={**os.environ, "PATH": own_python_first(), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8",
             **(environment or {})},
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            return process.wait()
        except BaseException:
            _end(process)
            raise


def own_python_first() -> str:
    """PATH for asv, which looks there for the version of Python in use: a shim of that name may have none behind it."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _end(process: subprocess.Popen[str]) -> None:
    """Let asv end its own children: Ctrl-C in a terminal has reached it already, a signal to us alone has not."""
    for ask in (lambda: None, lambda: process.send_signal(signal.SIGINT)):
        ask()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
            return
    process.kill()
