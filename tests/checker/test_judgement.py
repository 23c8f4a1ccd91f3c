"""check in CI: every scope asked, a summary, verdicts recorded and expected, rows for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmbench.ask.checks import changed, judge_all, limits_of, read_recorded, recorded
from mmbench.checker.scope import NAMED
from mmbench.cli.main import main
from mmbench.errors import InputError

NEVER_SKIPS = """
from dataclasses import replace
from mmbench.machine.protocol import Op
from mmbench.strategies import v6_18

def roles():
    fixed = v6_18.roles()
    kept = tuple(s for s in fixed["reaper"] if s.label != "set MMF_OOM_SKIP")
    steps = tuple(replace(s, to="done") if s.to == "set MMF_OOM_SKIP" else s for s in kept)
    return {**fixed, "reaper": steps}

STRATEGY = replace(v6_18.STRATEGY, id="never-skips", roles=roles)
"""
SCOPE = {"format": "mmbench-scope 1", "name": "alone", "vmas": [{"at": 0, "pages": 1}], "tasks": ["exit", "reaper"]}


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "alone.json"
    path.write_text(json.dumps(SCOPE))
    return str(path)


def test_a_reaper_that_never_sets_the_flag_is_safe_in_one_scope_and_fails_in_all(tmp_path: Path) -> None:
    path = tmp_path / "never.py"
    path.write_text(NEVER_SKIPS)
    (judged,) = judge_all([str(path)], ["default", "stuck-victim"])
    assert [v.verdict for v in judged.verdicts] == ["safe", "fails"]
    assert judged.verdict == "fails" and judged.said() == "fails (D1) in stuck-victim; safe in 1"
    assert [c.property.name for c in judged.counterexamples] == ["D1"]


def test_without_a_scope_all_of_them_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def judge(strategies: list[str], scopes: list[str], *_: object, **__: object) -> Iterator[object]:
        asked.append(scopes)
        return judge_all(strategies, ["plain-kill"])

    monkeypatch.setattr("mmbench.ask.checks.judge_all", judge)
    assert main(["check", "v6.18"]) == 0
    assert asked == [list(NAMED)]


def test_several_designs_end_in_a_summary(capsys: pytest.CaptureFixture[str], small: str) -> None:
    assert main(["check", "v5.17", "v6.18", "--scope", small]) == 0
    assert capsys.readouterr().out.endswith("2 of 2 designs are safe in scope alone:\n  v5.17  safe\n  v6.18  safe\n")


def test_verdicts_are_recorded_and_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str], small: str) -> None:
    path = tmp_path / "verdicts.json"
    stalls = ["check", "v6.18", "drop-oom-skip", "--scope", "default"]
    assert main([*stalls, "--record", str(path)]) == 1
    assert json.loads(path.read_text())["verdicts"]["drop-oom-skip"] == {"default": "stalls S1"}
    assert main([*stalls, "--expect", str(path)]) == 0
    assert "all 2 verdicts are as expected" in capsys.readouterr().err
    data = json.loads(path.read_text())
    data["verdicts"]["v6.18"]["default"] = "fails I5"
    path.write_text(json.dumps(data))
    assert main(["check", "v6.18", "--scope", "default", "--expect", str(path)]) == 1
    assert "changed: v6.18, scope default: safe; expected: fails I5" in capsys.readouterr().err
    assert main(["check", "v6.18", "--scope", small, "--expect", str(path)]) == 1
    assert "expected: nothing recorded" in capsys.readouterr().err


def test_what_is_expected_and_gone_is_a_change_when_everything_is_checked(small: str) -> None:
    found = list(judge_all(["v6.18"], [small]))
    expected = {**recorded(found)["verdicts"], "gone": {"alone": "safe"}}
    assert changed(expected, found, everything=False) == []
    assert changed(expected, found, everything=True) == ["gone, scope alone: not checked; expected: safe"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "mmbench-verdicts 1", "verdicts": {"a": 1}}', "{"])
def test_a_file_of_no_verdicts_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_recorded(str(path))


def test_a_row_for_each_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "v6.18", "--scope", "plain-kill", "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["strategy"], row["scope"], row["verdict"], row["I5"]) == ("v6.18", "plain-kill", "safe", "holds")
    assert row["unreached"] == "reaper: nobody here does it"


def test_limits_may_be_used_again(small: str) -> None:
    limits = limits_of()
    for _ in range(2):
        (judged,) = judge_all(["v6.18"], [small], limits)
        assert judged.verdict == "safe"


def test_a_trace_has_rows_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "v6.18", "--size", "8MiB", "--vmas", "2", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"at_ps", "end_ps", "task", "what"} <= set(rows[0]) and len(rows) > 3
