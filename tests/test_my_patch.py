"""docs/my-patch.md from nothing: the design on the page is accepted, differs where it says, kills and is convicted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mmbench.cli.main import main

PAGE = Path(__file__).parents[1] / "docs" / "my-patch.md"


@pytest.fixture
def design(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [text] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    Path("my_design.py").write_text(text)
    return "./my_design.py"


def out_of(capsys, *argv):
    main([*argv, "--format", "json"])
    return json.loads(capsys.readouterr().out)


def test_it_differs_in_the_one_step_that_was_moved(design, capsys):
    rows = out_of(capsys, "show", design, "--against", "v6.18")["steps"]
    assert [(row["sign"], row["step"]) for row in rows] == [("+", "set MMF_OOM_SKIP"), ("-", "set MMF_OOM_SKIP")]


def test_it_kills_another_process_where_v6_18_does_not(design, capsys):
    mine, shipped = out_of(capsys, "compare", design, "v6.18", "--scenario", "stuck-holder")
    assert (mine["collateral_kills"], shipped["collateral_kills"]) == (1, 0)
    said = f"takes {mine['time_ps']['all'] / 1e12:.2f} s"
    assert said in PAGE.read_text() and f"back in {shipped['time_ps']['all'] / 1e12:.2f} s" in PAGE.read_text()


def test_the_checker_convicts_it(design, capsys):
    assert main(["check", design, "--scope", "default"]) == 1
    assert "fails (K1)" in capsys.readouterr().out
