"""The recorded victims are what the script writes, and the script leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import CannotError, InputError
from mmbench.model.layout import SHMEM, VM_HUGETLB, VM_LOCKED, VM_LOCKONFAULT, VM_PFNMAP
from mmbench.victims import read_victim, recorded_victims, victim, write_victim
from mmbench.victims.recorded import record

REAL = pytest.mark.skipif(not os.access("/proc/self/smaps", os.R_OK), reason="needs Linux with /proc/PID/smaps")


def test_every_recipe_has_its_recording() -> None:
    assert set(recorded_victims()) == set(record.RECIPES)


@pytest.mark.parametrize("name", sorted(record.RECIPES))
def test_recordings_are_complete_small_and_canonical(name: str, tmp_path: Path) -> None:
    path = recorded_victims()[name]
    seen = read_victim(path)
    table = seen.vmas
    assert path.stat().st_size < 300_000
    assert seen.name == name
    assert {"program", "command", "kernel", "recorded", "comm", "note"} <= set(seen.facts)
    assert seen.facts["command"] == " ".join(a or "''" for a in record.RECIPES[name].command)
    counted = table.resident[(table.flags & (VM_HUGETLB | VM_PFNMAP)) == 0].sum()
    assert str(counted) == seen.facts["rss-pages"]
    write_victim(seen, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_shapes_are_those_the_programs_are_known_for() -> None:
    guest = victim("qemu-guest").vmas
    ram = int(np.argmax(guest.pages))
    assert int(guest.pages[ram]) == (256 << 20) // 4096 == int(guest.resident[ram])
    assert guest.flags[ram] & VM_LOCKED
    assert guest.locked_pages > 0.99 * guest.resident_pages
    stress = victim("stress-ng-mlock").vmas
    small = (stress.pages <= 3) & (stress.kind == SHMEM) & ((stress.flags & VM_LOCKED) != 0)
    assert small.sum() > 3000
    daemon = victim("earlyoom").vmas
    assert (daemon.flags & VM_LOCKONFAULT).any() and daemon.resident_pages < 1000
    redis = victim("redis-unlocked").vmas
    assert redis.locked_pages == 0 and redis.resident_pages * 4096 > record.REDIS_KEYS * 1024


def recipe(*command: str) -> record.Recipe:
    return record.Recipe("none", command, ("echo", "v1"), record._settle_quiet, "for a test")


@REAL
def test_a_recording_is_made_and_the_program_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo $$ > $0/pid; sleep 60 & echo $! > $0/child; wait"
    monkeypatch.setitem(record.RECIPES, "shell", recipe("sh", "-c", script, str(tmp_path)))
    monkeypatch.setattr(record, "POLL_S", 0.05)
    path = record.record("shell", tmp_path)
    assert path == tmp_path / "shell.victim"
    seen = read_victim(path)
    assert (seen.name, seen.facts["program"], seen.facts["comm"]) == ("shell", "v1", "sh")
    for who in ("pid", "child"):
        assert not alive(int((tmp_path / who).read_text()))


def alive(pid: int) -> bool:
    """Whether `pid` still runs; a zombie that nobody waited for does not."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return False
        except OSError:
            return False
        time.sleep(0.02)
    return True


def test_a_program_that_is_missing_ends_or_never_settles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "POLL_S", 0.01)
    monkeypatch.setattr(record, "TIMEOUT_S", 0.2)
    monkeypatch.setitem(record.RECIPES, "missing", recipe("no-such-program-here"))
    monkeypatch.setitem(record.RECIPES, "ends", recipe("sh", "-c", "echo too little memory >&2; exit 7"))
    never = record.Recipe("none", ("sleep", "60"), ("echo", "v1"), record._settle_locked, "for a test")
    monkeypatch.setitem(record.RECIPES, "never", never)
    with pytest.raises(CannotError, match=r"is not installed\. On Debian: apt-get install none"):
        record.record("missing", tmp_path)
    with pytest.raises(CannotError, match=r"ended with status 7 .* said: too little memory"):
        record.record("ends", tmp_path)
    with pytest.raises(CannotError, match="did not settle"):
        record.record("never", tmp_path)
    with pytest.raises(InputError, match="Did you mean 'earlyoom'"):
        record.record("earlyom", tmp_path)
    assert list(tmp_path.iterdir()) == []


@REAL
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_stops_its_program(tmp_path: Path, how: signal.Signals) -> None:
    code = (
        "import sys; from mmbench.victims.recorded import record as r\n"
        f"r.RECIPES['never'] = r.Recipe('n', ('sh', '-c', 'echo $$ > {tmp_path}/pid; sleep 60'), ('echo',), "
        "r._settle_locked, '')\n"
        f"sys.exit(r.main(['never', '-o', {str(tmp_path)!r}]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(how)
        assert "has been stopped" in process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert not alive(int((tmp_path / "pid").read_text()))
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]
