"""What a stranger has begun and not finished: each test fails for one new thing and names the file to go to next."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mmbench
from mmbench.checker.scope import CAST, UNLOCKED, Scope
from mmbench.checker.verdict import check
from mmbench.cost.table import DEFAULT, ENTRIES, load_table
from mmbench.engine import run
from mmbench.machine.apply import apply_once
from mmbench.machine.ops import NUMBER, Op
from mmbench.machine.status import N_ROW, NO_BRANCH
from mmbench.machine.work import ITEMS, new_meter
from mmbench.model.build import build
from mmbench.model.layout import vma_table
from mmbench.model.world import T_PC, views
from mmbench.scenarios import scenario
from mmbench.scenarios.bystanders import BYSTANDERS
from mmbench.strategies import load
from mmbench.strategies.load import MODULES
from mmbench.victims import synthetic
from mmbench.words import CAUSES
from tests.machine.sources import brought_by, text_of
from tests.reference.passes import TWINS
from tests.test_mutants import MUTANTS

PACKAGE = Path(mmbench.__file__).parent
MACHINE = {path.name: path.read_text() for path in (PACKAGE / "machine").glob("*.py")}


@pytest.mark.parametrize("path", sorted((PACKAGE / "strategies").glob("*.py")), ids=lambda path: path.name)
def test_a_design_is_listed(path):
    begun = re.search(r"^STRATEGY = ", path.read_text(), re.MULTILINE)
    assert not begun or path.stem in MODULES.values(), (
        f"{path.name} is a design that nobody can name: give it its id and its place in MODULES of "
        "mmbench/strategies/load.py (the built-in designs, oldest first)"
    )


@pytest.mark.parametrize("op", Op, ids=lambda op: op.name)
def test_an_op_has_its_effect(op):
    w = build(vma_table({"start": [0], "pages": [2]}), 1)
    rows = np.zeros((2, N_ROW), dtype=np.int64)
    rows[0, 0] = int(op)
    views(w).tasks[0, T_PC] = 0
    status = apply_once(w, 0, rows.reshape(-1), 1, new_meter())
    assert status != NO_BRANCH, (
        f"{op.name} does nothing yet: write its function in mmbench/machine/, give it a branch in "
        "mmbench/machine/apply.py, and plant a mutant of it in tests/test_mutants.py"
    )


@pytest.mark.parametrize("op", [op for op in Op if op.spec.walks], ids=lambda op: op.name)
def test_an_op_that_works_on_pages_has_a_twin(op):
    assert op.name in TWINS, (
        f"{op.name} works on pages and has no twin: say what it does to sets of pages in tests/reference/passes.py "
        "(TWINS); tests/machine/test_passes.py then holds the two together"
    )


@pytest.mark.parametrize("op", Op, ids=lambda op: op.name)
def test_what_an_op_brought_has_a_mutant(op):
    """Of every op that walks, and of every younger one: the oldest move a lock or a flag, a line or two each."""
    brought = brought_by(op) if op.spec.walks or op & NUMBER >= Op.EXIT_MM_IF_LAST & NUMBER else set()
    planted = [one for one in brought for file, right, *_ in MUTANTS
               if file == f"machine/{one[0]}.py" and right.strip() in text_of(one)]  # fmt: skip
    told = ", ".join(f"{name} of mmbench/machine/{file}.py" for file, name in sorted(brought))
    assert planted or not brought, (
        f"no mutant of what {op.name} brought ({told}): plant one in tests/test_mutants.py, that a test of "
        "tests/machine kills"
    )


@pytest.mark.parametrize("file", ["locks.py", "bystander_ops.py"])
def test_functions_of_the_oldest_ops_have_a_mutant(file):
    assert any(mutant[0] == f"machine/{file}" for mutant in MUTANTS), (
        f"no mutant of mmbench/machine/{file}: plant one in tests/test_mutants.py, that a test of tests/machine kills"
    )


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.key)
def test_somebody_waits_for_a_cause(cause):
    ops = [op for op in Op if op.spec.waits_for == cause.key]
    items = [item for item in ITEMS if item.cause == cause.key]
    of_the_engine = cause.key == "ptl"  # the one lock that the clockwork itself keeps
    assert ops or items or of_the_engine, (
        f"nobody waits for {cause.key!r}: name it as `waits_for` of an op (mmbench/machine/ops.py), or as `cause` of a "
        "work item (mmbench/machine/work.py)"
    )
    assert not cause.is_spread or any(not item.unit for item in items), (
        f"{cause.key!r} is met while working: a work item with a price has it as `cause` (mmbench/machine/work.py)"
    )


@pytest.mark.parametrize("item", [item for item in ITEMS if not item.unit], ids=lambda item: item.name)
def test_a_work_item_is_charged_and_has_a_price(item):
    charged = any(re.search(rf"\bwk\.{item.name.upper()}\b", text) for text in MACHINE.values())
    assert charged, f"nothing charges {item.name}: call did(work, wk.{item.name.upper()}, n) in mmbench/machine/"


def test_every_cost_has_a_price_in_the_default_table():
    missing = set(ENTRIES) - set(json.loads(DEFAULT.read_text())["costs"])
    assert not missing, (
        f"{sorted(missing)} of mmbench/machine/work.py: give each a price with provenance and source in "
        "mmbench/cost/tables/default.json; other tables take it from there, scaled"
    )


@pytest.mark.parametrize("name", CAST)
def test_a_bystander_is_checked(name):
    one, _ = CAST[name]
    scope = replace(Scope("alone", UNLOCKED, ("exit", "reaper", name)), vmas=(*UNLOCKED[:1],), holder_page=0)
    if one.locks_page:
        scope = replace(scope, vmas=(replace(UNLOCKED[0], flags=("locked",)),))
    verdict = check("v6.18", load("v6.18").roles, scope, explain=False)
    assert verdict.complete and verdict.verdict == "safe", (
        f"{name}, mmbench/scenarios/bystanders/: {verdict.properties}"
    )


@pytest.mark.parametrize("one", BYSTANDERS, ids=lambda one: one.key)
def test_a_bystander_takes_part_in_a_run(one):
    where = f"mmbench/scenarios/bystanders/{one.key.replace('-', '_')}.py"
    assert one.what and all(option.help for option in one.options), f"{where}: `what` and every option's `help` say it"
    assert one.when, f"{where}: `when` names the option that brings it in"
    victim = synthetic(8 << 20, vmas=2)
    record = run(victim.vmas, load("v6.18"), scenario("quiet", {one.when: 1}), load_table(), victim="test")
    assert one.of_victim or not one.waited_for or one.name in record["end_ps"], f"{where}: its task is in no record"
