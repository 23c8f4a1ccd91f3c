"""The linter names the role and the step of every protocol that cannot be right."""

from __future__ import annotations

import pytest

from mmbench.errors import InputError
from mmbench.machine.lint import lint_role, lint_roles
from mmbench.machine.ops import Op
from mmbench.machine.protocol import MMF_OOM_SKIP, step
from mmbench.scenarios.bystanders import BYSTANDERS
from mmbench.scenarios.scenario import DEFAULTS
from mmbench.strategies import load_all

READ, UNLOCK = step("read", Op.MMAP_READ_LOCK), step("unlock", Op.MMAP_READ_UNLOCK)
SKIP = {"flag": MMF_OOM_SKIP}

BROKEN = {
    "ends with the lock": ((READ,), "done", "mmap_lock for read"),
    "unlocks what it does not hold": ((UNLOCK,), "unlock", "not held"),
    "unlocks the wrong way": ((READ, step("w", Op.MMAP_WRITE_UNLOCK)), "w", "held for read"),
    "locks twice": ((READ, step("again", Op.MMAP_WRITE_LOCK)), "again", "already held"),
    "downgrades without the write lock": ((READ, step("down", Op.MMAP_WRITE_DOWNGRADE)), "down", "held for read"),
    "balances on one path only": (
        (step("try", Op.MMAP_READ_TRYLOCK, otherwise="unlock"), UNLOCK),
        "unlock",
        "is reached with",
    ),
    "never reached": ((step("go", Op.GOTO, to="done"), step("idle", Op.EXIT_MM)), "idle", "no path reaches"),
    "never ends": ((step("loop", Op.GOTO, to="loop"),), "loop", "end of the role"),
    "goes to itself": (
        (step("if", Op.IF_FLAG, **SKIP, otherwise="done"), step("loop", Op.SLEEP, to="loop"), step("on", Op.EXIT_MM)),
        "loop",
        "goes round for ever (loop -> loop)",
    ),
    "goes round": (
        (step("a", Op.SLEEP), step("b", Op.IF_FLAG, **SKIP, otherwise="a"), step("c", Op.GOTO, to="b")),
        "b",
        "goes round for ever (b -> c -> b)",
    ),
    "no reason": ((step("x", Op.LEAVE, why=99),), "x", "why = 99 is no reason"),
    "target that is no word": ((step("x", Op.GOTO, to=3),), "x", "are words"),  # type: ignore[arg-type]
    "label used twice": ((step("a", Op.EXIT_MM), step("a", Op.EXIT_MM)), "a", "used twice"),
    "label reserved": ((step("done", Op.EXIT_MM),), "done", "not 'done'"),
    "target missing": ((step("go", Op.GOTO, to="nowhere"),), "go", "no label"),
    "branch without target": ((step("if", Op.IF_FLAG, **SKIP),), "if", "otherwise="),
    "target without branch": ((step("x", Op.EXIT_MM, otherwise="x"),), "x", "never branches"),
    "goto without target": ((step("go", Op.GOTO),), "go", "to="),
    "unknown op": ((step("x", "mmap_spin_lock"),), "x", "unknown op"),  # type: ignore[arg-type]
    "unknown argument": ((step("x", Op.EXIT_MM, fast=1),), "x", "no argument 'fast'"),
    "argument that is no integer": ((step("x", Op.SLEEP, ps=1.5),), "x", "not an integer"),  # type: ignore[arg-type]
    "negative sleep": ((step("x", Op.SLEEP, ps=-1),), "x", "not negative"),
    "no munlock batch": ((step("x", Op.REAP_PASS, skip=0, direction=1),), "x", "lru_batch"),
    "no direction": ((step("x", Op.REAP_PASS, skip=0, lru_batch=15),), "x", "direction"),
    "gather left open": ((step("x", Op.TLB_GATHER_MMU),), "done", "1 open gather"),
    "gather finished twice": ((step("x", Op.TLB_FINISH_MMU),), "x", "not open"),
    "second gather": ((step("a", Op.TLB_GATHER_MMU), step("b", Op.TLB_GATHER_MMU)), "b", "second gather"),
    "unmap without a gather": ((step("x", Op.UNMAP_VMAS, lru_batch=15),), "x", "open gather"),
    "mmput without a pin": ((step("x", Op.MMPUT),), "x", "without a pin"),
    "pin never dropped": ((step("x", Op.MMGET_NOT_ZERO, otherwise="done"),), "done", "pin"),
    "no steps": ((), "-", "no steps"),
    "not a step": (("mmap_read_lock",), "mmap_read_lock", "not a step"),
}


@pytest.mark.parametrize("steps, label, words", BROKEN.values(), ids=BROKEN.keys())
def test_broken_protocol_is_rejected(steps, label, words):
    with pytest.raises(InputError) as found:
        lint_role("mine", "exit", steps)
    assert f"role 'exit', step {label!r}" in str(found.value)
    assert words in str(found.value)


def test_roles_must_be_known_and_complete():
    good = load_all()[-1].roles
    with pytest.raises(InputError, match="unknown role 'helper'"):
        lint_roles("mine", good | {"helper": (READ, UNLOCK)})
    with pytest.raises(InputError, match="'reaper' is missing"):
        lint_roles("mine", {"exit": good["exit"]})
    with pytest.raises(InputError, match="UNMAP_VMAS"):
        lint_roles("mine", good | {"exit": (READ, UNLOCK)})


def test_every_shipped_role_lints():
    for one in load_all():
        lint_roles(one.strategy.id, one.roles)
    for one in BYSTANDERS:
        for values in one.variants.values() or ({},):
            lint_role("bystander", one.key, one.steps({**DEFAULTS, **values}), endless=one.endless)


def test_every_op_says_what_it_means():
    assert all(op.spec.meaning and len(op.spec.args) <= 3 for op in Op)
