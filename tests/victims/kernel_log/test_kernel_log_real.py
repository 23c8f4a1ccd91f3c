"""Real lines of kernels and daemons, each log short and with its public source in its first line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.victims.kernel_log import validate_kills
from mmbench.victims.kernel_log.read import read_log

LOGS = Path(__file__).parent / "logs"
TRACE = Path(__file__).parents[2] / "live" / "canned" / "trace_6.18.txt"
GiB_PAGES = 1 << 18


def kills_of(name: str) -> list[dict[str, Any]]:
    record = read_log(str(LOGS / name)).record
    validate_kills(record)
    assert record["n_unread"] == 0
    kills: list[dict[str, Any]] = record["kills"]
    return kills


def picked(kill: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(kill[name] for name in names)


def reaped(kill: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        kill["reap"][f] for f in ("outcome", "after_us", "left_anon_pages", "left_file_pages", "left_shmem_pages")
    )


def test_mlocked_shared_map_of_4_15_stays_after_the_reap():
    (kill,) = kills_of("eos_4.15_syslog.log")
    sizes = picked(kill, "by", "process", "pid", "anon_pages", "file_pages", "shmem_pages", "total_vm_pages", "kernel")
    assert sizes == ("kernel", "nodeos", 1825, 0, 7928148 // 4, 0, 8452480 // 4, "4.15.0")
    assert reaped(kill) == ("reaped", 844012 - 839405, 0, 7926420 // 4, 0)
    assert kill["locked_at_most_pages"] is None


def test_memcg_and_global_kills_of_5_3_with_a_name_in_parentheses():
    kills = kills_of("docker_5.3_syslog.log")
    assert [k["by"] for k in kills] == ["memcg", "kernel", "kernel"]
    assert [k["process"] for k in kills] == ["python3", "(resolved)", "python3"]
    assert [k["time_us"] for k in kills] == [0, 518061172 - 514682838, 778988473 - 514682838]
    assert kills[2]["reap"] is None
    assert kills[0]["oom_score_adj"] is None and kills[0]["pgtables_bytes"] is None


def test_task_dump_of_3_10_adds_swap_pgtables_and_adj_to_the_kill():
    (kill,) = kills_of("kubernetes_3.10_dmesg_T.log")
    assert picked(kill, "by", "shmem_pages", "swap_pages", "oom_score_adj") == ("memcg", None, 136409, -998)
    assert kill["pgtables_bytes"] == 1661 * 4096
    assert kill["rss_pages"] == 119961  # the dump's own rss column agrees
    assert (kill["locked_at_most_pages"], kill["step_us"], kill["kernel"]) == (0, 1_000_000, "3.10.0")


def test_shmem_stays_after_a_reap_of_5_4():
    (kill,) = kills_of("uwsgi_5.4_dmesg.log")
    assert picked(kill, "shmem_pages", "pgtables_bytes", "oom_score_adj", "kernel") == (23, 1372 << 10, 986, "5.4.0")
    assert reaped(kill) == ("reaped", 15918, 0, 0, 23)


def test_console_of_a_guest_written_down_late():
    (kill,) = kills_of("photon_4.19_hypervisor.log")
    assert picked(kill, "by", "process", "file_pages", "kernel") == ("memcg", "node", 34160 // 4, "4.19.189")
    assert reaped(kill) == ("reaped", 88498 - 72599, 0, 0, 0)


def test_constraint_line_of_5_10():
    (kill,) = kills_of("heads_5.10_dmesg.log")
    assert picked(kill, "by", "process", "kernel") == ("kernel", "whiptail", "5.10.5")


def test_days_between_kills():
    kills = kills_of("ert_dmesg.log")
    assert [k["time_us"] for k in kills] == [0, 625328156297 - 57539949044, 625351710167 - 57539949044]
    assert kills[0]["anon_pages"] == 163272252 // 4


def test_lines_without_a_time_keep_their_order():
    kills = kills_of("bare_4.19_5.4.log")
    assert [(k["by"], k["pid"], k["time_us"], k["oom_score_adj"]) for k in kills] == [
        ("memcg", 4015, None, None),
        ("memcg", 4249, None, 994),
    ]


def test_relative_times_are_not_taken_for_times():
    (kill,) = kills_of("relative_6.6_dmesg_e.log")
    assert (kill["time_us"], kill["kernel"]) == (None, "6.6.6")
    assert reaped(kill) == ("reaped", None, 0, 0, 0)


def test_russian_journal():
    (kill,) = kills_of("zen_5.12_russian.log")
    assert picked(kill, "process", "time_us", "step_us", "kernel") == ("tail", 0, 1_000_000, "5.12.19")


def test_table_of_6_8_with_rss_by_kind():
    (kill,) = kills_of("table_6.8_dmesg.log")
    assert picked(kill, "swap_pages", "anon_pages", "rss_pages") == (3073656, 11203232, 11204801)


def test_five_give_ups_after_ten_tries_of_100_ms():
    kills = kills_of("give_ups_linux_mm.log")
    assert [reaped(kill)[:2] for kill in kills] == [
        ("gave-up", 1_005_292), ("gave-up", 1_046_674), ("gave-up", 1_090_980), ("gave-up", 1_061_276),
        ("gave-up", 1_043_824),
    ]  # fmt: skip
    assert picked(kills[1], "process", "anon_pages", "kernel") == ("a.out", 2754236 // 4, None)
    assert picked(kills[4], "process", "shmem_pages", "kernel", "locked_at_most_pages") == (
        "systemd-udevd", 423, "5.0.0", 0,
    )  # fmt: skip


def test_give_up_and_what_the_machine_had_mlocked():
    (kill,) = kills_of("give_up_printk.log")
    assert picked(kill, "locked_at_most_pages", "kernel") == (1024, "6.12.41")
    assert reaped(kill) == ("gave-up", 3_100_000, None, None, None)


def test_earlyoom_in_the_journal():
    kills = kills_of("earlyoom_journal.log")
    assert [(k["by"], k["process"], k["rss_pages"], k["time_us"]) for k in kills] == [
        ("earlyoom", "cluster", 23964 * 256, 0),
        ("earlyoom", "electron", 17 * 256, 1_000_000),
    ]
    assert [k["reap"]["outcome"] for k in kills] == ["exited", "exited"]
    assert kills[0]["reap"]["after_us"] == 100_000


def test_earlyoom_trying_again_is_one_kill():
    (kill,) = kills_of("earlyoom_stays.log")
    assert picked(kill, "process", "rss_pages") == ("java", 43912 * 256)
    assert kill["reap"]["outcome"] == "did-not-exit"


def test_three_ages_of_earlyoom_output():
    kills = kills_of("earlyoom_bare.log")
    assert [(k["process"], k["pid"], k["rss_pages"]) for k in kills] == [
        ("bash", 27541, 7609 * 256),
        ("python3", 12006, 2891 * 256),
        ("bash", 5874, 3160 * 256),
    ]
    assert [k["reap"] and k["reap"]["after_us"] for k in kills] == [1_900_000, 2_800_000, None]


@pytest.mark.parametrize(
    ("log", "by", "process"),
    [
        ("systemd_oomd.log", "systemd-oomd", "vte-spawn-dbb4a75e.scope"),
        ("systemd_oomd_marked.log", "systemd-oomd", "systemd-journald.service"),
        ("lmkd_logcat.log", "lmkd", "com.google.android.gms.unstable"),
        ("lowmemorykiller_dmesg.log", "lowmemorykiller", "FinalizerDaemon"),
    ],
)
def test_other_killers_name_their_victim_and_no_user(log, by, process):
    (kill,) = kills_of(log)
    assert picked(kill, "by", "process") == (by, process)


def test_sizes_that_other_killers_print():
    (lmkd,) = kills_of("lmkd_logcat.log")
    assert picked(lmkd, "rss_pages", "swap_pages", "oom_score_adj", "anon_pages") == (35132, 9351, 0, None)
    (driver,) = kills_of("lowmemorykiller_dmesg.log")
    assert picked(driver, "rss_pages", "oom_score_adj") == (53160 // 4, 904)
    assert [k["cgroup_bytes"] for k in kills_of("oomd_dmesg.log")] == [1000, 1999]


def test_trace_of_oom_events():
    record = read_log(str(TRACE)).record
    (kill,) = record["kills"]
    sizes = picked(kill, "by", "process", "pid", "anon_pages", "file_pages", "pgtables_bytes", "oom_score_adj")
    assert sizes == ("kernel", "mmbench-victim", 8319, 73760 // 4, 4108 // 4, 208 << 10, 1000)
    assert (kill["reap"]["start_us"], kill["reap"]["after_us"]) == (3560124097 - 3558117397, 3560133722 - 3558117397)
    assert record["clock"] == "monotonic"
