"""Snapshots: every kind of VMA, every way a process can go away, and the real /proc."""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmbench.errors import EXIT_CANNOT, CannotError, InputError
from mmbench.model.layout import ANON, FILE, SHMEM, VM_HUGETLB, VM_LOCKED, VM_LOCKONFAULT, VM_PFNMAP, VM_SHARED
from mmbench.victims import pagemap
from mmbench.victims import snapshot as take
from mmbench.victims.file_format import read_victim, write_victim
from mmbench.victims.smaps import parse_smaps, tmpfs_devices

PID = 4242
READER = importlib.import_module("mmbench.victims.snapshot")  # the package's own name for it is the function
REAL = pytest.mark.skipif(not os.access("/proc/self/smaps", os.R_OK), reason="needs Linux with /proc/PID/smaps")


def test_every_kind_of_vma(canned: Any) -> None:
    victim = take(PID, canned.root)
    table = victim.vmas
    assert table.start.tolist() == [0x400, 0x500, 0x800, 0x1000, 0x1010, 0x1020, 0x1030, 0x1200, 0x1600, 0x1604]
    assert table.pages.tolist() == [32, 16, 1536, 3, 4, 4, 4, 1024, 4, 2]
    assert table.kind.tolist() == [FILE, ANON, ANON, SHMEM, ANON, SHMEM, SHMEM, SHMEM, ANON, ANON]
    assert table.flags.tolist() == [
        0,
        0,
        VM_LOCKED,
        VM_SHARED | VM_LOCKED | VM_LOCKONFAULT,
        0,
        VM_SHARED,
        VM_SHARED,
        VM_SHARED | VM_HUGETLB,
        VM_PFNMAP,
        0,
    ]
    assert table.resident.tolist() == [20, 6, 1536, 1, 4, 4, 0, 1024, 0, 2]
    assert table.huge.tolist() == [0, 0, 2, 0, 0, 0, 0, 2, 0, 0]
    assert table.elsewhere.tolist() == [20, 2, 0, 1, 0, 0, 0, 512, 0, 2]
    assert {i: runs.tolist() for i, runs in table.runs.items()} == {
        0: [[0, 20]],
        1: [[0, 3], [4, 6], [9, 10]],
        3: [[1, 2]],
    }


