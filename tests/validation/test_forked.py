"""Booted kernels tore down a victim whose pages a forked child maps too: the model takes as many instructions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench.cost.table import load_table
from mmbench.strategies import load
from mmbench.validation.kernel_lab import era_of
from mmbench.validation.predict import Victim

DESIGNS = Path(__file__).parents[2] / "results/lab/designs"


@pytest.mark.parametrize("series", ["5.10", "6.1", "6.12", "7.3"])
def test_exit_of_a_forked_victim_takes_what_the_kernel_took(series):
    """The kernel's own code, with the cost table of that kernel; its prices of such pages are 6.12's and 5.10's."""
    record = json.loads((DESIGNS / f"{series}.json").read_text())
    seen = [
        entry
        for boot in record["boots"]
        for entry in boot["experiments"]
        if (entry["design"], entry["kind"], entry["victim"]["kind"]) == ("stock", "exit", "forked")
    ]
    costs = load_table(f"lab-{series}")
    assert seen
    for entry in seen:
        answer = Victim(entry["victim"], load(era_of(record["release"]))).exit(costs)
        assert (answer.ps + costs.base_ps["exit"]) / 1000 == pytest.approx(min(entry["ns"]), rel=0.08)
