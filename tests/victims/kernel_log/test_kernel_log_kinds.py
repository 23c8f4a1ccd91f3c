"""Clocks that jump, logs that hold a kill twice, quotes, dumps of others, and what daemons of all ages print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import locale_months
import pytest

from mmbench.errors import InputError
from mmbench.victims.kernel_log import validate_kills
from mmbench.victims.kernel_log.months import ENGLISH, month_number, normal
from mmbench.victims.kernel_log.read import read_log

SECOND_US = 1_000_000
SYS = "Jul 18 {} vat kernel: "
ISO = "2024-07-18T{}+00:00 vat kernel: "


def killed(pid: int = 1, name: str = "brewd", anon: int = 990_000) -> str:
    return (
        f"Out of memory: Killed process {pid} ({name}) total-vm:2000000kB, anon-rss:{anon}kB, file-rss:9000kB, "
        "shmem-rss:1000kB, UID:990 pgtables:2148kB oom_score_adj:300"
    )


def reaped(pid: int = 1) -> str:
    return f"oom_reaper: reaped process {pid} (brewd), now anon-rss:8192kB, file-rss:0kB, shmem-rss:1000kB"


def read(tmp_path: Path, *lines: str) -> dict[str, Any]:
    log = tmp_path / "oom.log"
    log.write_text("\n".join(lines) + "\n")
    record = read_log(str(log)).record
    validate_kills(record)
    return record


def refused(tmp_path: Path, *lines: str) -> str:
    with pytest.raises(InputError) as error:
        read(tmp_path, *lines)
    return str(error.value)


def times_of(record: dict[str, Any]) -> list[tuple[int, int | None]]:
    return [(kill["stretch"], kill["time_us"]) for kill in record["kills"]]


def after_us(record: dict[str, Any], k: int = 0) -> int | None:
    reap = record["kills"][k]["reap"]
    return None if reap is None else reap["after_us"]


@pytest.mark.parametrize("stamps", [("", "", ""), ("[  100.000000] ", "[  102.000000] ", "[  103.000000] ")])
def test_new_year_in_a_log_without_years(tmp_path, stamps):
    record = read(
        tmp_path,
        f"Dec 31 23:59:59 vat kernel: {stamps[0]}{killed(1)}",
        f"Jan  1 00:00:01 vat kernel: {stamps[1]}{reaped(1)}",
        f"Jan  1 00:00:02 vat kernel: {stamps[2]}{killed(2)}",
    )
    assert (times_of(record), after_us(record)) == ([(0, 0), (0, 3 * SECOND_US)], 2 * SECOND_US)


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [("Feb 28", "Mar  1", 1), ("Feb 28", "Feb 29", 1), ("Feb 29", "Mar  1", 1), ("Jul 18", "Jul 11", 7),
     ("Jan  2", "Sep  2", 243), ("Nov 30", "Jan  1", 32)],
)  # fmt: skip
def test_days_between_dates_without_years(tmp_path, first, second, days):
    record = read(tmp_path, f"{first} 12:00:00 vat kernel: {killed(1)}", f"{second} 12:00:00 vat kernel: {killed(2)}")
    assert times_of(record)[1] == (0, days * 86_400 * SECOND_US)


def test_stamps_that_change_their_form_in_the_middle(tmp_path):
    record = read(
        tmp_path,
        SYS.format("12:48:23") + killed(1),
        ISO.format("12:48:25.000000") + reaped(1),
        ISO.format("12:48:33.500000") + killed(2),
        SYS.format("12:48:43") + killed(3),
    )
    assert times_of(record) == [(0, 0), (0, 10_500_000), (0, 20 * SECOND_US)]
    assert after_us(record) == 2 * SECOND_US


def test_names_of_months_that_mean_two_are_compared_with_themselves_only(tmp_path):
    assert (month_number("srp"), month_number("Jan"), month_number("kes\u00e4")) == (None, 1, 6)
    record = read(
        tmp_path,
        "srp 18 12:48:23 vat kernel: " + killed(1),
        "srp 18 12:48:25 vat kernel: " + reaped(1),
        "ruj 18 12:48:25 vat kernel: " + killed(2),
    )
    assert (times_of(record), after_us(record)) == ([(0, 0), (1, 0)], 2 * SECOND_US)


def test_every_month_of_every_locale_is_read_as_itself_or_not_at_all():
    if not locale_months.LOCALES.is_dir():
        pytest.skip(f"{locale_months.LOCALES} is not there; Debian's package locales brings it")
    read_ = {name: month_number(name) for line in locale_months.table() for name in line.split("|")}
    for path in locale_months.LOCALES.iterdir():
        for names in locale_months.months_of(path.name).values() if path.is_file() else ():
            for number, name in enumerate(names, start=1):
                if normal(name) not in ENGLISH:
                    assert month_number(name) in (number, None), (path.name, name)
    assert len(read_) > 2500 and None not in read_.values()


def test_a_boot_ends_what_was_known_of_the_kernel(tmp_path):
    dump = "CPU: 3 PID: 1 Comm: brewd Not tainted 5.10.1 #1"
    record = read(
        tmp_path,
        SYS.format("12:00:00") + "[  100.000000] " + dump,
        SYS.format("12:00:00") + "[  100.000000] " + killed(1),
        SYS.format("12:10:30") + "[   30.000000] " + killed(1),
        SYS.format("12:10:32") + "[   32.000000] " + reaped(1),
    )
    assert [kill["kernel"] for kill in record["kills"]] == ["5.10.1", None]
    assert (record["n_boots"], times_of(record)[1], after_us(record, 1)) == (1, (0, 630 * SECOND_US), 2 * SECOND_US)


def test_a_boot_is_counted_once_however_often_it_is_told(tmp_path):
    record = read(
        tmp_path,
        SYS.format("12:00:00") + "[    0.000000] Linux version 6.1.55 (x@y) #1 SMP",
        SYS.format("12:00:00") + "[  100.000000] " + killed(1),
        "-- Boot 0123456789abcdef --",
        SYS.format("12:10:00") + "[    0.000000] Linux version 6.6.1 (x@y) #1 SMP",
        SYS.format("12:10:30") + "[   30.000000] " + killed(1),
    )
    assert (record["n_boots"], [kill["kernel"] for kill in record["kills"]]) == (1, ["6.1.55", "6.6.1"])


@pytest.mark.parametrize("form", ["Jul 18 {0} vat kernel: [{1:12.6f}] ", "Jul 18 {0} vat kernel: ", "[{1:12.6f}] "])
def test_the_same_log_twice(tmp_path, form):
    once = [
        form.format("12:48:23", 100.0) + killed(1),
        form.format("12:48:25", 102.0) + reaped(1),
        form.format("13:48:23", 3700.0) + killed(2),
    ]
    record = read(tmp_path, *once, *once)
    assert (len(record["kills"]), record["n_repeated"], record["n_boots"]) == (2, 2, 0)
    assert (times_of(record)[1], after_us(record)) == ((0, 3600 * SECOND_US), 2 * SECOND_US)


def test_copies_in_two_time_zones_and_a_later_kill_that_is_none(tmp_path):
    record = read(
        tmp_path,
        SYS.format("14:48:23") + killed(1),
        ISO.format("12:48:23.100000") + killed(1),
        ISO.format("12:50:23.100000") + killed(1),
    )
    assert (len(record["kills"]), record["n_repeated"]) == (2, 1)


def test_hosts_are_told_apart_by_their_own_rows_and_clocks(tmp_path):
    head = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
    row = "[   4100]   990  4100   500000   250000  2199552     {}           300 brewd"
    lines = [f"Jul 18 12:48:23 {host} kernel: {head}" for host in "ab"]
    lines += [f"Jul 18 12:48:23 {host} kernel: {row.format(swap)}" for host, swap in (("a", 1234), ("b", 5678))]
    lines += [f"Jul 18 12:48:23 {host} kernel: {killed(4100, anon=n)}" for host, n in (("a", 990_000), ("b", 980_000))]
    record = read(tmp_path, *lines)
    assert [kill["swap_pages"] for kill in record["kills"]] == [1234, 5678]


@pytest.mark.parametrize(
    "quote",
    [
        'Jul 18 12:48:24 vat kubelet[77]: I0718 12:48:24.514123      77 log_monitor.go:160] Message:"{}"',
        "Jul 18 12:48:24 vat node-problem-detector[88]: Message: {}",
        "I0718 12:48:24.514123       1 log_monitor.go:160] New status: &{{Reason:OOMKilling Message:{}}}",
        "<13>1 2024-07-18T12:48:24Z vat shipper 77 - - {}",
        '{{"SYSLOG_IDENTIFIER":"shipper","MESSAGE":"{}","__REALTIME_TIMESTAMP":"1721306904000000"}}',
    ],
)
def test_a_quote_is_no_kill_and_is_said(tmp_path, quote):
    record = read(tmp_path, SYS.format("12:48:23") + killed(1), quote.format(killed(9)))
    assert len(record["kills"]) == 1 and record["n_unread"] == 0
    assert any("1 line of another program quotes" in note for note in record["notes"])
    assert "1 of other programs that quote" in refused(tmp_path, quote.format(killed(9)))


def test_a_shippers_copy_of_the_kernels_line_counts_once(tmp_path):
    copy = '{"ident":"kernel","message":"' + killed(1) + '","@timestamp":"2024-07-18T12:48:23.5Z"}'
    record = read(tmp_path, SYS.format("12:48:23") + killed(1), copy)
    assert (len(record["kills"]), record["n_repeated"]) == (1, 1)


def test_fluent_bits_own_notation(tmp_path):
    line = '[0] kmsg.0: [[{}.000000000, {{}}], {{"priority"=>3, "msg"=>"{}"}}]'
    record = read(tmp_path, line.format(1721306903, killed(1)), line.format(1721306905, reaped(1)))
    assert (times_of(record), after_us(record)) == ([(0, 0)], 2 * SECOND_US)


def test_a_list_of_records_in_one_line(tmp_path):
    one = '{{"message":"{}","timestamp":"2024-07-18T12:48:{}Z"}}'
    record = read(tmp_path, f"[{one.format(killed(1), 23)},{one.format(reaped(1), 25)}]")
    assert (times_of(record), after_us(record)) == ([(0, 0)], 2 * SECOND_US)


def test_zones_of_a_failed_allocation_bound_no_kill(tmp_path):
    zone = "[  100.0] Node 0 Normal free:4096kB min:4096kB unevictable:0kB mlocked:0kB bounce:0kB"
    failed = "[  100.0] brewd: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL), nodemask=(null)"
    assert read(tmp_path, failed, zone, "[  101.0] " + killed(1))["kills"][0]["locked_at_most_pages"] is None
    assert read(tmp_path, zone, "[  101.0] " + killed(1))["kills"][0]["locked_at_most_pages"] == 0
    assert read(tmp_path, zone, "[  300.0] " + killed(1))["kills"][0]["locked_at_most_pages"] is None


def test_a_dump_that_names_another_victim_bounds_no_kill(tmp_path):
    chosen = "[  100.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/a,task=x,pid=7,uid=-2"
    record = read(tmp_path, "[  100.0] unevictable 0", chosen, "[  100.1] " + killed(1))
    assert record["kills"][0]["locked_at_most_pages"] is None


@pytest.mark.parametrize("pages", [125_000, 31_250])
def test_rows_of_machines_with_large_pages(tmp_path, pages):
    head = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
    row = f"[   4100]    -2  4100   {pages}    {pages // 2}  2199552     77           300 brewd"
    record = read(tmp_path, *(f"[  100.0] {line}" for line in (head, row, killed(4100))))
    assert record["kills"][0]["swap_pages"] == 77 * 500_000 // pages


@pytest.mark.parametrize(
    ("part", "damage"),
    [("anon-rss:990000kB", "anon-rss:1125899906842000kB"), ("adj:300", "adj:-30000"), ("s 4100 ", "s 41000000000 "),
     ("pgtables:2148kB", "pgtables:1125899906842000kB")],
)  # fmt: skip
def test_a_number_that_no_machine_has_is_counted_and_refuses_no_log(tmp_path, part, damage):
    record = read(tmp_path, "[  1.0] " + killed(1), "[  2.0] " + killed(4100).replace(part, damage))
    assert (len(record["kills"]), record["n_unread"]) == (1, 1)


@pytest.mark.parametrize("head", ["uid tgid total_vm rss name", "uid total_vm tgid rss rss name"])
@pytest.mark.parametrize("row", ["0 4100 -500000 0 0 -7 300 brewd", "0 4100 500000 0 0 99999999999999999999 300 brewd"])
def test_a_damaged_task_table_adds_nothing(tmp_path, head, row):
    lines = ("[ pid ] " + head.replace("uid total_vm", "uid tgid total_vm"), f"[ 4100] {row}", killed(4100))
    assert read(tmp_path, *lines)["kills"][0]["swap_pages"] is None


def test_a_kill_line_torn_where_a_word_ends_is_counted(tmp_path):
    whole = "[  2.0] " + killed(7)
    ends = [whole.index(word) - 1 for word in ("file-rss", "shmem-rss", "UID", "pgtables", "oom_score_adj")]
    for end in ends:
        record = read(tmp_path, "[  1.0] " + killed(1), whole[:end])
        assert (len(record["kills"]), record["n_unread"]) == (1, 1), whole[:end]


def test_nobody_left_to_kill_is_named(tmp_path):
    nobody = "[  100.0] Out of memory and no killable processes..."
    assert "no killable process" in refused(tmp_path, nobody)
    assert "no killable process" in refused(
        tmp_path, "[  1.0] Kernel panic - not syncing: " + nobody.partition("] ")[2]
    )
    assert any("no killable process" in note for note in read(tmp_path, "[  1.0] " + killed(1), nobody)["notes"])


def test_a_log_of_give_ups_alone_says_so(tmp_path):
    lines = [f"[  {n}00.0] oom_reaper: unable to reap pid:{n} (kettle)" for n in (1, 2)]
    assert "2 reaps of victims whose kill is not in it, 2 of them given up" in refused(tmp_path, *lines)


def test_earlyooms_dry_run_kills_nobody(tmp_path):
    line = (
        'Jul 18 12:48:{} vat earlyoom[77]: sending SIGTERM to process {} uid 990 "brewd": oom_score 823, VmRSS 979 MiB'
    )
    dry = "Jul 18 12:48:23 vat earlyoom[77]: dryrun, not actually sending any signal"
    record = read(tmp_path, line.format(23, 4100), dry, line.format(53, 4200))
    assert [kill["pid"] for kill in record["kills"]] == [4200]


def test_lowmemorykillers_of_all_ages(tmp_path):
    record = read(
        tmp_path,
        "<6>[  100.000000] send sigkill to 4100 (brewd), score_adj 529, size 5000",
        "[  101.000000] lowmemorykiller: Killing 'kettle' (4200) (tgid 4200), adj 904,",
        "[  101.000000]    to free 53160kB on behalf of 'kworker' (1) because",
        "6,9,102000000,-;lowmemorykiller: Killing 'pot' (4300), adj 904,\\x0a   to free 8000kB on behalf of 'x' (1)",
    )
    assert [(k["process"], k["rss_pages"], k["oom_score_adj"]) for k in record["kills"]] == [
        ("brewd", 5000, 529), ("kettle", 13290, 904), ("pot", 2000, 904),
    ]  # fmt: skip


def test_kernels_before_sizes_had_their_names(tmp_path):
    kill = read(tmp_path, "[  1.0] Killed process 4100 (brewd) vsz:2000000kB, anon-rss:990000kB, file-rss:9000kB")
    assert kill["kills"][0]["total_vm_pages"] == 500_000
    assert "1 that look like kills" in refused(tmp_path, SYS.format("1:1:1") + "Killed process 4100, UID 990, (brewd).")
