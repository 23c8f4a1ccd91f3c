"""The command line as a person meets it: real verbs, small victims, every kind of bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmbench.strategies
from mmbench.cli.main import main
from mmbench.records.run_record import validate_record
from mmbench.strategies import IDS

STRATEGIES = Path(mmbench.strategies.__file__).parent
SMALL = ["--size", "64MiB", "--vmas", "16"]


def out_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(list(argv)) == 0
    return capsys.readouterr().out


def test_compare_prints_one_valid_record_per_strategy(capsys):
    records = json.loads(out_of(capsys, "compare", *SMALL, "--format", "json"))
    assert [r["strategy"] for r in records] == list(IDS)
    for record in records:
        validate_record(record)
        assert sum(record["freed_pages"].values()) + sum(record["left_pages"].values()) == record["resident_pages"]


def test_compare_is_the_same_byte_for_byte(capsys):
    argv = ("compare", *SMALL, "--scenario", "contended", "--contended", "0.01", "--seed", "7", "--format", "json")
    assert out_of(capsys, *argv) == out_of(capsys, *argv)


def test_another_seed_is_another_run(capsys):
    argv = ("run", "v5.17", *SMALL, "--scenario", "contended", "--contended", "0.01", "--format", "json")
    assert out_of(capsys, *argv, "--seed", "1") != out_of(capsys, *argv, "--seed", "2")


def test_replay_reproduces_the_record(capsys, tmp_path):
    design = tmp_path / "mine.py"
    design.write_text((STRATEGIES / "v6_18.py").read_text().replace('id="v6.18"', 'id="mine"'))
    argv = ("run", str(design), *SMALL, "--scenario", "mrelease+slow-exit", "--format", "json")
    first = out_of(capsys, *argv)
    token = json.loads(first)[0]["token"]
    assert out_of(capsys, "run", "--replay", token, "--format", "json") == first
    design.write_text(design.read_text() + "\n# changed\n")
    assert main(["run", "--replay", token]) == 2
    assert "has changed" in capsys.readouterr().err


def test_csv_has_a_row_per_strategy(capsys):
    rows = list(csv.DictReader(io.StringIO(out_of(capsys, "compare", *SMALL, "--format", "csv"))))
    assert [row["strategy"] for row in rows] == list(IDS)
    assert all(int(row["resident_pages"]) == 16384 for row in rows)


def test_tables_name_every_strategy_and_say_model(capsys):
    text = out_of(capsys, "compare", *SMALL, "--scenario", "stuck-holder")
    assert text.startswith("model |")
    for name in ("drop-oom-skip", "v6.18", "killed another process", "killed"):
        assert name in text


def test_plot_is_written_whole(capsys, tmp_path):
    picture = tmp_path / "compare.png"
    assert main(["compare", *SMALL, "v6.1", "v6.18", "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["compare.png"]


@pytest.mark.parametrize("spec", ["v4.14", "write-downgrade:self_reaping=kept", "trylock:bail_out=vma"])
def test_show_prints_every_step(capsys, spec):
    shown = json.loads(out_of(capsys, "show", spec, "--format", "json"))
    text = out_of(capsys, "show", spec)
    assert {row["role"] for row in shown["steps"]} >= {"exit", "reaper"}
    for row in shown["steps"]:
        assert row["step"].split()[0] in text


@pytest.mark.parametrize("what", ["strategies", "victims", "scenarios", "costs"])
def test_list_in_every_format(capsys, what):
    rows = json.loads(out_of(capsys, "list", what, "--format", "json"))[what]
    assert rows
    assert len(list(csv.DictReader(io.StringIO(out_of(capsys, "list", what, "--format", "csv"))))) == len(rows)
    assert next(iter(rows[0].values())) in out_of(capsys, "list", what)


def test_snapshot_of_this_process_can_be_compared(capsys, tmp_path):
    path = tmp_path / "me.victim"
    assert main(["snapshot", str(os.getpid()), "-o", str(path)]) == 0
    capsys.readouterr()
    record = json.loads(out_of(capsys, "run", "v6.18", "--victim", str(path), "--format", "json"))[0]
    assert record["resident_pages"] > 1000


BAD = {
    "unknown strategy": (["compare", "v6.2"], 2, "Did you mean 'v6.1'"),
    "unknown victim": (["compare", "--victim", "elasticsearch"], 2, "unknown victim"),
    "unknown scenario": (["compare", "--scenario", "stuckholder"], 2, "Did you mean 'stuck-holder'"),
    "not a number": (["compare", "--size", "nan"], 2, "is not a size"),
    "does not fit": (["compare", "--size", "200TiB"], 2, "of memory"),
    "share above one": (["compare", "--locked", "1.5"], 2, "0 to 1"),
    "no VMAs": (["compare", "--vmas", "0"], 2, "vmas is 0"),
    "vanished process": (["snapshot", "4194303", "-o", "gone.victim"], 3, "no process"),
    "no strategy": (["run"], 2, "give a strategy"),
    "damaged token": (["run", "--replay", "mm1-xxx"], 2, "damaged"),
    "foreign token": (["run", "--replay", "abc"], 2, "not a replay token"),
    "unknown costs": (["compare", "--costs", "nope"], 2, "unknown cost table"),
    "missing file": (["show", "./nothere.py"], 2, "does not exist"),
    "not a victim file": (["compare", "--victim", "/etc/passwd"], 2, "line 1"),
    "two holders": (["compare", "--holder-needs", "1MiB", "--holder-hold", "1ms"], 2, "one of the two"),
    "no speed": (["run", "v6.1", "--exit-slowness", "0"], 2, "exit_slowness = 0"),
    "both victims": (["run", "v6.1", "--victim", "seastar", "--size", "1GiB"], 2, "leave out --size"),
    "bad picture": (["compare", *SMALL, "v6.1", "--plot", "x.bmp"], 2, ".png"),
}


@pytest.mark.parametrize("argv, code, words", BAD.values(), ids=BAD.keys())
def test_bad_input_is_a_sentence(capsys, tmp_path, monkeypatch, argv, code, words):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_protocol_that_does_not_lint_names_the_step(capsys, tmp_path):
    design = tmp_path / "bad.py"
    text = (STRATEGIES / "v6_1.py").read_text()
    design.write_text(
        text.replace('step("mmap_read_unlock", Op.MMAP_READ_UNLOCK),\n            step("set', 'step("set')
    )
    assert main(["compare", str(design)]) == 2
    assert "role 'exit', step 'mmap_write_lock'" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    code = (
        "import contextlib, sys; from mmbench.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\nprint(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numba", "numpy", "rich", "matplotlib", "scipy"} & set(loaded)


@pytest.mark.parametrize("verb", ["list", "show", "compare", "run", "snapshot"])
def test_every_verb_has_an_example(capsys, verb):
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert f"mmbench {verb}" in capsys.readouterr().out.split("example")[-1]
