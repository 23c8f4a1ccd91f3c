"""`mmbench import` as a person meets it: a log in, a record and a table out, and every kind of bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.ask.kills import design_of
from mmbench.cli.main import main
from mmbench.victims.kernel_log import read_kills

LOGS = Path(__file__).parents[1] / "victims" / "kernel_log" / "logs"
EOS = str(LOGS / "eos_4.15_syslog.log")
DOCKER = str(LOGS / "docker_5.3_syslog.log")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 2) -> str:
    assert main(list(argv)) == code
    said = capsys.readouterr()
    assert said.err.startswith("mmbench: ") and said.err.count("\n") == 1
    return said.err


def test_table_summary_and_record(capsys):
    assert main(["import", DOCKER]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("3 kills (2 kernel, 1 memcg) over 4:24, ") or out.startswith(
        "3 kills (2 kernel, 1 memcg) over 0:04:24"
    )
    assert "2 seen reaped (median 3.13 ms, longest 3.25 ms after the kill)" in out.replace("\n", " ")
    assert "(resolved)" in out and "whether pages were mlocked is not in the log" in out.lower().replace("\n", " ")
    assert "docker_5.3_syslog.kills.json" in err
    assert len(read_kills("docker_5.3_syslog.kills.json")["kills"]) == 3
    assert all(len(line) <= 120 for line in out.splitlines())


def test_json_is_the_record_and_csv_has_a_row_per_kill(capsys):
    assert main(["import", DOCKER, "--format", "json", "-o", "a.kills.json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_kills("a.kills.json")
    assert main(["import", DOCKER, "--format", "csv", "-o", "a.kills.json"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["reap.after_us"] for row in rows] == ["3255", "3014", ""]
    assert [row["number"] for row in rows] == ["1", "2", "3"]


def test_the_record_names_no_host(capsys):
    text = Path(EOS).read_text().replace(" host ", " bastion7 ")
    Path("a.log").write_text(text)
    assert main(["import", "a.log"]) == 0
    assert "bastion7" not in Path("a.kills.json").read_text() + capsys.readouterr().out


def test_columns_that_do_not_fit_go_and_none_is_cut(capsys):
    line = (
        Path(DOCKER)
        .read_text()
        .splitlines()[1]
        .replace("shmem-rss:0kB", "shmem-rss:{}kB, UID:0 pgtables:40kB oom_score_adj:-1000")
    )
    zone = "Node 0 Normal free:4kB unevictable:0kB mlocked:4194304kB\nCPU: 1 Comm: x Not tainted 6.12.41\n"
    big = line.replace("anon-rss:4292kB", "anon-rss:99999996kB").replace("file-rss:3428kB", "file-rss:99999996kB")
    Path("a.log").write_text(zone + big.format(99999996) + "\n" + Path(DOCKER).read_text().splitlines()[2] + "\n")
    assert main(["import", "a.log"]) == 0
    out = capsys.readouterr().out
    assert "\u2026" not in out and "mlocked up to" in out and "4.00 GiB" in out and "reaped" in out


def test_unread_lines_are_shown_and_counted(capsys):
    Path("a.log").write_text(Path(EOS).read_text() + "[  759.0] Killed process 8 (hog) total-vm:80000kB, anon\n")
    assert main(["import", "a.log"]) == 0
    out = capsys.readouterr().out
    assert "1 line looks like an OOM line and could not be read:" in out and "line 10: Killed process 8" in out


def test_compare_and_replay_take_a_kill(capsys):
    assert main(["import", DOCKER, "-o", "a.kills.json"]) == 0
    capsys.readouterr()
    argv = [
        "compare",
        "--victim",
        "a.kills.json:1",
        "--locked",
        "1",
        "v4.17",
        "v6.18",
        "--format",
        "json",
    ]
    assert main(argv) == 0
    old, new = json.loads(capsys.readouterr().out)
    assert old["resident_pages"] == old["locked_pages"] == (4292 + 3428) // 4
    assert main(["run", "--replay", new["token"], "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [new]
    Path("a.kills.json").write_text(Path("a.kills.json").read_text() + "\n")
    assert "has changed" in refused(capsys, "run", "--replay", new["token"])


def test_a_kill_needs_its_locked_share_and_takes_no_size(capsys):
    assert main(["import", DOCKER, "-o", "a.kills.json"]) == 0
    capsys.readouterr()
    assert "--locked" in refused(capsys, "compare", "--victim", "a.kills.json:1")
    assert "complete in itself" in refused(capsys, "compare", "--victim", "a.kills.json:1", "--size", "1GiB")
    assert "no kill 9" in refused(capsys, "compare", "--victim", "a.kills.json:9", "--locked", "1")
    assert "no file" in refused(capsys, "compare", "--victim", "none.kills.json", "--locked", "1")


def test_model_beside_observation(capsys):
    assert main(["import", EOS, "--model", "--locked", "1", "--shared", "1", "--format", "json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["model"]
    kill = read_kills("eos_4.15_syslog.kills.json")["kills"][0]
    assert (model["number"], model["strategy"], model["left_pages"]) == (1, "v4.14", kill["rss_pages"])
    assert model["after_ps"] < 10**9
    assert main(["import", EOS, "--model", "--locked", "1", "--shared", "1"]) == 0
    assert "observed left" in capsys.readouterr().out
    assert "Not tainted" in refused(capsys, "import", DOCKER, "--model", "--locked", "1")
    assert "--model" in refused(capsys, "import", DOCKER, "--locked", "1")


def test_a_give_up_is_named_beside_the_models_success(capsys):
    assert main(["import", str(LOGS / "give_up_printk.log"), "--model", "--locked", "0"]) == 0
    table = capsys.readouterr().out.partition("observed reap")[2]
    assert "gave-up, 3.10 s" in table


LMKD = """\
07-18 12:48:23.514   479   479 I lowmemorykiller: Kill 'org.demo.brew' (4100), uid 10123, oom_score_adj 905 to free \
4000kB rss, 3000kB anon rss, 800kB swap, 0kB dmabuf_pss, 0kB dmabuf_rss; reason: low watermark is breached
07-18 12:48:23.560   479   491 I lowmemorykiller: Process 4100 was reaped in 32ms
"""


def test_lmkds_own_times_beside_the_models_process_mrelease(capsys):
    Path("lmkd.log").write_text(LMKD)
    assert main(["import", "lmkd.log", "--model", "--locked", "0", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (kill,), (model,) = found["kills"], found["model"]
    assert (kill["reap"]["outcome"], kill["reap"]["after_us"], kill["rss_pages"]) == ("reaped", 32_000, 1000)
    assert (model["strategy"], model["party"], model["is_assumed"]) == ("v6.1", "mrelease", True)
    assert 0 < model["after_ps"] < 32 * 10**9
    assert main(["import", "lmkd.log", "--model", "--locked", "0"]) == 0
    out = capsys.readouterr().out
    assert "32.0 ms" in out.partition("observed reap")[2] and "v6.1 is assumed" in out


def test_a_reap_that_left_125_gib_and_a_model_that_leaves_them_too(capsys):
    lines = Path(EOS).read_text()
    for size in ("8452480kB", "7928148kB", "7926420kB"):
        lines = lines.replace(size, "131072000kB")
    Path("big.log").write_text(lines)
    assert main(["import", "big.log", "--model", "--locked", "1", "--shared", "1"]) == 0
    assert capsys.readouterr().out.count("125 GiB") >= 4  # resident, left; observed left, model left


def test_more_mlocked_than_the_dump_shows_is_refused_for_a_victim_and_limited_in_a_model(capsys):
    assert main(["import", str(LOGS / "give_up_printk.log"), "-o", "a.kills.json"]) == 0
    capsys.readouterr()
    said = refused(capsys, "compare", "--victim", "a.kills.json:1", "--locked", "1")
    assert "at most 4 MiB" in said and "--locked 0.059 or less" in said
    assert main(["import", str(LOGS / "give_up_printk.log"), "--model", "--locked", "1", "--format", "json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["model"]
    assert model["is_limited"] and 0.059 < model["locked_share"] < 0.06


def test_a_model_without_anything_to_model_writes_no_record(capsys):
    refused(capsys, "import", DOCKER, "--model", "--locked", "1")
    refused(capsys, "import", EOS, "--model")
    assert not list(Path().glob("*.kills.json"))


def test_clocks_of_whole_seconds_are_not_said_to_be_exact(capsys):
    lines = [line for line in Path(DOCKER).read_text().splitlines() if "reaped" in line or "Killed" in line][:2]
    Path("a.log").write_text("\n".join(re.sub(r"\[ *[\d.]+\] ", "", line) for line in lines) + "\n")
    assert main(["import", "a.log"]) == 0
    out = capsys.readouterr().out
    assert "1 seen reaped (under 1 s after the kill)" in out.replace("\n", " ") and "median" not in out


@pytest.mark.parametrize(
    ("release", "design"),
    [
        (None, None),
        ("3.10.0", None),
        ("4.14.99", "v4.14"),
        ("4.17.1", "v4.17"),
        ("5.16.20", "v4.17"),
        ("5.17", "v5.17"),
        ("6.0.19", "v5.18"),
        ("6.17.13", "v6.1"),
        ("6.18.0", "v6.18"),
        ("7.3.4", "v6.18"),
    ],
)
def test_design_of_a_kernel(release, design):
    assert design_of(release) == design


def test_bad_input(capsys):
    assert "no file 'none.log'" in refused(capsys, "import", "none.log")
    Path("calm.log").write_text("all is well\n")
    assert "holds no OOM kill (1 line read)" in refused(capsys, "import", "calm.log")
    Path("noise.bin").write_bytes(bytes(range(256)) * 100)
    assert "is binary" in refused(capsys, "import", "noise.bin")
    assert not list(Path().glob("*.kills.json"))
    assert "folder does not exist" in refused(capsys, "import", EOS, "-o", "no/where.kills.json")


def test_a_log_of_reaps_alone_says_how_they_ended(capsys):
    give_up = (LOGS / "give_up_printk.log").read_text().splitlines()[-1]
    Path("tail.log").write_text(give_up + "\n")
    assert "1 reap of victims whose kill is not in it, 1 of them given up" in refused(capsys, "import", "tail.log")
    Path("tail.log").write_text(Path(DOCKER).read_text() + give_up + "\n")
    assert main(["import", "tail.log"]) == 0
    assert "1 reap has no kill in the log before" in capsys.readouterr().out


def test_a_default_name_replaces_only_a_record(capsys):
    for _ in range(2):
        assert main(["import", EOS]) == 0
    Path("eos_4.15_syslog.kills.json").write_text("mine")
    capsys.readouterr()
    assert "exists and is no record" in refused(capsys, "import", EOS)
    assert Path("eos_4.15_syslog.kills.json").read_text() == "mine"


def test_a_pipe_of_60_mb_needs_no_memory():
    """The reader's largest resident size does not grow with the log: 60 MB take less than 25 MB more than 1 kB does."""
    noise = b"Jul 18 12:48:23 host networkd[400]: eth0: DHCPv4 address 192.0.2.7/24 via 192.0.2.1\n" * 12_000
    kill = Path(EOS).read_bytes()

    def peak(n: int) -> int:
        code = "import sys, resource; from mmbench.cli.main import main; code = main(sys.argv[1:]); "
        code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
        argv = [sys.executable, "-c", code, "import", "-", "-o", "a.kills.json", "--format", "csv"]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=os.environ) as reader:
            assert reader.stdin is not None and reader.stderr is not None
            for _ in range(n):
                reader.stdin.write(noise)
            reader.stdin.write(kill)
            reader.stdin.close()
            said = reader.stderr.read().decode()
        assert reader.returncode == 0, said
        return int(said.split()[-1])

    assert peak(60) - peak(0) < 25_000
    assert read_kills("a.kills.json")["n_lines"] == len(kill.splitlines())
