"""A design of one's own is told apart in every answer: its id and its file, its status, never a shipped one's."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from mmbench.ask.runs import Inputs, run_all
from mmbench.cli.main import main
from mmbench.report.reading import labels
from mmbench.strategies import load

SMALL = ("--size", "4MiB", "--vmas", "4")
ASKED = ("compare", "run", "trace", "show", "check", "size")
RECORDED = ("compare", "run", "check", "size")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a design in ./mine.py: a copy of a shipped one, its id not changed."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(load("v6.18").path.read_text())
    return "v6.18@mine.py"


def words_of(verb: str) -> list[str]:
    more = {"check": ["--scope", "plain-kill"], "size": ["--heavy", "4MiB", "--n", "1000"], "show": []}
    return [verb, "./mine.py", *more.get(verb, SMALL)]


@pytest.mark.parametrize(("verb", "how"), [*((verb, "") for verb in ASKED), *product(RECORDED, ("json", "csv"))])
def test_every_verb_names_file_and_id(verb: str, how: str, mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([*words_of(verb), *(["--format", how] if how else [])])
    out = capsys.readouterr().out
    assert mine in out.replace("\n", "") and "shipped" not in out


def test_it_is_yours_beside_the_shipped_one(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "v6.18", "./mine.py", *SMALL, "--format", "json"]) == 0
    shipped, own = json.loads(capsys.readouterr().out)
    assert (shipped["strategy"], shipped["status"], "file" in shipped) == ("v6.18", "shipped 6.18", False)
    assert (own["strategy"], own["status"], own["file"]) == (mine, "yours", "./mine.py")


def test_two_files_of_one_name_are_told_apart_by_their_folders(mine: str) -> None:
    Path("old").mkdir()
    Path("old/mine.py").write_text(Path("mine.py").read_text())
    records = run_all(Inputs("", {"size": "4MiB"}, "quiet", {}), [load("./mine.py"), load("old/mine.py")])
    assert labels(records) == [f"{mine} ./mine.py", f"{mine} old/mine.py"]
