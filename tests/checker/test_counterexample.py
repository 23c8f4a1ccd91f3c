"""Counterexamples: written, read back, replayed, shown; and refused when they are not of this strategy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmbench.checker.counterexample import to_json
from mmbench.checker.properties import NAMES
from mmbench.checker.replay import read, replay
from mmbench.checker.search import Found, unsearched
from mmbench.checker.show import chrome_trace, text
from mmbench.checker.verdict import Verdict
from mmbench.checker.world import start_of
from mmbench.cli import check as verb
from mmbench.errors import InputError
from mmbench.strategies import load

from .conftest import verdict


@pytest.fixture(scope="module")
def cve() -> Verdict:
    return verdict("v4.14")


def found_for(spec: str, c) -> Found:
    return unsearched(start_of(c.scope, load(spec).roles))


def run(*argv: str) -> int:
    """The verb as the command line calls it; errors as exit codes."""
    import argparse

    parser = argparse.ArgumentParser()
    verb.add(parser.add_subparsers())
    args = parser.parse_args(["check", *([] if "--scope" in argv else ["--scope", "default"]), *argv])
    return verb.run(args)


def test_written_and_read_back_is_the_same(cve: Verdict, tmp_path: Path) -> None:
    c = cve.counterexamples["I5"]
    path = tmp_path / "c.json"
    path.write_text(json.dumps(to_json(c)))
    assert read(path) == c
    assert replay(path, read(path), found_for("v4.14", c)) == c


def test_the_text_has_one_column_per_task_and_says_what_broke(cve: Verdict) -> None:
    c = cve.counterexamples["I5"]
    lines = text(c).splitlines()
    assert lines[0].split() == ["exit", "reaper", "what", "changed"]
    assert len([line for line in lines if line[:3].strip().isdigit()]) == len(c.rows)
    assert any(line.startswith("I5: ") for line in lines) and "CVE-2018-1000200" in text(c)


def test_a_schedule_of_many_tasks_fits_eighty_columns(cve: Verdict) -> None:
    """Five tasks with a column each ran to 118 columns, and a terminal broke every row in two."""
    c = cve.counterexamples["I5"]
    rows = tuple(replace(row, task=k % 5) for k, row in enumerate(c.rows))
    crowd = replace(c, names=tuple(f"mrelease caller {k}" for k in range(5)), rows=rows)
    lines = text(crowd, 80).partition("\nI5: ")[0].splitlines()
    assert max(map(len, lines)) <= 80 < len(text(crowd).splitlines()[0])
    assert lines[0].split() == ["task", "step", "what", "changed"]
    steps = [line.split() for line in lines[2:] if line[:3].strip()]
    assert [step[:4] for step in steps[:5]] == [[str(k + 1), "mrelease", "caller", str(k)] for k in range(5)]


def test_the_trace_has_a_slice_for_every_step(cve: Verdict) -> None:
    c = cve.counterexamples["I5"]
    events = chrome_trace(c)["traceEvents"]
    slices = [e for e in events if e["ph"] == "X"]
    assert [e["name"] for e in slices] == [row.label for row in c.rows]
    assert [e["ts"] for e in slices] == sorted({e["ts"] for e in slices})
    assert {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"} >= {r.task for r in c.rows}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "0.0.0"}, "was written by mmbench .0.0.0."),
        ({"digest": "beef"}, "has changed since"),
        ({"format": "x"}, "format"),
        ({"rows": []}, "does not break I5"),
        ({"property": "T2"}, "does not break T2"),
        ({"property": "D1"}, "does not break D1"),
        ({"property": "X9"}, "unknown property 'X9'"),
        ({"rows": [{"task": 0}]}, "row 1 is not"),
        ({"scope": {"name": "x"}}, "missing"),
    ],
)
def test_a_file_of_something_else_is_refused(cve: Verdict, tmp_path: Path, change: dict, message: str) -> None:
    data = to_json(cve.counterexamples["I5"]) | change
    path = tmp_path / "c.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        c = read(path)
        replay(path, c, found_for("v4.14", c))


def test_the_verb_saves_replays_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, trace = str(tmp_path / "c.json"), str(tmp_path / "t.json")
    assert run("v4.14", "--save", path, "--trace", trace) == 1
    assert json.loads(Path(trace).read_text())["traceEvents"]
    assert run("--replay", path) == 1
    out = capsys.readouterr().out
    assert "breaks I5 again" in out and "timed engine" in out and "and breaks I5" in out
    with pytest.raises(InputError, match=r"not of 'v4\.17'"):
        run("v4.17", "--replay", path)


def test_the_verb_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("v4.17", "drop-oom-skip", "--format", "json") == 1
    first, second = json.loads(capsys.readouterr().out)
    assert {"strategy", "verdict", "complete", "states", "transitions", "depth", "properties", "seconds"} <= set(first)
    assert (first["verdict"], second["verdict"]) == ("safe", "stalls")
    assert set(first["properties"]) == set(NAMES)
    assert second["counterexamples"]["S1"]["waits"]


def test_limits_stop_the_search_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("v6.1", "--max-states", "70000") == 1
    out = capsys.readouterr().out
    assert "unknown" in out and "incomplete: " in out and "states" in out
    assert run("v6.1", "--max-memory", "8MiB") == 1
    assert "MiB" in capsys.readouterr().out


def write_scope(path: Path, **changes: object) -> str:
    data = {"format": "mmbench-scope 1", "name": "mine", "vmas": [{"at": 0, "pages": 2}], "tasks": ["exit", "reaper"]}
    path.write_text(json.dumps(data | changes))
    return str(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "x"}, "format"),
        ({"vmas": [{"at": 0, "pages": 2000}]}, "2000 pages"),
        ({"vmas": [{"at": 0, "pages": 40}], "tasks": ["exit", "reaper", *["mrelease"] * 5]}, "to be expected"),
        ({"tasks": ["reaper"]}, "the first task is exit"),
        ({"tasks": ["exit", "reper"]}, "Did you mean 'reaper'"),
        ({"vmas": [{"at": 0}]}, "at and pages"),
        ({"vmas": [{"at": 0, "pages": "2"}]}, "of type int"),
        ({"tasks": ["exit", "holder"]}, "0 pages are locked"),
        ({"color": 1}, "no key 'color'"),
        ({"vmas": [{"at": 0, "pages": 1, "flags": [-1]}]}, "flags is a list of names"),
        ({"vmas": [{"at": 2**63 - 1, "pages": 1}]}, "allowed are 0 to"),
        ({"name": "two\nlines"}, "it is one line"),
        ({"vmas": [{"at": 0, "pages": 2}, {"at": 1, "pages": 1}]}, "sorted and disjoint"),
    ],
)
def test_bad_scopes_are_refused_with_a_reason(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run("v6.1", "--scope", write_scope(tmp_path / "s.json", **changes))


def test_a_scope_file_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("v6.1", "--scope", write_scope(tmp_path / "s.json")) == 0
    assert "v6.1: safe; scope mine" in capsys.readouterr().out


LOOPS = """
from mmbench.machine.protocol import Op, step
from mmbench.strategies import v6_1
from dataclasses import replace

