"""A place of its own for every damaged file, bounded memory, and what a command says."""

from __future__ import annotations

import contextlib
import io
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mmbench.cli.main import main
from tests.fuzz.formats import SAVED, Said

MOST_BYTES = 8 << 30  # of address space: who believes a number of a damaged file may ask for more than there is


@pytest.fixture(autouse=True)
def bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Relative names end up in a temporary folder; a huge allocation fails instead of filling the machine."""
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def say() -> Callable[[list[str]], Said]:
    """Runs a command: its exit code, stdout and stderr. An exception of it comes out."""

    def run(words: list[str]) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as end:  # argparse's own
                code = int(end.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def ask(say: Callable[[list[str]], Said], tmp_path: Path) -> Callable[..., str]:
    """Runs a command that makes a whole file: what it printed, or what it wrote to SAVED."""

    def made(*words: str) -> str:
        path = tmp_path / "saved.kills.json"
        said = say([str(path) if word == SAVED else word for word in words])
        return path.read_text() if SAVED in words else said.out

    return made
