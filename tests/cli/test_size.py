"""`mmbench size` as a person meets it: answers, formats, pictures, promises, and every kind of bad input."""

from __future__ import annotations

import csv
import io
import json

import pytest

from mmbench.cli.main import main

SMALL = ["--ordinary", "64MiB", "--heavy", "1GiB", "--rarity", "1%", "--n", "100k"]


def out_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["size", *argv]) == 0
    return capsys.readouterr().out


def test_the_answer_says_model_and_one_in(capsys) -> None:
    text = out_of(
        capsys, *SMALL, "--holds", "memory", "--strategy", "drop-oom-skip", "--over", "900ms", "--hosts", "500"
    )
    assert text.startswith("model | drop-oom-skip | poisson:1/s")
    assert "1 in " in text and "blocks the reaper for more than 900ms" in text
    assert "500 hosts with 1 kills a day each: one such kill every" in text
    for row in ("to first page", "kill to MMF_OOM_SKIP", "to all freed", "behind others", "earlyoom"):
        assert row in text


def test_json_is_the_same_for_any_number_of_workers(capsys) -> None:
    argv = (*SMALL, "--format", "json")
    one = out_of(capsys, *argv)
    assert out_of(capsys, *argv, "--workers", "2") == one
    record = json.loads(one)[0]
    assert record["kills"] == 327_680 and record["format"] == "mmbench-size 1"
    assert out_of(capsys, *argv, "--seed", "2") != one


def test_csv_has_a_row_per_strategy_and_the_ranking(capsys) -> None:
    text = out_of(capsys, *SMALL, "--strategy", "v5.17", "v6.18", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["strategy"] for row in rows] == ["v5.17", "v6.18"]
    assert rows[0]["ranking.mean.rank.v5.17"] in ("1", "2")


def test_pictures_are_written_whole(capsys, tmp_path) -> None:
    kinds = ("ccdf", "spectrum", "causes", "heatmap")
    plots = [word for kind in kinds for word in ("--plot", f"{kind}={tmp_path / kind}.png")]
    out_of(capsys, *SMALL, *plots)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{kind}.png" for kind in kinds)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in tmp_path.iterdir())


def test_a_promise_is_answered_by_the_largest_size(capsys) -> None:
    text = out_of(capsys, *SMALL, "--rarity", "10%", "--strategy", "v6.18", "--slo", "p99<40ms", "--format", "json")
    record = json.loads(text)[0]
    assert record["answer"] and not record["at_the_top"]
    assert {step["verdict"] for step in record["steps"]} >= {"holds"}


def test_a_promise_that_nothing_keeps_is_bad_news(capsys) -> None:
    assert main(["size", *SMALL, "--slo", "p99<1us"]) == 1
    assert "none: p99<1us holds for no size" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--rarity", "2"], "--rarity '2' is 2"),
        (["--rarity", "-1"], "--rarity"),
        (["--held", "110%"], "--held"),
        (["--kills", "often"], "law of kills"),
        (["--kills", "/no/such.kills.json"], "no"),
        (["--heavy", "huge"], "neither"),
        (["--holds", "forever"], "law of holds"),
        (["--slo", "p99.9 is fine"], "not a promise"),
        (
            ["--kills", "poisson:100000/s", "--holds", "memory", "--strategy", "trylock"],
            "steady state",
        ),
        (["--scenario", "mrelease"], "no OOM reaper"),
        (["--n", "many"], "number of kills"),
        (["--target", "99"], "percentile"),
        (["--confidence", "100%"], "--confidence"),
        (["--plot", "pie=a.png"], "--plot"),
        (["--plot", "ccdf=a.doc"], "cannot draw"),
        (["--workers", "0"], "workers"),
        (["--hosts", "0"], "--hosts"),
    ],
)
def test_bad_input_is_a_sentence(argv, said, capsys) -> None:
    options = dict(zip(SMALL[::2], SMALL[1::2], strict=True)) | dict(zip(argv[::2], argv[1::2], strict=True))
    assert main(["size", *(word for pair in options.items() for word in pair)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mmbench: ") and said in error