def test_resident_pages_are_the_sum_of_rss(canned: Any) -> None:
    victim = take(PID, canned.root)
    table = victim.vmas
    rss_kb = sum(int(kb) for kb in re.findall(r"^Rss: +(\d+)", (canned.home / "smaps").read_text(), re.MULTILINE))
    plain = (table.flags & VM_HUGETLB) == 0
    assert table.resident[plain].sum() * 4 == rss_kb
    assert victim.facts["rss-pages"] == str(rss_kb // 4)


def test_facts_say_what_was_read_and_nothing_private(canned: Any, tmp_path: Path) -> None:
    (canned.home / "cmdline").write_text("program\0--password=hunter2\0")
    (canned.home / "environ").write_text("TOKEN=hunter2\0")
    victim = take(PID, canned.root)
    assert victim.facts["kernel"] == "6.18.0-test"
    assert victim.facts["comm"] == "a (strange) name"
    assert victim.facts["runs"] == "exact for 3 of 3 partly resident VMAs"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", victim.facts["recorded"])
    write_victim(victim, tmp_path / "v.victim")
    text = (tmp_path / "v.victim").read_text()
    assert "hunter2" not in text and "secret" not in text and "memfd" not in text
    assert read_victim(tmp_path / "v.victim").facts == victim.facts


def test_a_comm_of_strange_bytes_can_be_written(canned: Any, tmp_path: Path) -> None:
    (canned.home / "comm").write_bytes(b" \xff\x07x\ny\n")
    victim = take(PID, canned.root)
    assert victim.facts["comm"] == "\ufffd?x?y"
    write_victim(victim, tmp_path / "v.victim")


@pytest.mark.parametrize("spoil", ["missing", "folder", "truncated", "zero"])
def test_without_pagemap_smaps_decides(canned: Any, spoil: str) -> None:
    path = canned.home / "pagemap"
    path.unlink()
    if spoil == "folder":
        path.mkdir()
    elif spoil == "truncated":
        path.write_bytes(b"\0" * (8 * 0x410 + 3))
    elif spoil == "zero":
        path.write_bytes(b"\0" * (8 * 0x2000))
    victim = take(PID, canned.root)
    assert victim.vmas.runs == {}
    assert victim.vmas.resident.tolist() == [20, 6, 1536, 1, 4, 4, 0, 1024, 0, 2]
    assert victim.vmas.elsewhere.tolist() == [20, 0, 0, 1, 0, 0, 0, 512, 0, 2]
    assert victim.facts["runs"].startswith("none, pagemap is not readable" if spoil == "missing" else "exact for 0 ")


def test_an_unreadable_pagemap_is_no_error(canned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pread", denied)
    assert take(PID, canned.root).vmas.runs == {}


def test_a_pagemap_that_disagrees_with_rss_is_not_believed(canned: Any) -> None:
    canned.pagemap({0x500: pagemap_word(), 0x1001: pagemap_word()})
    victim = take(PID, canned.root)
    assert list(victim.vmas.runs) == [3]
    assert victim.vmas.resident[1] == 6


def pagemap_word() -> int:
    return 1 << 63


def test_too_many_runs_are_spread_evenly(canned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagemap, "MAX_RUNS", 2)
    victim = take(PID, canned.root)
    assert list(victim.vmas.runs) == [0, 3]
    assert victim.vmas.elsewhere[1] == 2


@pytest.mark.parametrize("cut", ["Rss", "VmFlags", "Size"])
def test_smaps_that_stops_inside_a_vma_is_refused(canned: Any, cut: str) -> None:
    text = (canned.home / "smaps").read_text()
    (canned.home / "smaps").write_text(text[: text.index(f"\n{cut}:", text.index("[heap]"))])
    with pytest.raises(CannotError, match="stops inside the VMA at 00500000"):
        take(PID, canned.root)


def test_smaps_cut_anywhere_never_gives_a_traceback(canned: Any) -> None:
    text = (canned.home / "smaps").read_text()
    for length in range(0, len(text), 37):
        (canned.home / "smaps").write_text(text[:length])
        try:
            take(PID, canned.root)
        except CannotError:
            continue


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.stat(flags=0x200000 | 0x40), "is a kernel thread"),
        (lambda c: c.stat(state="Z"), r"already exited \(state Z\)"),
        (lambda c: c.stat(state="X"), "already exited"),
        (lambda c: c.stat(flags=0x400004), "already exited"),
        (lambda c: (c.home / "smaps").write_text(""), "or it ended just now"),
        (lambda c: (c.home / "smaps").unlink(), "there is no process 4242"),
        (lambda c: (c.home / "stat").write_text("4242 (x) S 1"), "or it ended just now"),
        (lambda c: shutil.rmtree(c.home), "there is no process 4242"),
    ],
)
def test_what_has_no_memory_cannot_be_recorded(canned: Any, change: Callable[..., object], message: str) -> None:
    change(canned)
    with pytest.raises(CannotError, match=message) as caught:
        take(PID, canned.root)
    assert caught.value.exit_code == EXIT_CANNOT


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        (lambda c: shutil.rmtree(c.home), "ended just now"),
        (lambda c: c.stat(state="Z"), "already exited"),
        (lambda c: c.stat(flags=0x400004), "already exited"),
        (lambda c: c.stat(start=556), "became another program"),
        (lambda c: c.stat(stack=1), "became another program"),
    ],
)
def test_a_process_that_ends_in_the_middle(
    canned: Any, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[..., object], message: str
) -> None:
    def then(*arguments: object) -> object:
        seen = list(parse_smaps(*arguments))  # type: ignore[arg-type]
        meanwhile(canned)
        return seen[:3]

    monkeypatch.setattr(READER, "parse_smaps", then)
    with pytest.raises(CannotError, match=message):
        take(PID, canned.root)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), PermissionError(1, "Not permitted")])
