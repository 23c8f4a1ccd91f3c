"""Parsing of /proc on canned files: one Linux 6.18 machine, a THP victim (pid 42) and its kernel threads."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.errors import CannotError
from mmbench.live import pagemap, proc
from mmbench.live.watch import Disturbance, Watch, waited

PROC = str(Path(__file__).parent / "canned" / "proc")
VICTIM_START, VICTIM_END = 0x7F083EA00000, 0x7F083F200000


def test_meminfo_is_in_bytes() -> None:
    assert proc.meminfo(PROC)["MemTotal"] == 24682416 * 1024
    assert proc.available_bytes(PROC) == 24240248 * 1024


def test_status_is_in_bytes() -> None:
    found = proc.status(42, PROC)
    assert found["VmLck"] == 4 << 20
    assert found["VmPTE"] == 100 * 1024
    assert found["PPid"] == 8328


def test_meminfo_without_available_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 10 kB\n")
    with pytest.raises(CannotError, match=r"Linux 3\.14"):
        proc.available_bytes(str(tmp_path))


def test_unreadable_proc_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match=r"cannot read .*meminfo.*root"):
        proc.meminfo(str(tmp_path))


def test_vmas_and_thps_of_a_range_only() -> None:
    assert proc.n_vmas(42, VICTIM_START, VICTIM_END, PROC) == 2
    assert proc.n_thps(42, VICTIM_START, VICTIM_END, PROC) == 4
    assert proc.n_thps(42, VICTIM_START, VICTIM_START + (4 << 20), PROC) == 2
    assert proc.n_thps(42, 0, VICTIM_START, PROC) == 0


def test_run_time_and_its_absence() -> None:
    first = int((Path(PROC) / "42" / "schedstat").read_text().split()[0])
    assert proc.run_time_ns(42, PROC) == first > 0
    assert proc.run_time_ns(7, PROC) is None


def test_kernel_thread_is_not_fooled_by_a_process_of_that_name() -> None:
    assert proc.kernel_thread("oom_reaper", PROC) == 33
    assert proc.kernel_thread("kswapd0", PROC) is None


def test_memlock_is_unlimited_only_with_the_capability(tmp_path: Path) -> None:
    assert proc.memlock_bytes(PROC) is None
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("CapEff:\t0000000000000000\n")
    found = proc.memlock_bytes(str(tmp_path))
    assert found is None or found >= 0  # this account's own limit


def test_cpu_ticks_count_stolen_time_as_busy() -> None:
    ticks = proc.cpu_ticks(PROC)
    assert set(ticks) == {0, 1}
    assert ticks[1] == (26120 + 2 + 4211 + 0 + 54 + 41, 349113 + 450)


def _stat(folder: Path, busy: list[int], idle: list[int]) -> None:
    lines = [f"cpu{i} {b} 0 0 {n} 0 0 0 0 0 0" for i, (b, n) in enumerate(zip(busy, idle, strict=True))]
    (folder / "stat").write_text("\n".join(lines) + "\n")


def test_busy_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stat(tmp_path, [100, 100], [100, 100])
    monkeypatch.setattr("time.sleep", lambda s: _stat(tmp_path, [110, 150], [140, 100]))
    assert proc.busy_shares(0.5, str(tmp_path)) == {0: 0.2, 1: 1.0}


def test_watch_sees_only_the_watched_cpus(tmp_path: Path) -> None:
    _stat(tmp_path, [100, 100], [0, 0])
    watch = Watch(frozenset({1}), str(tmp_path))
    begun_ns = watch.begin()
    _stat(tmp_path, [900, 103], [0, 0])
    quiet = watch.end(begun_ns)
    assert quiet.foreign_ns <= 3 * proc.TICK_NS
    _stat(tmp_path, [900, 160], [0, 0])
    loud = watch.end(begun_ns)
    assert loud.foreign_ns > 50 * proc.TICK_NS
    assert "of a CPU" in loud.why


def test_watch_window_reaches_back_to_before_a_short_sample(tmp_path: Path) -> None:
    _stat(tmp_path, [100], [0])
    watch = Watch(frozenset({0}), str(tmp_path))
    _stat(tmp_path, [130], [0])
    begun_ns = watch.begin()
    assert watch.end(begun_ns).foreign_ns > 25 * proc.TICK_NS  # the load just before counts


@pytest.mark.parametrize(("foreign_ms", "disturbed"), [(0, False), (29, False), (45, True), (200, True)])
def test_disturbance_forgives_two_ticks_and_a_tenth(foreign_ms: int, disturbed: bool) -> None:
    assert bool(Disturbance(200_000_000, foreign_ms * 1_000_000).why) is disturbed


def test_waiting_for_the_cpu() -> None:
    assert waited(10_000_000, None) == ""
    assert waited(10_000_000, 9_500_000) == ""
    assert waited(400_000, 150_000) == ""  # too short to tell
    assert "50%" in waited(10_000_000, 5_000_000)


@given(st.lists(st.builds(lambda high, low: high << 56 | low, st.integers(0, 255), st.integers(0, 2**56 - 1))))
def test_count_present_reads_bit_63(entries: list[int]) -> None:
    packed = struct.pack(f"<{len(entries)}Q", *entries)
    assert pagemap.count_present(packed) == sum(entry >> 63 for entry in entries)


def test_present_pages_reads_only_its_range(tmp_path: Path) -> None:
    present = [0, 1, 1, 0, 1, 1, 1, 0]
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "pagemap").write_bytes(struct.pack("<8Q", *(bit << 63 | 5 for bit in present)))
    assert pagemap.present_pages(9, 2 * 4096, 4, str(tmp_path)) == 3
    with pytest.raises(OSError, match="no memory any more"):
        pagemap.present_pages(9, 6 * 4096, 4, str(tmp_path))
