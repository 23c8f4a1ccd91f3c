"""Logs as people really have them: one small log for each kind of layout, its names and numbers invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import InputError
from mmbench.victims.kernel_log import gaps_us, sizes_pages, validate_kills
from mmbench.victims.kernel_log.read import read_log

LAYOUTS = Path(__file__).parent / "layouts"
SECOND_US = 1_000_000
SIZES = {"anon_pages": 247500, "file_pages": 2250, "shmem_pages": 250, "total_vm_pages": 500000, "rss_pages": 250000}


def record_of(name: str) -> dict[str, Any]:
    record = read_log(str(LAYOUTS / f"{name}.log")).record
    validate_kills(record)
    assert record["n_unread"] == record["n_reaps_without_kill"] == 0
    return record


def kill_of(name: str) -> dict[str, Any]:
    (kill,) = record_of(name)["kills"]
    return dict(kill)


def reap_of(kill: dict[str, Any]) -> tuple[str, int | None, int | None]:
    return kill["reap"]["outcome"], kill["reap"]["after_us"], kill["reap"]["left_anon_pages"]


@pytest.mark.parametrize(
    ("name", "after_us", "fields"),
    [
        ("grep_file_names", 2 * SECOND_US, {"swap_pages": 1234, "kernel": "6.1.55"}),
        ("talos", 400_000, {"swap_pages": 1234, "kernel": "6.6.43", "by": "memcg"}),
        ("rfc5424_structured", 400_000, {"by": "kernel"}),
        ("whole_seconds", 0, {"step_us": SECOND_US}),
        ("cloud_logging", 400_000, {}),
        ("logcat_kernel", 400_000, {"kernel": "6.1.55"}),
        ("dmesg_json", 400_000, {"step_us": 1}),
        ("dmesg_then_journal", 2 * SECOND_US, {"pid": 7}),
    ],
)
def test_kill_and_reap_in_every_layout(name, after_us, fields):
    kill = kill_of(name)
    assert kill.items() >= (SIZES | fields | {"time_us": 0, "process": "brewd", "oom_score_adj": 300}).items()
    assert reap_of(kill) == ("reaped", after_us, 2048)


def test_dates_of_china():
    first, second = record_of("zh_cn")["kills"]
    assert (first["time_us"], second["time_us"], second["by"]) == (0, 60 * SECOND_US, "memcg")
    assert reap_of(first) == ("reaped", 2 * SECOND_US, 2048)
    assert reap_of(second) == ("gave-up", 3 * SECOND_US, None)


def test_finnish_marras_is_november_not_march():
    days = [kill["time_us"] // (86_400 * SECOND_US) for kill in record_of("finnish")["kills"]]
    assert days == [0, 0, 31]


def test_earlyoom_of_today():
    kill = kill_of("earlyoom_1.8")
    assert (kill["by"], kill["rss_pages"], kill["reap"]["outcome"], kill["reap"]["after_us"]) == (
        "earlyoom", 979 * 256, "exited", 100_000,
    )  # fmt: skip
    kill = kill_of("earlyoom_1.9")
    assert (kill["rss_pages"], kill["oom_score_adj"], kill["reap"]["outcome"]) == (979 * 256, 300, "did-not-exit")
    kill = kill_of("earlyoom_dated")
    assert (kill["time_us"], kill["reap"]["outcome"], kill["reap"]["after_us"]) == (0, "did-not-exit", 10 * SECOND_US)


def test_android_of_today_and_long_ago():
    kill = kill_of("lmkd_14")
    assert (kill["by"], kill["rss_pages"], kill["swap_pages"], kill["anon_pages"]) == ("lmkd", 100_000, 20_000, 75_000)
    kill = kill_of("lowmemorykiller_3.9")
    assert (kill["by"], kill["rss_pages"], kill["oom_score_adj"]) == ("lowmemorykiller", 5000, 9)


def test_kernel_of_rhel_6():
    kill = kill_of("rhel6")
    assert (kill["process"], kill["anon_pages"], kill["file_pages"]) == ("brewd", 247500, 2250)


def test_a_line_of_another_program_inside_the_task_table():
    assert kill_of("foreign_row")["swap_pages"] == 1234


def test_statistics_of_a_control_group_in_one_record():
    kills = record_of("memcg_one_record")["kills"]
    assert [kill["locked_at_most_pages"] for kill in kills] == [2048, 2048, 2048]


def test_a_dump_belongs_to_one_kill():
    kills = record_of("rate_limited")["kills"]
    assert [kill["locked_at_most_pages"] for kill in kills] == [0, None]


def test_two_hosts_keep_their_clocks_and_their_victims_apart():
    record = record_of("two_hosts")
    assert [kill["time_us"] for kill in record["kills"]] == [0, 200_000]
    assert [reap_of(kill) for kill in record["kills"]] == [("reaped", 400_000, 2048)] * 2
    assert record["n_boots"] == 0
    assert "vat" not in str(record["kills"])


def test_dmesg_and_the_journal_hold_a_kill_once():
    record = record_of("dmesg_then_journal")
    assert (len(record["kills"]), record["n_repeated"], record["n_boots"]) == (1, 1, 0)


def test_rows_count_pages_of_the_machines_size():
    assert kill_of("pages_16k")["swap_pages"] == 4 * 1234


def test_colours():
    first, second = record_of("colours")["kills"]
    assert (reap_of(first), reap_of(second)) == (("reaped", 400_000, 2048), ("gave-up", 3 * SECOND_US, None))


def test_a_dry_run_kills_nobody():
    with pytest.raises(InputError, match="no OOM kill"):
        record_of("oomd_dry")


def test_a_damaged_stamp_is_no_time():
    record = record_of("damaged_stamp")
    assert [kill["time_us"] for kill in record["kills"]] == [0, None, None]
    assert gaps_us(record).tolist() == [] and len(sizes_pages(record)) == 3


def test_a_reaper_that_gave_up():
    kill = kill_of("give_up_6.1")
    assert (kill["kernel"], reap_of(kill)) == ("6.1.55", ("gave-up", 3_100_000, None))