def test_no_permission_says_who_may(canned: Any, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def denied(*_: object) -> None:
        raise error

    monkeypatch.setattr(READER, "parse_smaps", denied)
    with pytest.raises(CannotError, match="Run as its owner or as root"):
        take(PID, canned.root)


def test_esrch_from_a_read_is_a_vanished_process(canned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(READER, "parse_smaps", gone)
    with pytest.raises(CannotError, match="there is no process 4242"):
        take(PID, canned.root)


@pytest.mark.parametrize("pid", [0, -1])
def test_a_pid_is_positive(pid: int) -> None:
    with pytest.raises(InputError, match="Allowed"):
        take(pid)


def test_larger_base_pages_are_refused(smaps_vma: Callable[..., str]) -> None:
    text = smaps_vma("00400000-00420000 r-xp 00000000 fe:00 1 /x", "rd", 64, page=16)
    with pytest.raises(CannotError, match="pages of 16 KiB"):
        list(parse_smaps(text.splitlines()))


def test_huge_blocks_of_every_kind_are_counted(smaps_vma: Callable[..., str]) -> None:
    line = "00400000-00c00000 rw-s 00000000 00:01 1 /memfd:x (deleted)"
    for kind in ("anon_huge", "shmem_huge", "file_huge"):
        (smap,) = parse_smaps(smaps_vma(line, "rd sh", 4096, **{kind: 4096}).splitlines())
        assert smap.huge == 2


def test_tmpfs_devices_are_told_from_mountinfo() -> None:
    lines = [
        "30 22 0:28 / /mnt rw - tmpfs tmpfs rw",
        "1 2 254:16 / / rw - ext4 /dev/x rw",
        "9 9 0:300 / /x rw a:1 - tmpfs t rw",
    ]
    assert tmpfs_devices(lines) == {"00:1c", "00:12c"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_runs_are_those_of_a_plain_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: list[tuple[bool, bool]], chunk: int
) -> None:
    monkeypatch.setattr(pagemap, "_CHUNK_PAGES", chunk)
    words = np.array([(p << 63) | (x << 56) | (1 << 61) | 5 for p, x in pages], dtype="<u8")
    path = tmp_path / "pagemap"
    path.write_bytes(b"\xff" * 24 + words.tobytes() + b"\xff" * 8)
    fd = os.open(path, os.O_RDONLY)
    try:
        seen = pagemap.read_present(fd, 3, len(pages))
        assert pagemap.read_present(fd, 3, len(pages) + 2) is None
    finally:
        os.close(fd)
    runs: list[list[int]] = []
    for i, (present, _) in enumerate(pages):
        if present and runs and runs[-1][1] == i:
            runs[-1][1] = i + 1
        elif present:
            runs.append([i, i + 1])
    assert seen is not None
    assert seen[:2] == (sum(p for p, _ in pages), sum(p and not x for p, x in pages))
    assert seen[2].tolist() == runs


@REAL
def test_this_process_agrees_with_the_kernels_own_total() -> None:
    victim = take(os.getpid())
    rollup = Path("/proc/self/smaps_rollup").read_text()
    rss_kb = int(re.search(r"^Rss: +(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
    plain = (victim.vmas.flags & VM_HUGETLB) == 0
    seen_kb = int(victim.vmas.resident[plain].sum()) * 4
    assert abs(seen_kb - rss_kb) <= 4096 + rss_kb // 50
    assert seen_kb > 10_000
    assert victim.vmas.n_vmas > 20
    assert victim.facts["pid"] == str(os.getpid())
    assert len(victim.vmas.runs) > 0 or "not readable" in victim.facts["runs"]


@REAL
def test_locked_and_touched_pages_of_this_process_are_found_exactly() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    sparse, held = mmap.mmap(-1, 100 * 4096), mmap.mmap(-1, 8 * 4096)
    for page in (0, 1, 2, 50, 51, 99):
        sparse[page * 4096] = 1
    address = ctypes.addressof(ctypes.c_char.from_buffer(held))
    if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(8 * 4096)) != 0:
        pytest.skip("this account may not lock 32 KiB (ulimit -l); run as root to force it")
    victim = take(os.getpid())
    table = victim.vmas
    row = int(np.flatnonzero(table.start == address >> 12)[0])
    assert (int(table.pages[row]), int(table.resident[row])) == (8, 8)
    assert int(table.flags[row]) == VM_SHARED | VM_LOCKED and int(table.kind[row]) == SHMEM
    row = int(np.flatnonzero(table.start == ctypes.addressof(ctypes.c_char.from_buffer(sparse)) >> 12)[0])
    assert int(table.resident[row]) == 6
    if "not readable" not in victim.facts["runs"]:
        assert table.runs[row].tolist() == [[0, 3], [50, 52], [99, 100]]
        assert int(table.elsewhere[row]) == 0


@REAL
def test_a_real_process_that_is_killed() -> None:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin and process.stdout
        process.stdin.write(b"ready\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"  # its execve is over: else it becomes another while it is read
        assert take(process.pid).vmas.resident_pages > 10
        os.kill(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while ") Z" not in Path(f"/proc/{process.pid}/stat").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(CannotError, match="already exited"):
            take(process.pid)
    finally:
        process.kill()
        process.communicate()
    with pytest.raises(CannotError, match="there is no process"):
        take(process.pid)


@REAL
@pytest.mark.skipif(not Path("/proc/2/stat").exists(), reason="process 2 is not visible here")
def test_a_real_kernel_thread() -> None:
    if "(kthreadd)" not in Path("/proc/2/stat").read_text():
        pytest.skip("process 2 is no kernel thread in this container")
    with pytest.raises(CannotError, match="kernel thread"):
        take(2)
