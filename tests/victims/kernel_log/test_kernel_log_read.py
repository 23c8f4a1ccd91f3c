"""Reading: prefixes, clocks, boots, damage, size; and the record on disk."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.errors import CannotError, InputError
from mmbench.oom_printk import parse_oom_printk
from mmbench.victims import victim
from mmbench.victims.kernel_log import gaps_us, kill_victim, read_kills, sizes_pages, write_kills
from mmbench.victims.kernel_log.collect import Collector
from mmbench.victims.kernel_log.read import read_log
from mmbench.victims.kernel_log.wrapped import read_line

EOS = Path(__file__).parent / "logs" / "eos_4.15_syslog.log"
KILLED = (
    "Out of memory: Killed process {pid} (hog) total-vm:80000kB, anon-rss:65424kB, file-rss:3100kB, shmem-rss:0kB, "
    "UID:0 pgtables:180kB oom_score_adj:0"
)
REAPED = "oom_reaper: reaped process {pid} (hog), now anon-rss:8kB, file-rss:0kB, shmem-rss:0kB"


def read(tmp_path: Path, *lines: str | bytes) -> dict[str, Any]:
    log = tmp_path / "oom.log"
    log.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines))
    return read_log(str(log)).record


@pytest.mark.parametrize(
    ("prefix", "program", "mono_us", "step_us"),
    [
        ("[  758.839405] ", "", 758_839_405, None),
        ("<3>[  758.839405] ", "", 758_839_405, None),
        ("kern  :err   : [  758.839405] ", "", 758_839_405, None),
        ("[  758.839405][  T812] ", "", 758_839_405, None),
        ("[  758.839405 <    0.000012>] ", "", 758_839_405, None),
        ("[  758.839405] host kernel: ", "kernel", 758_839_405, None),
        ("6,1234,758839405,-;", "", 758_839_405, None),
        ("Jul 18 12:48:23 host kernel: [  758.839405] ", "kernel", 758_839_405, 1_000_000),
        ("Jul 18 12:48:23.123456 host kernel: ", "kernel", None, 1),
        ("Jul 18 12:48:23 kernel: ", "kernel", None, 1_000_000),
        ("[Thu Dec  7 00:05:15 2017] ", "", None, 1_000_000),
        ("2020-05-15T23:09:30+0000 host kernel: ", "kernel", None, 1_000_000),
        ("2020-05-15T23:09:30.123456+02:00 host kernel: [  758.839405] ", "kernel", 758_839_405, 1),
        ("2020-05-15T23:09:30,123456+02:00 ", "", None, 1),
        ("Thu 2020-06-04 21:29:13 UTC host kernel: ", "kernel", None, 1_000_000),
        ("1594823904.123456 host kernel: ", "kernel", None, 1),
        ("<6>1 2020-05-15T23:09:30.123456Z host kernel - - - ", "kernel", None, 1),
        ("[2025-06-04 17:51:20] [  758.839405] ", "", 758_839_405, 1_000_000),
        ("2020-05-15T23:09:30.125Z In(05) vcpu-5 - Guest: <3>[39290745.072599] ", "", 39290745072599, 1000),
        ("", "", None, None),
    ],
)
def test_prefixes(prefix, program, mono_us, step_us):
    (message,) = read_line(prefix + KILLED.format(pid=1))
    assert message.text == KILLED.format(pid=1)
    assert (message.program, message.mono_us) == (program, mono_us)
    assert (message.wall and message.wall.step_us) == step_us


@pytest.mark.parametrize("prefix", ["Jul 18 12:48:23 host myapp[33]: ", "Jul 18 12:48:23 host myapp: "])
def test_a_program_that_quotes_the_kernel_kills_nobody(tmp_path, prefix):
    with pytest.raises(InputError, match="no OOM kill"):
        read(tmp_path, prefix + KILLED.format(pid=7))


def test_journal_json(tmp_path):
    entry = {
        "MESSAGE": KILLED.format(pid=7),
        "SYSLOG_IDENTIFIER": "kernel",
        "_SOURCE_MONOTONIC_TIMESTAMP": "758839405",
        "__MONOTONIC_TIMESTAMP": "758840000",
        "__REALTIME_TIMESTAMP": "1531918103839405",
        "_BOOT_ID": "a",
        "_HOSTNAME": "host",
    }
    later = entry | {"MESSAGE": list(REAPED.format(pid=7).encode()), "_SOURCE_MONOTONIC_TIMESTAMP": "758844012"}
    foreign = entry | {"SYSLOG_IDENTIFIER": "myapp", "MESSAGE": KILLED.format(pid=8)}
    record = read(tmp_path, *(json.dumps(one, separators=(",", ":")) for one in (entry, later, foreign)))
    (kill,) = record["kills"]
    assert kill["reap"]["after_us"] == 4607
    assert "host" not in json.dumps(record["kills"])


def test_every_boot_starts_its_clock_again(tmp_path):
    record = read(
        tmp_path,
        f"[  900.000000] {KILLED.format(pid=7)}",
        f"[  905.000000] {KILLED.format(pid=8)}",
        f"[   10.000000] {REAPED.format(pid=8)}",
        f"[   12.000000] {KILLED.format(pid=9)}",
        f"[   15.000000] {KILLED.format(pid=10)}",
    )
    assert [(k["stretch"], k["time_us"]) for k in record["kills"]] == [(0, 0), (0, 5_000_000), (1, 0), (1, 3_000_000)]
    assert gaps_us(record).tolist() == [5_000_000, 3_000_000]
    assert record["kills"][1]["reap"] is None or record["kills"][1]["reap"]["after_us"] is None
    assert any("restart" in note for note in record["notes"])


def test_the_time_of_day_goes_on_over_boots_and_suspends(tmp_path):
    day = "Jul 18 {} host kernel: [{:12.6f}] " + KILLED
    record = read(tmp_path, day.format("12:00:00", 900, pid=1), day.format("12:00:03", 903.5, pid=2),
                  day.format("13:00:00", 12, pid=3), day.format("15:00:00", 20, pid=4))  # fmt: skip
    assert [k["time_us"] for k in record["kills"]] == [0, 3_500_000, 3_600_500_000, 10_800_500_000]
    assert {k["stretch"] for k in record["kills"]} == {0}


def test_a_new_year_in_a_log_without_years(tmp_path):
    record = read(
        tmp_path,
        "Dec 31 23:59:59 host kernel: " + KILLED.format(pid=1),
        "Jan  1 00:00:01 host kernel: " + KILLED.format(pid=2),
    )
    # a leap year stands for the unknown one, so the year added is a day short of it
    assert 0 < record["kills"][1]["time_us"] <= 86_402_000_000


def test_the_same_kill_from_two_logs_counts_once(tmp_path):
    lines = [f"[  900.000000] {KILLED.format(pid=7)}", f"[  902.000000] {REAPED.format(pid=7)}"]
    record = read(tmp_path, *lines, *("Jul 18 12:00:00 host kernel: " + line for line in lines))
    assert (len(record["kills"]), record["n_repeated"], record["n_reaps_without_kill"]) == (1, 1, 0)
    assert record["kills"][0]["reap"]["after_us"] == 2_000_000


def test_trace_and_log_of_one_kill_are_one_kill(tmp_path):
    record = read(
        tmp_path,
        " x-1 [000] .....  900.000100: mark_victim: pid=7",
        f"[  900.000000] {KILLED.format(pid=7)}",
        " oom_reaper-33 [000] .....  902.500000: start_task_reaping: pid=7",
        " oom_reaper-33 [000] .....  902.600100: finish_task_reaping: pid=7",
        f"[  902.600000] {REAPED.format(pid=7)}",
    )
    (kill,) = record["kills"]
    assert (kill["process"], kill["anon_pages"], kill["reap"]["left_anon_pages"]) == ("hog", 65424 // 4, 2)
    assert kill["reap"]["start_us"] == 2_499_900


def test_pgtables_in_bytes_as_5_3_printed_them(tmp_path):
    record = read(tmp_path, KILLED.format(pid=7).replace("pgtables:180kB", "pgtables:184320kB"))
    assert record["kills"][0]["pgtables_bytes"] == 184_320


@given(st.integers(0, len(KILLED) - 1))
def test_a_kill_line_that_is_cut_off_is_never_half_read(cut):
    whole = parse_oom_printk(KILLED.format(pid=7))
    assert whole is not None and whole.oom_score_adj == 0
    part = parse_oom_printk(KILLED.format(pid=7)[:cut])
    assert part is None or (part.sizes_kib.items() <= whole.sizes_kib.items() and part.pid == 7)


@given(st.text(max_size=200))
def test_any_line_is_read_without_a_crash(text):
    collector = Collector()
    for start in (
        "",
        "Jul 18 12:00:00 host kernel: ",
        "{",
        "[ pid ]   uid  tgid total_vm rss name",
        "x pid=",
        "oom_reaper: ",
        "Killed process 7 (",
    ):
        collector.take(1, start + text)
    assert not collector.kills


def test_what_could_not_be_read_is_counted_and_shown(tmp_path):
    log = tmp_path / "oom.log"
    bad = "[  900.000000] Out of memory: Killed process 8 (hog) total-vm:80000kB, anon-r"
    log.write_text(
        "\n".join(["noise"] * 3 + [bad, f"[  901.0] {KILLED.format(pid=7)}", "[ 902.0] oom_reaper: rea"]) + "\n"
    )
    record, examples = read_log(str(log))
    assert (record["n_unread"], record["unread_lines"]) == (2, [4, 6])
    assert examples[0] == (4, bad.partition("] ")[2])
    assert record["n_lines"] == 6


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_logs(tmp_path, pack):
    (tmp_path / "log").write_bytes(pack(EOS.read_bytes()))
    assert read_log(str(tmp_path / "log")).record["kills"] == read_log(str(EOS)).record["kills"]


def test_a_truncated_archive_gives_what_is_whole(tmp_path):
    noise = "".join(random.Random(1).choices("abcdefgh \n", k=3_000_000))
    packed = gzip.compress(EOS.read_bytes() + noise.encode())
    (tmp_path / "log.gz").write_bytes(packed[: len(packed) * 9 // 10])
    record = read_log(str(tmp_path / "log.gz")).record
    assert record["kills"][0]["process"] == "nodeos"
    assert any("cut off" in note for note in record["notes"])


def test_a_truncated_archive_without_a_kill_says_where_it_ended(tmp_path):
    packed = gzip.compress(b"nothing here\n" * 200_000)
    (tmp_path / "log.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"no OOM kill|is empty.*cut off"):
        read_log(str(tmp_path / "log.gz"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (random.Random(3).randbytes(50_000), "is binary"),
        (b"\x7fELF" + bytes(range(32)) * 500, "is binary"),
        (b"LPKSHHRH" + bytes(500), "journalctl --file"),
        ("text".encode("utf-16"), "iconv"),
        (b"\x28\xb5\x2f\xfd1234", "zstd"),
        (b"PERFILE2" + bytes(50), "perf script"),
        (b"", "is empty"),
        (b"all is well\n" * 10, "no OOM kill.*10 lines"),
        (f"[ 1.0] {REAPED.format(pid=7)}\n".encode(), "1 reap of victims whose kill is not in it"),
        (b"[ 1.0] Killed process 7 (hog) total-v\n", "cut off or unknown, first line 1"),
    ],
)
def test_input_that_holds_no_kill(tmp_path, data, said):
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(InputError, match=said):
        read_log(str(tmp_path / "log"))


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_log(str(tmp_path / "none"))
    with pytest.raises(InputError, match="folder"):
        read_log(str(tmp_path))
    with pytest.raises(InputError, match="no path"):
        read_log("a\0b")
    locked = tmp_path / "locked"
    locked.write_text("x")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        with pytest.raises(CannotError, match="permission"):
            read_log(str(locked))


def test_damage_inside_a_log(tmp_path):
    crash = b"\x00" * 300 + f"[  900.000000] {KILLED.format(pid=7)}".encode() + b"\n"
    name = f"[  901.000000] {KILLED.format(pid=8)}".encode().replace(b"hog", b"h\xffg") + b"\r\n"
    record = read(tmp_path, b"plain text\n" * 2000, crash, b"x" * 3_000_000 + b"\n", name)
    assert [k["process"] for k in record["kills"]] == ["hog", "h\\xffg"]
    assert any("NUL" in note for note in record["notes"]) and any("64 KiB" in note for note in record["notes"])
    assert record["n_lines"] == 2003


def test_lines_are_found_wherever_blocks_end(tmp_path, monkeypatch):
    text = EOS.read_bytes() + b"noise\n" * 5
    (tmp_path / "log").write_bytes(text)
    whole = read_log(str(tmp_path / "log")).record
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr("mmbench.victims.kernel_log.lines.BLOCK_BYTES", size)
        record = read_log(str(tmp_path / "log")).record
        assert (record["kills"], record["n_lines"]) == (whole["kills"], whole["n_lines"])
    assert whole["n_lines"] == text.count(b"\n")


def test_kills_beyond_the_limit_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("mmbench.victims.kernel_log.collect.MAX_KILLS", 3)
    record = read(tmp_path, *(f"[{900 + i:5}.000000] {KILLED.format(pid=i)}" for i in range(10)))
    assert (len(record["kills"]), record["n_dropped"]) == (3, 7)
    assert any("7 kills" in note for note in record["notes"])


def test_progress_comes_with_every_block_even_where_nothing_is_found(tmp_path):
    seen: list[tuple[int, float | None]] = []
    (tmp_path / "log").write_bytes(EOS.read_bytes() + b"nothing here at all\n" * 200_000)
    read_log(str(tmp_path / "log"), lambda lines, n_kills: seen.append((n_kills, lines.share_read())))
    assert len(seen) == 4
    assert seen[-1] == (1, 1.0)


def test_a_number_cut_off_in_the_middle_of_its_unit_is_not_taken():
    text = KILLED.format(pid=7).replace("shmem-rss:0kB", "shmem-rss:0k")
    assert parse_oom_printk(text) is None and parse_oom_printk(text[: text.index("0k,") + 1]) is None


def test_record_round_trip_and_its_checks(tmp_path):
    record = read_log(str(EOS)).record
    path = tmp_path / "eos.kills.json"
    write_kills(path, record)
    assert read_kills(path) == record
    assert sizes_pages(record).tolist() == [1982037]
    for change, said in (
        ({"kills": []}, "kills"),
        ({"format": "other"}, "mmbench import"),
        ({"kills": [record["kills"][0] | {"by": "me"}]}, r"kills\[0\].by"),
        ({"kills": [record["kills"][0] | {"process": 7}]}, "process"),
        ({"kills": [record["kills"][0] | {"time_us": 5}, record["kills"][0]]}, "time_us"),
        ({"kills": [record["kills"][0] | {"time_us": 2**70}]}, "time_us.*at most"),
        ({"kills": [record["kills"][0] | {"anon_pages": 2**50}]}, "anon_pages.*at most"),
        ({"kills": [record["kills"][0] | {"process": "a\x1b[2J"}]}, "printable"),
        ({"kills": [record["kills"][0] | {"process": "\ud800"}]}, "printable"),
        ({"kills": [record["kills"][0] | {"reap": record["kills"][0]["reap"] | {"after_us": 2**64}}]}, "after_us"),
        ({"surprise": 1}, "surprise"),
    ):
        path.write_text(json.dumps(record | change))
        with pytest.raises(InputError, match=said):
            read_kills(path)


@pytest.mark.parametrize(
    "stamp",
    [
        "[99999999999999.000001] ",
        "4,100,99999999999999999999,-;",
        "Jul 18 25:61:61 host kernel: ",
        "9999-07-18T12:48:23+00:00 host kernel: ",
        "0001-01-01T00:00:00+14:00 host kernel: ",
        '{"_SOURCE_MONOTONIC_TIMESTAMP":"9999999999999999999","__REALTIME_TIMESTAMP":"9999999999999999999","MESSAGE":"',
    ],
)
def test_a_damaged_stamp_is_not_taken(tmp_path, stamp):
    end = '"}' if stamp.startswith("{") else ""
    record = read(tmp_path, *(stamp + KILLED.format(pid=pid) + end for pid in (1, 2)))
    assert [kill["time_us"] for kill in record["kills"]] == [None, None]


def test_gaps_of_years_fit_into_a_study(tmp_path):
    lines = (f"20{y}-01-01T00:00:00Z host kernel: " + KILLED.format(pid=y) for y in (11, 12, 20))
    record = read(tmp_path, *lines)
    assert gaps_us(record).tolist() == [365 * 86_400_000_000, 2922 * 86_400_000_000]
    assert gaps_us(record, 10**11).tolist() == [10**11, 10**11]


def test_a_name_is_kept_as_a_terminal_may_show_it(tmp_path):
    record = read(tmp_path, "[ 1.0] " + KILLED.format(pid=1).replace("hog", "h\tg\x07"))
    assert record["kills"][0]["process"] == "h\\tg\\x07"


def test_a_kill_as_a_victim(tmp_path):
    record = read(tmp_path, "", *(f"[  90{i}.000000] {KILLED.format(pid=i)}" for i in range(2)))
    path = tmp_path / "oom.kills.json"
    write_kills(path, record)
    one = kill_victim(f"{path}:2", locked=0.5)
    assert one.vmas.resident_pages == (65424 + 3100) // 4
    assert abs(one.vmas.locked_pages * 2 - one.vmas.resident_pages) <= 2
    assert "50 % mlocked" in one.source and one.name == "hog"
    for spec, said in (
        (f"{path}", "choose one"),
        (f"{path}:3", "no kill 3"),
        (f"{path}:0", "no kill 0"),
        (f"{path}:1", "--locked"),
    ):
        with pytest.raises(InputError, match=said):
            victim(spec)


def test_nothing_has_to_be_assumed_where_the_machine_had_nothing_mlocked(tmp_path):
    zone = "[  899.000000] Node 0 Normal free:4kB min:4kB unevictable:0kB mlocked:0kB bounce:0kB"
    write_kills(tmp_path / "a.kills.json", read(tmp_path, zone, f"[  900.000000] {KILLED.format(pid=1)}"))
    assert victim(str(tmp_path / "a.kills.json")).vmas.locked_pages == 0


def test_a_kill_without_a_size_is_no_victim(tmp_path):
    line = (
        "Dec 18 19:34:56 host systemd-oomd[840]: Killed /a/b.scope due to memory pressure for /a being 51.07% > 50.00%"
    )
    write_kills(tmp_path / "a.kills.json", read(tmp_path, line))
    with pytest.raises(InputError, match="does not tell the size"):
        kill_victim(str(tmp_path / "a.kills.json"), locked=1.0)
