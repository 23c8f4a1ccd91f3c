"""Every file that a verb writes goes through one writer: no device or pipe is replaced, a link stays a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.errors import EXIT_BAD_INPUT

SMALL = ["--size", "8MiB", "--vmas", "2"]
RUN = ["v6.18", *SMALL]
FEW = ["size", "--ordinary", "64MiB", "--heavy", "256MiB", "--rarity", "1/10", "--n", "2000"]
LOG = Path(__file__).parents[1] / "victims" / "kernel_log" / "logs"
OUTPUTS = {
    "check-save": (["check", "v4.14", "--save"], "x.json"),
    "check-trace": (["check", "v4.14", "--trace"], "x.json"),
    "trace-output": (["trace", *RUN, "-o"], "x.json"),
    "trace-png": (["trace", *RUN, "--plot"], "x.png"),
    "compare-plot": (["compare", "v6.18", "v5.17", *SMALL, "--plot"], "x.png"),
    "size-plot": ([*FEW, "--plot"], "x.png"),
    "snapshot": (["snapshot", str(os.getpid()), "-o"], "x.victim"),
    "import": (["import", "LOG", "-o"], "x.kills.json"),
}


def ask(name: str, target: Path) -> int:
    words, _ = OUTPUTS[name]
    words = [str(next(iter(sorted(LOG.glob("*.log"))))) if word == "LOG" else word for word in words]
    return main([*words, f"ccdf={target}" if name == "size-plot" else str(target)])


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_pipe_or_device_stays_what_it_is(name, tmp_path, capsys):
    target = tmp_path / OUTPUTS[name][1]
    os.mkfifo(target)
    assert ask(name, target) == EXIT_BAD_INPUT
    assert "it is a device or a pipe; give the name of a file." in capsys.readouterr().err
    assert stat.S_ISFIFO(target.stat().st_mode) and os.listdir(tmp_path) == [target.name]


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_link_stays_a_link_and_its_file_is_replaced(name, tmp_path, capsys):
    real, target = tmp_path / "real", tmp_path / OUTPUTS[name][1]
    real.write_text("old")
    target.symlink_to("real")
    assert ask(name, target) != EXIT_BAD_INPUT
    assert target.is_symlink() and real.read_bytes() not in (b"old", b"")
    assert sorted(os.listdir(tmp_path)) == sorted(["real", target.name])
