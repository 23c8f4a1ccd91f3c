"""The git repository whose commits are measured, and asv run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mmbench.errors import CannotError, InputError

CONFIG = "asv.conf.json"


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
        raise CannotError("not inside a git repository; asv measures commits: clone the repository.") from error
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
    """Hashes in a range A..B, oldest first. Raises InputError for what is no range, or an empty one."""
    first, dots, last = span.partition("..")
    if not dots or not first or last.startswith("."):
        raise InputError(f"{span!r} is no range; give A..B: the commits after A, up to and with B.")
    a, b = commit_of(root, first), commit_of(root, last or "HEAD")
    found = git(root, "rev-list", "--reverse", "--first-parent", f"{a}..{b}").split()
    if not found:
        raise InputError(f"no commits in {span}: {first} is not older than {last or 'HEAD'}.")
    return found


def refuse_dirty(root: Path) -> None:
    """Raise InputError when tracked files are changed: asv would measure the commit, not what is in front of you."""
    changed = git(root, "diff", "--name-only", "HEAD").splitlines()
    if changed:
        names = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise InputError(
            f"{len(changed)} changed files ({names}): asv measures commits, and would not see them. Commit or stash "
            "them, or use `mmbench bench smoke`, which runs what is in front of you."
        )


def asv(root: Path, *args: str, on_line: Callable[[str], None] | None = None) -> int:
    """Run asv in the repository and return its exit code; its output goes to `on_line`, or straight through.

    Raises CannotError when asv is not installed.
    """
    import importlib.util

    if importlib.util.find_spec("asv") is None:
        raise CannotError("asv is not installed; `make bench` sets it up, or: pip install 'mmbench[bench]'.")
    command = [sys.executable, "-m", "asv", *args]
    if on_line is None:
        sys.stdout.flush()
        return subprocess.run(command, cwd=root, check=False).returncode
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            on_line(line.rstrip("\n"))
    return process.returncode
