"""What is missing of a commit, and asv asked for that alone; asv's own processes end when we are interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbench.errors import InputError
from mmbench.tracking import history
from mmbench.tracking.repository import commit_of
from mmbench.tracking.series import results_of_both
from tests.benchmarks.versions import recorded

ROOT = Path(__file__).resolve().parents[2]
TRACK, TIME = "a.A.track_a", "a.A.time_a"
COMMIT = "a" * 40


def test_the_suite_is_what_asv_discovers():
    assert history.suite(ROOT) == {name: entry["version"] for name, entry in recorded().items()}


@pytest.mark.parametrize(
    ("values", "version", "left"),
    [
        ([1.0, 2.0], "1", []),
        ([1.0, float("nan")], "1", []),
        ([float("nan"), float("nan")], "1", []),
        ([1.0, None], "1", [TRACK]),
        ([1.0, 2.0], "2", [TRACK]),
    ],
)
def test_missing_is_what_failed_or_has_another_version(write, tmp_path, values, version, left):
    write(COMMIT, {TRACK: ([["1", "2"]], values)}, version=version, folder=tmp_path / history.RESULTS)
    assert history.missing(tmp_path, "vm", COMMIT, {TRACK: "1"}) == left
    assert history.missing(tmp_path, "another", COMMIT, {TRACK: "1"}) == [TRACK]


def test_asv_is_asked_for_the_missing_part_alone(write, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(history, "asv", lambda root, *args, on_line=None: asked.append(args))
    write(COMMIT, {TRACK: ([], [1.0])}, folder=tmp_path / history.RESULTS)
    outcome = history.measure_commit(tmp_path, "vm", COMMIT, {TRACK: "1", TIME: "1"}, True, print)
    assert [args[args.index("--bench") + 1] for args in asked] == [r"\.time_"]
    assert (outcome.what, outcome.n_values) == (history.MEASURED, 1)


def test_both_commits_are_read_from_one_machine(write, tmp_path):
    for commit, machines in (("a" * 8, ("one", "two")), ("b" * 8, ("two",))):
        for machine in machines:
            n = 3 if machine == "one" else 1
            write(commit, {TRACK: ([list("123")[:n]], [1.0] * n)}, machine=machine)
    folder = tmp_path / "results" / "asv"
    a, b = results_of_both(folder, "a" * 40, "b" * 40)
    assert a is not None and b is not None and a.machine == b.machine == "two"
    a, b = results_of_both(folder, "a" * 40, "c" * 40)
    assert a is not None and a.machine == "one" and b is None


CHILD = "import time, sys; print('started', flush=True); time.sleep(60)"
PARENT = """
import sys
from pathlib import Path
from mmbench.tracking import repository
repository.sys.executable, repository.PATIENCE_S = {fake!r}, 0.2
repository.asv(Path.cwd(), on_line=lambda line: print(line, flush=True))
"""


def test_asv_ends_when_only_mmbench_is_interrupted(tmp_path):
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\necho $$\nexec {sys.executable} -c "{CHILD}"\n')
    fake.chmod(0o755)
    code = PARENT.format(fake=str(fake))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        process.wait(20)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_name_that_looks_like_an_option_is_an_unknown_commit(repository):
    with pytest.raises(InputError, match="no commit '--all' here"):
        commit_of(repository, "--all")