def roles(lru_batch):
    fixed = v6_1.roles(lru_batch)
    spin = (step("spin", Op.IF_FLAG, flag=64, otherwise="again", to="exit_mm"), step("again", Op.GOTO, to="spin"))
    return {**fixed, "exit": (*spin, *fixed["exit"])}

STRATEGY = replace(v6_1.STRATEGY, id="loops", roles=roles)
"""


def test_a_strategy_that_loops_for_ever_is_a_deadlock_told_in_its_fewest_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, saved = tmp_path / "loops.py", tmp_path / "c.json"
    path.write_text(LOOPS)
    assert run(str(path), "--scope", "unlocked", "--save", str(saved)) == 1
    out = capsys.readouterr().out
    assert "fails (D1)" in out and "no deadlock" in out
    loop = "exit goes round for ever: spin -> again -> spin"
    assert loop in out
    c = read(saved)
    assert [row.label for row in c.rows] == ["spin", "again"] and c.loops == (loop,)
    assert run("--replay", str(saved)) == 1
    assert "breaks D1 again" in capsys.readouterr().out
    assert replay(saved, c, found_for(str(path), c)) == c


def test_a_property_of_the_checkers_own_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, saved = tmp_path / "early.py", tmp_path / "c.json"
    path.write_text(
        "from dataclasses import replace\nfrom mmbench.strategies import v6_18\n"
        "def roles():\n    fixed = v6_18.roles()\n    e = list(fixed['exit'])\n"
        "    e.insert(8, e.pop(9))\n    return {**fixed, 'exit': tuple(e)}\n"
        "STRATEGY = replace(v6_18.STRATEGY, id='early', roles=roles)\n"
    )
    assert run(str(path), "--scope", "unlocked", "--save", str(saved)) == 1
    assert "fails (T2)" in capsys.readouterr().out
    assert run("--replay", str(saved)) == 1
    out = capsys.readouterr().out
    assert "ends where T2 is broken, which only the checker judges" in out and "breaks nothing" not in out


def test_a_stall_is_replayed_and_a_choice_that_is_none_is_refused(tmp_path: Path) -> None:
    c = verdict("drop-oom-skip").counterexamples["S1"]
    path = tmp_path / "c.json"
    path.write_text(json.dumps(to_json(c)))
    found = found_for("drop-oom-skip", c)
    assert replay(path, read(path), found) == c
    for change, message in (
        ({"choice": 1}, "choice = 1; this step has 1"),
        ({"name": "reaper"}, "row 1 says 'reaper'"),
    ):
        data = to_json(c)
        data["rows"][0] |= change
        path.write_text(json.dumps(data))
        with pytest.raises(InputError, match=message):
            replay(path, read(path), found)
    data = to_json(c)
    data["rows"] = data["rows"][:3]
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="does not break S1"):
        replay(path, read(path), found)


ODD = (None, True, -1, 2**63 - 1, 2**70, 1.5, "", "x\ny", "y" * 5000, [], [-1], {}, {"a": 1}, [[]], [{}])


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a JSON value may be changed: every key, and the first entry of every list."""
    for key in data if isinstance(data, dict) else range(min(len(data), 1)) if isinstance(data, list) else ():
        yield (*path, key)
        yield from places(data[key], (*path, key))


