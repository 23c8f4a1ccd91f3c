"""versus: statistics, equal answers on all sides, skips with a reason, bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import footprint, turns, versus
from benchmarks.peers import c_loop, spin

ROOT = Path(__file__).resolve().parents[2]
FIGURES = (
    "unmap_vs_c", "unmap_vs_copy", "engine_pages_per_s", "engine_vs_simpy", "bytes_per_page", "queue_kills_per_s",
    "queue_vs_ciw", "checker_vs_spin",
)  # fmt: skip
SMALL = ["--size", "64MiB", "--simpy-size", "8MiB", "--victim", "64MiB", "--turns", "3"]


def empty_report() -> dict[str, Any]:
    return {"skipped": {}, "details": {}}


def test_spread_is_median_and_quartiles() -> None:
    assert turns.spread([5, 1, 3, 2, 4]) == (3, 2, 4)
    assert turns.spread([7]) == (7, 7, 7)


def test_turns_reverse_and_the_first_does_not_count() -> None:
    order: list[str] = []

    def side(name: str, seconds: float) -> turns.Side:
        def run() -> tuple[float, Any]:
            order.append(name)
            return seconds, "same"

        return run

    found = turns.take_turns({"a": side("a", 1.0), "b": side("b", 2.0)}, 2)
    assert order == ["b", "a", "a", "b", "b", "a"]
    assert found == {"a": [1.0, 1.0], "b": [2.0, 2.0]}


def test_different_answers_stop_the_comparison() -> None:
    with pytest.raises(turns.WrongAnswerError, match="disagree"):
        turns.take_turns({"a": lambda: (1.0, 1), "b": lambda: (1.0, 2)}, 1)


def test_one_object_of_all_ratios() -> None:
    pytest.importorskip("simpy")
    command = [sys.executable, "benchmarks/versus.py", "--json", *SMALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    for name in FIGURES:
        if report[name] is None:
            assert report["skipped"][name]
            continue
        low, high = report[f"{name}_spread"]
        assert 0 < low <= report[name] <= high
    assert report["details"]["bytes_per_page"]["all_modes"].keys() == {"run", "compare"}
    assert len(report["details"]["engine_pages_per_s"]["all_cases"]) == 2


@pytest.mark.parametrize("size", ["2MiB", "64MiB", "3GiB"])
@pytest.mark.parametrize("strategy", versus.DIRECTIONS)
def test_simpy_finds_what_the_engine_finds(size: str, strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An independent program agrees with the engine to the picosecond, milestone by milestone."""
    pytest.importorskip("simpy")
    monkeypatch.setattr(versus, "LATEST", strategy)
    versus.simpy_side(size)()


def test_simpy_with_another_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("simpy")
    side = versus.simpy_side("64MiB")
    monkeypatch.setitem(versus.DIRECTIONS, versus.LATEST, 1)
    monkeypatch.setattr("benchmarks.peers.simpy_race.LRU_BATCH", 15)
    with pytest.raises(turns.WrongAnswerError, match="SimPy finds"):
        side()


def test_spin_and_the_checker_agree_on_a_design_of_a_hundred_thousand_states() -> None:
    report = empty_report()
    versus.measure_checker(report, 1)
    if report["checker_vs_spin"] is None:
        pytest.skip(report["skipped"]["checker_vs_spin"])
    known = report["details"]["checker_vs_spin"]
    assert min(known["states"].values()) > 100_000
    assert known["same_answer"] == "safe"


def test_spin_sees_a_lock_that_is_missing_in_its_model(tmp_path: Path) -> None:
    """Without the wait for readers a table is freed under a walk."""
    text = spin.MODEL.read_text()
    assert text.count("NO_READERS -> write_held") == 1
    (tmp_path / "broken.pml").write_text(text.replace("NO_READERS -> write_held", "true -> write_held"))
    try:
        assert spin.Spin(tmp_path, tmp_path / "broken.pml").search().verdict == "fails"
    except spin.CannotSpinError as error:
        pytest.skip(str(error))


def test_no_spin_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spin.shutil, "which", lambda name: None)
    report = empty_report()
    versus.measure_checker(report, 1)
    assert report["skipped"] == {"checker_vs_spin": "spin is not installed (apt install spin)"}


def test_c_loops_agree_with_the_kernel() -> None:
    pytest.importorskip("numba")
    if c_loop.shutil.which("gcc") is None:
        pytest.skip("gcc is not installed (apt install gcc)")
    report = empty_report()
    versus.measure_kernel(report, "4MiB", 1)
    assert report["details"]["unmap_vs_c"]["loop"] in c_loop.LOOPS
    assert set(report["details"]["unmap_vs_c"]["pages_per_s"]) == {"unmap_range", "copy", *c_loop.LOOPS}


def test_c_never_writes_beyond_the_pages(tmp_path: Path) -> None:
    if c_loop.shutil.which("gcc") is None:
        pytest.skip("gcc is not installed (apt install gcc)")
    page = np.full(1024, c_loop.PRESENT, dtype=np.uint8)
    loops = c_loop.CLoop(tmp_path)
    with pytest.raises(ValueError, match="1000 pages"):
        loops.unmap("tiled", page[:1000])
    assert loops.unmap("tiled", page[:512]) == (512, 0)
    assert page.sum() == 512


def test_no_compiler_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_loop.shutil, "which", lambda name: None)
    report = empty_report()
    versus.measure_kernel(report, "4MiB", 1)
    assert report["unmap_vs_c"] is None
    assert report["skipped"] == {"unmap_vs_c": "gcc is not installed"}
    assert report["unmap_vs_copy"] > 0


def test_a_compiler_that_fails_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(c_loop, "SOURCE", "no C at all")
    if c_loop.shutil.which("gcc") is None:
        pytest.skip("gcc is not installed (apt install gcc)")
    with pytest.raises(c_loop.CannotCompileError, match="gcc fails"):
        c_loop.CLoop(tmp_path)


def test_no_simpy_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simpy", None)
    report = empty_report()
    versus.measure_simpy(report, "64MiB", "8MiB", 1)
    assert report["engine_vs_simpy"] is None
    assert "simpy is not installed" in report["skipped"]["engine_vs_simpy"]
    assert "skipped: simpy is not installed" in versus.as_lines(report)


def test_too_little_memory_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versus, "available_bytes", lambda: 1 << 30)
    report = empty_report()
    versus.measure_memory(report, "16TiB", 1)
    assert "4 GiB" in report["skipped"]["bytes_per_page"]


def test_memory_is_under_one_byte_per_page() -> None:
    for mode in footprint.MODES:
        found = versus.footprint(mode, "256GiB")
        assert found["pages"] == 1 << 26
        # At least the two planes that every run touches, an eighth of a byte per page each.
        assert found["pages"] // 4 < found["peak_bytes"] - found["baseline_bytes"] < found["pages"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--size", "many"], "many"),
        (["--size", "5000KiB"], "whole 2 MiB"),
        (["--victim", "-1"], "-1"),
    ],
)
def test_bad_input_is_a_sentence(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    small = dict(zip(SMALL[::2], SMALL[1::2], strict=True)) | {"--turns": "1"} | dict([argv])
    assert versus.main([word for pair in small.items() for word in pair]) == 2
    error = capsys.readouterr().err
    assert error.startswith("versus: ") and said in error
