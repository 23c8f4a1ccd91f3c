"""`mmbench size` as a person meets it: answers, formats, pictures, promises, and every kind of bad input."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.report.text.size_answer import added_sentences, held_sentence
from mmbench.report.text.size_tables import off_sentence

SMALL = ["--ordinary", "64MiB", "--heavy", "1GiB", "--rarity", "1%", "--n", "100k"]


def out_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["size", *argv]) == 0
    return capsys.readouterr().out


def test_the_first_screen_answers(capsys, monkeypatch) -> None:
    """What heavy victims add: a table and a sentence for each in 80 columns; whoever gave up is not ranked."""
    monkeypatch.setenv("COLUMNS", "80")
    argv = (*SMALL, "--holds", "memory", "drop-oom-skip", "v6.18", "--over", "900ms", "--hosts", "500")
    text = out_of(capsys, *argv)
    assert text.startswith("model | poisson:1/s") and max(map(len, text.splitlines())) <= 80
    rows = [line for line in text.splitlines() if re.match(r"(1\.|2\.|-) ", line)]
    assert [row.split()[:2] for row in rows] == [["1.", "v6.18"], ["-", "drop-oom-skip"]]
    assert rows[0].endswith("none") and "1 in " in rows[1]
    flat = " ".join(text.split())
    assert re.search(
        r"v6.18: Heavy victims, 1 in 100 kills, (raise|hardly move) p99.9 from .* to .*: .* \[.*\]\. ", flat
    )
    assert re.search(
        r"They are \S+ % of the kills that block the reaper for more than 900 ms; they delay \S+ % of", flat
    )
    assert "MMF_OOM_SKIP is set by giving up or too early for 1 in" in flat
    assert "blocks the reaper for more than 900ms" in flat
    assert "500 hosts with 1 kills a day each: one such kill every" in flat
    assert "Table against the engine: at most" in flat and "again: mmbench size" in flat


def test_details_are_asked_for(capsys) -> None:
    text = out_of(capsys, *SMALL, "--holds", "memory", "drop-oom-skip", "--detail")
    for row in ("to first page", "kill to MMF_OOM_SKIP", "to all freed", "behind others", "earlyoom"):
        assert row in text


def test_json_is_the_same_for_any_number_of_workers(capsys) -> None:
    argv = (*SMALL, "--format", "json")
    one = out_of(capsys, *argv)
    assert out_of(capsys, *argv, "--workers", "2") == one
    record = json.loads(one)[0]
    assert record["kills"] == 327_680 and record["format"] == "mmbench-size 2"
    assert out_of(capsys, *argv, "--seed", "2") != one


def test_what_was_kept_is_shown_again(capsys, tmp_path) -> None:
    old = str(Path(__file__).parents[1] / "records/old/size-1.json.gz")
    text = out_of(capsys, "--read", old, "--plot", f"causes={tmp_path / 'causes.png'}")
    assert "v6.18: Heavy victims, 1 in 50 kills," in text and (tmp_path / "causes.png").exists()
    kept = tmp_path / "kept.json"
    kept.write_text(out_of(capsys, "--read", old, "--format", "json"))
    assert out_of(capsys, "--read", str(kept), "--detail").startswith(text)
    assert main(["size", "--read", str(kept), "--plot", f"heatmap={tmp_path / 'a.png'}"]) == 2
    assert "but heatmap" in capsys.readouterr().err


def test_csv_has_a_row_per_strategy_and_the_ranking(capsys) -> None:
    text = out_of(capsys, *SMALL, "v5.17", "v6.18", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["strategy"] for row in rows] == ["v5.17", "v6.18"]
    assert rows[0]["ranking.mean.rank.v5.17"] in ("1", "2")


def test_pictures_are_written_whole(capsys, tmp_path) -> None:
    kinds = ("added", "ccdf", "spectrum", "causes", "heatmap")
    plots = [word for kind in kinds for word in ("--plot", f"{kind}={tmp_path / kind}.png")]
    out_of(capsys, *SMALL, *plots)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{kind}.png" for kind in kinds)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in tmp_path.iterdir())


def test_a_promise_is_answered_by_the_largest_size(capsys) -> None:
    text = out_of(capsys, *SMALL, "--rarity", "10%", "v6.18", "--slo", "p99<40ms", "--format", "json")
    record = json.loads(text)[0]
    assert record["answer"] and not record["at_the_top"]
    assert {step["verdict"] for step in record["steps"]} >= {"holds"}
    off = record["interpolation"]["skip p99"]  # of the kills that the answer rests on
    assert off["runs"] == 15 and off["median"] < 0.02
    assert any(line.startswith("Table against the engine: at most ") for line in off_sentence(record["interpolation"]))


def test_a_promise_that_nothing_keeps_is_bad_news(capsys) -> None:
    assert main(["size", *SMALL, "--slo", "p99<1us"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "none: p99<1us holds for no size" in text
    assert "Heavy victims are not the reason: ordinary victims alone come to" in text
    assert "the reaper comes 2.00 s after the kill" in text


def test_how_rare_is_rare_enough(capsys) -> None:
    """What they add grows with their share: the answer is the largest that keeps it below the limit."""
    argv = (*SMALL, "v6.18", "--solve", "rarity", "--slo", "added p99<5ms", "--format", "json")
    (record,) = json.loads(out_of(capsys, *argv))
    one_in = float(record["answer"].removeprefix("1 in ").replace(",", ""))
    assert 90 < one_in < 300  # 1 GiB takes longer than 64 MiB by far more than 5 ms: one in a hundred is p99 itself
    assert all(step["low_ps"] < 5e9 or step["verdict"] == "fails" for step in record["steps"] if step["kills"])


@pytest.mark.parametrize("rarity", ["0", "1"])
def test_nobody_or_only_heavy_victims_have_nothing_to_compare_with(capsys, rarity) -> None:
    argv = (*SMALL, "drop-oom-skip", "--kills", "poisson:0.5/s")
    argv = (*argv, "--over", "1ms") if rarity == "1" else argv
    text = out_of(capsys, *argv, "--rarity", rarity)
    assert "nothing to compare with" in " ".join(text.split())


def test_when_every_kill_blocks_the_study_is_not_lost(capsys) -> None:
    """Ended in KeyError: 'hits' after all kills had been simulated."""
    argv = ("--heavy", "1GiB", "--rarity", "1", "--holds", "memory", "drop-oom-skip")
    text = out_of(capsys, *argv, "--kills", "poisson:0.1/s", "--n", "100k", "--over", "900ms")
    assert "every kill blocks the reaper for more than 900ms" in " ".join(text.split())


def test_any_percentile_may_be_the_target(capsys) -> None:
    """p95, which no table had, ended in KeyError once all kills had been played."""
    argv = (*SMALL, "--strategy", "v5.17", "--target", "p95")
    (record,) = json.loads(out_of(capsys, *argv, "--format", "json"))
    assert list(record["latency"]["skip"]["percentiles"]) == ["p50", "p90", "p95", "p99", "p99.9", "p99.99"]
    assert "skip p95" in record["interpolation"] and "p95" in record["added"]["effects"]
    assert "p95 from" in next(added_sentences(record))


def test_domains_hold_kills_back_and_it_is_told(capsys) -> None:
    """One domain: who comes while another one dies is held back; a give-up of the heavy ones costs a further victim."""
    argv = (*SMALL, "--rarity", "10%", "--strategy", "drop-oom-skip", "--holds", "memory", "--domains", "1")
    argv = (*argv, "--kills", "poisson:0.5/s")
    (record,) = json.loads(out_of(capsys, *argv, "--format", "json"))
    found = record["held_back"]
    assert 0.01 < found["held"]["value"] < 0.2 and found["further"]["value"] == pytest.approx(0.1, rel=0.1)
    assert "--domains 1" in record["made_from"]["command"]
    assert found["moved"]["by_ps"]["low"] <= found["moved"]["value_ps"] - found["moved"]["apart_ps"]
    assert re.match(
        r"In 1 domain 1 in \d+ kills is held back until MMF_OOM_SKIP, for \d+ ms", next(held_sentence(record))
    )


def test_a_domain_that_is_always_waiting_is_refused(capsys) -> None:
    argv = ("--ordinary", "4GiB", "--heavy", "8GiB", "--rarity", "1%", "--kills", "poisson:10/s", "--domains", "1")
    assert main(["size", *argv, "--strategy", "v6.18", "--n", "100k"]) == 2
    assert "a domain waits for MMF_OOM_SKIP" in capsys.readouterr().err


def test_reapers_and_their_order_are_told_and_asked_again(capsys) -> None:
    argv = (*SMALL, "--rarity", "10%", "v5.17", "--kills", "poisson:20/s", "--format", "json")
    waits = {}
    for extra in ((), ("--order", "oldest"), ("--reapers", "4")):
        (record,) = json.loads(out_of(capsys, *argv, *extra))
        waits[extra] = record["latency"]["behind"]["mean_ps"]
        assert " ".join(extra) in record["made_from"]["command"]
    assert waits["--reapers", "4"] < 0.2 * waits[()]
    text = out_of(capsys, *argv[:-2], "--reapers", "4", "--order", "oldest")
    assert "4 reapers, oldest first" in " ".join(text.split())


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
            ["--kills", "poisson:100000/s", "--holds", "memory", "trylock"],
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
        (["--reapers", "0"], "--reapers 0: allowed are 1 to 1024"),
        (["--domains", "-1"], "--domains -1: allowed are 1 to 65,536"),
        (["--domains", "3", "--reapers", "2"], "leave out --reapers and --order"),
        (["--from", "kills.txt"], "named *.kills.json"),
        (["--from", "a.kills.json", "--kills", "poisson:2/s"], "leave out --kills"),
        (["--heavy", "32MiB", "--heavy-locked", "0"], "is not heavier than --ordinary"),
        (["--slo", "added fast"], "not a promise"),
    ],
)
def test_bad_input_is_a_sentence(argv, said, capsys) -> None:
    designs = argv[len(argv) // 2 * 2 :]
    options = dict(zip(SMALL[::2], SMALL[1::2], strict=True)) | dict(zip(argv[::2], argv[1::2], strict=False))
    assert main(["size", *designs, *(word for pair in options.items() for word in pair)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mmbench: ") and said in error
