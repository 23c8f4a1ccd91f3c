"""Two commits, a callee edited in another file: both values are seen; numba's own cache would show the first twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mmbench

ACCELERATE = Path(mmbench.__file__).parent / "accelerate.py"
PRICE = "from mmbench.accelerate import njit\n\n\n@njit\ndef price():\n    return {}\n"
TOTAL = """\
from mmbench.accelerate import njit
from mmbench.engine.price import price


@njit
def total(n):
    s = 0
    for _ in range(n):
        s += price()
    return s
"""
PLAIN = "import numba\n\n\ndef njit(function):\n    return numba.njit(cache=True)(function)\n"
ASK = "from mmbench.engine.total import total; print(total(1000))"


def commit(root: Path, message: str) -> str:
    for command in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", message]):
        subprocess.run(["git", "-C", root, *command], check=True)
    done = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A package that compiles as mmbench does, small: total calls price, in another file."""
    package = tmp_path / "repo" / "mmbench"
    (package / "engine").mkdir(parents=True)
    for path in (package / "__init__.py", package / "engine" / "__init__.py"):
        path.write_text("")
    shutil.copy(ACCELERATE, package)
    (package / "engine" / "total.py").write_text(TOTAL)
    subprocess.run(["git", "init", "-q", package.parent], check=True)
    return package.parent


def commits(root: Path) -> list[str]:
    found = []
    for number in (3, 7):
        (root / "mmbench" / "engine" / "price.py").write_text(PRICE.format(number))
        found.append(commit(root, f"price {number}"))
    return found


def measured(root: Path, name: str, cache: Path) -> int:
    subprocess.run(["git", "-C", root, "checkout", "-q", name], check=True)
    environment = os.environ | {
        "PYTHONPATH": str(root), "MMBENCH_CACHE_DIR": str(cache), "NUMBA_CACHE_DIR": str(cache / "plain"),
        "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_DISABLE_JIT": "0",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, cwd=root)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_an_edited_callee_is_seen(repository: Path, tmp_path: Path) -> None:
    found = [measured(repository, name, tmp_path / "cache") for name in commits(repository)]
    assert found == [3000, 7000]


def test_without_the_guard_the_second_commit_shows_the_first_ones_value(repository: Path, tmp_path: Path) -> None:
    (repository / "mmbench" / "accelerate.py").write_text(PLAIN)
    found = [measured(repository, name, tmp_path / "cache") for name in commits(repository)]
    assert found == [3000, 3000]