def test_a_file_with_any_value_changed_is_read_or_refused_with_a_short_sentence(cve: Verdict, tmp_path: Path) -> None:
    c, path = cve.counterexamples["I5"], tmp_path / "c.json"
    found, refused = found_for("v4.14", c), 0
    for place in places(to_json(c)):
        for odd in ODD:
            data = json.loads(json.dumps(to_json(c)))
            inner = data
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = odd
            path.write_text(json.dumps(data))
            try:
                replay(path, read(path), found)
            except InputError as error:
                refused += 1
                assert len(str(error)) < 600, (place, odd)
    assert refused > 400


def test_a_number_of_too_many_digits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"format": ' + "1" * 5000 + "}")
    with pytest.raises(InputError, match="not JSON that can be read"):
        read(path)


def test_a_property_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.py"
    path.write_text("NAME = 'nobody is killed in vain'\n\ndef holds(v):\n    return v.mm[9] == 0\n")
    assert run("v4.17", "--property", str(path)) == 1
    assert "own: nobody is killed in vain" in capsys.readouterr().out
    path.write_text("NAME = 'x'\n\ndef holds(v):\n    return v.nothing\n")
    with pytest.raises(InputError, match="the property 'x' fails: AttributeError"):
        run("v4.17", "--property", str(path))
    path.write_text("NAME = 'x'\n")
    with pytest.raises(InputError, match="def holds"):
        run("v4.17", "--property", str(path))


def test_all_schedules_go_to_a_folder_that_is_made_and_a_file_says_that_it_has_one_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = tmp_path / "all", tmp_path / "one.json"
    assert run("v4.14", "drop-oom-skip", "--save", f"{folder}/") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["drop-oom-skip-default-S1.json", "v4.14-default-I5.json"]
    capsys.readouterr()
    assert run("v4.14", "drop-oom-skip", "--save", str(file)) == 1
    assert "has the first of 2 counterexamples; a folder" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"cannot make the folder .* File exists"):
        run("v4.14", "--save", f"{file}/")
