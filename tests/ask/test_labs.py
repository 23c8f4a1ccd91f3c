"""Kernels are asked one after another, and each record is on disk before the next kernel boots."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from mmbench.ask.labs import Watcher, ask_each, run_patched
from mmbench.errors import InputError
from mmbench.lab import kernels, qemu


@pytest.fixture
def watcher(monkeypatch):
    """Who keeps what is said; kernels are found without an archive."""
    said = []

    @contextmanager
    def progress(release):
        yield lambda boot, done, total: said.append((release, boot, done, total))

    monkeypatch.setattr(qemu, "find_qemu", lambda: "qemu")
    monkeypatch.setattr(kernels, "find", lambda name, say: SimpleNamespace(series=name, release=f"{name}.0"))
    return SimpleNamespace(said=said, watcher=Watcher(said.append, progress))


def test_a_record_is_written_before_the_next_kernel_is_asked(tmp_path, watcher):
    def ask(kernel, report):
        report("boot", 1, 2)
        assert {path.name for path in tmp_path.iterdir()} == ({"5.10.json"} if kernel.series == "6.12" else set())
        return {"release": kernel.release}

    found = ask_each(["5.10", "6.12"], ask, str, str(tmp_path), watcher.watcher)
    assert [record["release"] for record in found] == ["5.10.0", "6.12.0"]
    assert (tmp_path / "6.12.json").read_text() == "{'release': '6.12.0'}"
    assert watcher.said[:2] == [("5.10.0", "boot", 1, 2), f"written: {tmp_path / '5.10.json'}"]


def test_a_patched_kernel_runs_one_design(watcher):
    with pytest.raises(InputError, match="2 strategies for a kernel of your own"):
        run_patched(["./vmlinuz"], ["v6.1", "v6.18"], "quick", False, None, watcher.watcher)
