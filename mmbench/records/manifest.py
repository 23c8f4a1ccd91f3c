"""A manifest says which code on which machine made a result: what somebody needs to believe it or make it again.

It holds no host name, user name or path, so that a result can be published as it is.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import mmbench
from mmbench.records.measured_types import Manifest
from mmbench.records.schema import Fields, Int, Text, check

FORMAT = "mmbench-manifest 1"
GIT_TIMEOUT_S = 10
CODE = ("mmbench_version", "commit", "commit_modified")  # the fields that say which code it was

MANIFEST = Fields(
    {
        "format": Text((FORMAT,)),
        "mmbench_version": Text(),
        "kernel": Text(),
        "architecture": Text(),
        "cpu_model": Text(),
        "n_cpus": Int(minimum=1),
        "python_version": Text(),
    },
    # Absent, never guessed: outside a git checkout, without /proc, or without the package.
    {
        "commit": Text(),
        "commit_modified": Text(("yes", "no")),
        "ram_bytes": Int(minimum=1),
        "numpy_version": Text(),
        "numba_version": Text(),
    },
)


def build_manifest() -> Manifest:
    """Return the manifest of this process: plain JSON values, RAM in bytes, unknown facts absent."""
    uname = platform.uname()
    facts: dict[str, str | int | None] = {
        "format": FORMAT,
        "mmbench_version": mmbench.__version__,
        **commit_of_checkout(),
        "kernel": f"{uname.system} {uname.release}",
        "architecture": uname.machine,
        "cpu_model": cpu_model(_proc("cpuinfo")) or uname.processor or f"unnamed {uname.machine}",
        "n_cpus": os.cpu_count() or 1,
        "ram_bytes": ram_bytes(_proc("meminfo")),
        "python_version": platform.python_version(),
        "numpy_version": _version("numpy"),
        "numba_version": _version("numba"),
    }
    return cast(Manifest, {name: value for name, value in facts.items() if value is not None})


def code_of(manifest: Manifest) -> dict[str, str]:
    """The fields of CODE that a manifest has."""
    return {name: str(value) for name, value in manifest.items() if name in CODE}


def validate_manifest(manifest: Any) -> None:
    """Raise InputError naming the first field that makes `manifest` no manifest."""
    check(manifest, MANIFEST, "manifest")


def cpu_model(cpuinfo: str) -> str | None:
    """Return the CPU's name from the text of /proc/cpuinfo; None where the architecture prints none (arm64)."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() in ("model name", "cpu model", "cpu", "hardware") and value.strip():
            return " ".join(value.split())
    return None


def ram_bytes(meminfo: str) -> int | None:
    """Return MemTotal in bytes from the text of /proc/meminfo; None when the line is absent."""
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024
    return None


def _proc(name: str) -> str:
    try:
        return Path("/proc", name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _version(package: str) -> str | None:
    # Package metadata instead of an import: importing numba takes longer than most runs.
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit_of_checkout() -> dict[str, str | None]:
    """Return commit and commit_modified of the checkout that runs; both None for an installed package."""
    return _commit(Path(mmbench.__file__).resolve().parent.parent)


def _commit(root: Path) -> dict[str, str | None]:
    """Return commit and commit_modified of the checkout at `root`; both None for an installed package.

    A package installed inside somebody else's repository must not claim that repository's commit.
    """
    nothing = {"commit": None, "commit_modified": None}
    if not (root / ".git").exists():
        return dict(nothing)
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", "mmbench")
    if commit is None or changes is None:
        return dict(nothing)
    return {"commit": commit, "commit_modified": "yes" if changes else "no"}


def _git(root: Path, *words: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(root), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
