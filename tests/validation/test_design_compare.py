"""A record of designs beside the model: pages exactly, instructions relatively, outcomes beside a holder."""

from typing import Any

import pytest

from mmbench.cli.main import main
from mmbench.lab import design_record
from mmbench.strategies.load import load
from mmbench.validation.design_rows import plain_rows
from mmbench.validation.designs import compare_designs, held_ppm, reaper_left, skip_ns, with_batch_of

SMALL = {"span_bytes": 1 << 20, "locked_share": 0.5, "n_vmas": 1, "stride_pages": 1, "kind": "anon"}


def lines(spec: str) -> list[str]:
    plain = plain_rows(load(spec))
    return [f"row {r['op']} {' '.join(map(str, r['args']))} {r['next']} {r['otherwise']}" for r in plain["rows"]]


def record_of(release: str, specs: list[str], entries: list[dict[str, Any]]) -> dict[str, Any]:
    series = ".".join(release.split(".")[:2])
    programs = {spec: lines(spec) for spec in specs}
    head = {"format": design_record.FORMAT, "release": release, "series": series, "programs": programs, "fatal": []}
    head |= dict.fromkeys(
        (*design_record.TOP[3:], "python", "set", "gcc", "module_source", "module_sha256"), "made here"
    )
    boot = {"name": "designs", "n_cpus": 1, "command": [], "initramfs_sha256": "made here"}
    return head | {"boots": [boot | {"memory_bytes": 1 << 30, "available_bytes": 1 << 29, "experiments": entries}]}


def lone(design: str, kind: str, ns: int, left: list[int]) -> dict[str, Any]:
    return {
        "design": design,
        "kind": kind,
        "victim": SMALL,
        "pages_before": [128, 128],
        "pages_after": left,
        "ns": [ns, ns + 9],
    }


def test_pages_are_exact_or_wrong_and_instructions_are_relative() -> None:
    entries = [lone("v4.17", "reaper", 1_000_000, [128, 0]), lone("trylock", "reaper", 1_000_000, [128, 0])]
    first = compare_designs(record_of("5.10.1", ["v4.17", "trylock"], entries))
    assert [(c["left"], c["model_left"]) for c in first["cells"]] == [(128, 128), (128, 0)]
    assert first["left"] == {"n": 2, "exact": 1}
    model = first["cells"][0]["model_ns"]
    entries[0]["ns"] = [2 * model]
    again = compare_designs(record_of("5.10.1", ["v4.17", "trylock"], entries))
    assert again["cells"][0]["error"] == pytest.approx(-0.5)
    assert again["errors"]["reaper"]["n"] == 2


def test_a_batch_that_no_program_can_choose_is_the_kernels_own() -> None:
    entries = [lone("v5.18", "exit", 1000, []), lone("v6.1", "exit", 1000, [])]
    old, new = compare_designs(record_of("6.12.1", ["v5.18", "v6.1"], entries))["cells"]
    assert old["model_ns"] == pytest.approx(new["model_ns"], rel=0.01)
    assert load("v5.18").roles["exit"] != with_batch_of(load("v5.18"), load("v6.1")).roles["exit"]


def test_the_copy_of_the_kernels_own_design_is_held_against_its_code() -> None:
    entries = [lone("stock", "exit", 1000, []), lone("v6.1", "exit", 1030, []), lone("v6.18", "exit", 2000, [])]
    (copy,) = compare_designs(record_of("6.12.1", ["v6.1", "v6.18"], entries))["copies"]
    assert (copy["what"], copy["stock_ns"], copy["copy_ns"]) == ("exit", 1000, 1030)
    assert copy["error"] == pytest.approx(0.03)


