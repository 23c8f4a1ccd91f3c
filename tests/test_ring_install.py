"""The wheel and what it depends on in an empty environment, outside any checkout: every verb answers."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

from mmbench.cli.main import VERBS
from mmbench.extras import EXTRAS
from tests.test_wheel import built

pytestmark = pytest.mark.install

LOG = Path(__file__).parent / "victims" / "kernel_log" / "logs" / "eos_4.15_syslog.log"
SMALL = ("--size", "64MiB", "v6.18")
# verb -> command lines that exit with 0
ANSWERS = {
    "list": ("list",),
    "show": ("show", "v6.18"),
    "compare": ("compare", *SMALL),
    "run": ("run", "v6.18", "--size", "64MiB"),
    "trace": ("trace", "v6.18", "--size", "64MiB"),
    "check": ("check", "v6.18"),
    "size": ("size", "--heavy", "64MiB", "--rarity", "10%", "--n", "10k", "v6.18"),
    "snapshot": ("snapshot", "{pid}", "-o", "mine.victim"),
    "import": ("import", "{log}"),
    "answer": ("answer", "exit-write"),
    "explain": ("explain", "MMF_OOM_SKIP"),
    "doctor": ("doctor",),
    "lab": ("lab", "list"),
    "help": ("help", "size"),
}
# What needs an extra: command line -> module that is not there
WANTS = {
    ("compare", *SMALL, "--plot", "a.png"): "matplotlib",
    ("trace", "v6.18", "--size", "64MiB", "--plot", "a.png"): "matplotlib",
    ("size", "--heavy", "64MiB", "--n", "10k", "v6.18", "--backend", "dask"): "distributed",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/mmbench of an environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=True)
    wheel = built(folder)
    command = [folder / "env/bin/python", "-m", "pip", "install", "--quiet", "-c", "requirements.lock", wheel]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no package index answers, pip says: {done.stderr[-300:]}")
    return folder / "env/bin/mmbench"


def said(installed: Path, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [installed, *(word.format(pid=os.getpid(), log=LOG) for word in argv)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_every_verb_is_asked_here_or_needs_this_machine() -> None:
    assert set(VERBS) - set(ANSWERS) == {"calibrate", "validate", "oom", "bench"}


@pytest.mark.parametrize("verb", ANSWERS)
def test_the_verb_answers(installed: Path, tmp_path: Path, verb: str) -> None:
    done = said(installed, tmp_path, *ANSWERS[verb])
    assert done.returncode == 0 and done.stdout + done.stderr, done.stderr


@pytest.mark.parametrize("argv", WANTS, ids=lambda argv: f"{argv[0]} {argv[-2]}")
def test_what_needs_an_extra_names_it(installed: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    done = said(installed, tmp_path, *argv)
    assert done.returncode == 3 and f"pip install 'mmbench[{EXTRAS[WANTS[argv]]}]'" in done.stderr


def test_bench_is_for_a_checkout(installed: Path, tmp_path: Path) -> None:
    done = said(installed, tmp_path, "bench", "compare", "HEAD")
    assert done.returncode == 3 and "clone the repository" in done.stderr


def test_there_is_no_commit_to_name(installed: Path, tmp_path: Path) -> None:
    assert "commit" not in said(installed, tmp_path, "--version").stdout
