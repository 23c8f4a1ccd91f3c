"""Shipped verdicts are of the designs as they stand, and go by steps: a copy has them, a changed design has none."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from mmbench.ask.verdicts import FILE, of_design
from mmbench.checker.page import specs
from mmbench.strategies import load

REDO = "write it again: make verdicts"


def test_every_design_as_it_stands_is_checked_and_nothing_else_is_recorded() -> None:
    data = json.loads((resources.files("mmbench.checker") / FILE).read_text())
    assert data["designs"] == {load(spec).name: load(spec).steps_digest for spec in specs()}, REDO
    assert data["designs"].keys() == data["verdicts"].keys(), REDO


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of a shipped design, name and all."""
    return tmp_path / "mine.py"


def written(path: Path, old: str, new: str) -> str:
    path.write_text(load("v6.18").path.read_text().replace(old, new))
    return str(path)


def test_a_copy_has_the_verdict_of_its_steps_under_its_own_name(mine: Path) -> None:
    copy = load(written(mine, "", ""))
    assert (copy.name, copy.strategy.status) == ("v6.18@mine.py", "yours")
    assert of_design(copy) == of_design(load("v6.18")) == {"default": "safe"}


def test_one_step_less_and_nobody_has_checked_it(mine: Path) -> None:
    line = '            step("set MMF_OOM_SKIP", Op.SET_FLAG, flag=MMF_OOM_SKIP),\n'
    assert of_design(load(written(mine, line, ""))) == {}


def test_another_delay_is_nothing_to_a_checker_without_time(mine: Path) -> None:
    sooner = load(written(mine, "delay_ps=OOM_REAPER_DELAY_PS", "delay_ps=10**12"))
    assert sooner.roles != load("v6.18").roles and of_design(sooner) == {"default": "safe"}