def stuck(
    design: str, gave_up: int | None, kills: int, steps: list[dict[str, Any]], ended: int | None = None
) -> dict[str, Any]:
    victim = SMALL | {"span_bytes": 64 << 20, "locked_share": 0.9}
    killed = [{"who": "bystander", "ns": 5}] * kills
    times = {
        "reaper_woken_ns": [20_000_000],
        "reaper_began_ns": [None],
        "reaper_ended_ns": [ended],
        "gave_up_ns": [gave_up],
    }
    scene = {
        "holds": "lock-page",
        "held_page": 0,
        "hold_ms": 0,
        "hurry": True,
        "stacks": [["lock_page"]],
        "trigger": "allocated",
    }
    return (
        {"design": design, "kind": "stuck-holder", "victim": victim, "further_kills": killed, "steps": [steps]}
        | scene
        | times
    )


def test_who_died_and_who_gave_up_is_predicted_from_the_strategy_alone() -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 0, "rss_pages": 9}]
    entries = [stuck("drop-oom-skip", 1_057_000_000, 1, exits), stuck("no-munlock", None, 0, exits, 60_000_000)]
    worry, spared = compare_designs(record_of("5.10.1", ["drop-oom-skip", "no-munlock"], entries))["holders"]
    assert (worry["model_kills"], worry["model_gave_up"]) == (1, True)
    assert worry["skip_ms"] == 1057.0
    assert worry["model_skip_ms"] > 1000
    assert (spared["model_kills"], spared["model_gave_up"], spared["model_reaper_left"]) == (0, False, 0)
    assert spared["skip_ms"] == 60.0


def test_a_reader_is_told_as_it_was_seen() -> None:
    entry = stuck("exit-write", 1_200_000_000, 1, []) | {"kind": "reader", "holds": "read-count"}
    (reader,) = compare_designs(record_of("6.12.1", ["exit-write"], [entry]))["readers"]
    assert (reader["killed"], reader["gave_up"], reader["skip_ms"]) == (["bystander"], True, 1200.0)
    assert "model_kills" not in reader


def test_skip_is_set_by_exit_or_by_the_reaper_whoever_is_first() -> None:
    rows = [["SET_FLAG", "1"], ["SET_FLAG", "2"]]
    steps = [
        {"ns": 3, "role": "exit", "row": 0},
        {"ns": 7, "role": "exit", "row": 1},
        {"ns": 1, "role": "reaper", "row": 1},
    ]
    entry = {"reaper_ended_ns": [None], "gave_up_ns": [None]}
    assert skip_ns(entry, steps, rows) == 7
    assert skip_ns(entry | {"reaper_ended_ns": [5]}, steps, rows) == 5
    assert skip_ns(entry, [], rows) is None


def test_what_the_reaper_left_is_what_was_mapped_when_its_pass_ended() -> None:
    steps = [{"role": "reaper", "rss_pages": 20}, {"role": "exit", "rss_pages": 15}, {"role": "reaper", "rss_pages": 4}]
    assert reaper_left(steps) == 4
    assert reaper_left(steps[:2]) is None


def test_the_held_page_is_told_in_millionths_of_the_locked_ones() -> None:
    assert held_ppm({"victim": SMALL, "held_page": 0}) == 0
    assert held_ppm({"victim": SMALL, "held_page": 64}) == 500_000
    assert held_ppm({"victim": SMALL, "held_page": 500}) == 999_999


def test_the_verb_prints_both_and_says_bad_news(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "5.10.json"
    entries = [lone("stock", "reaper", 1_000_000, [128, 0]), lone("v4.17", "reaper", 1_000_000, [128, 0])]
    record = record_of("5.10.1", ["v4.17"], [e | {"role": "designs"} for e in entries])
    path.write_text(design_record.to_text(record))
    assert main(["lab", "compare", str(path)]) == 0
    assert "pages left as predicted: 2 of 2" in capsys.readouterr().out
    entries[1]["pages_after"] = [127, 0]
    path.write_text(design_record.to_text(record_of("5.10.1", ["v4.17"], entries)))
    assert main(["lab", "compare", str(path)]) == 1
    assert "pages left as predicted: 1 of 2" in capsys.readouterr().out
