"""A design as the module reads it: the text, and what is refused before a boot."""

import re
from pathlib import Path

import pytest

import mmbench.lab
from mmbench.errors import InputError
from mmbench.lab.program import OLD_MUNLOCK_OPS, OPS, REAP_OPS, Program, check
from mmbench.machine.ops import Op
from mmbench.strategies.load import load, load_choices
from mmbench.validation.design_rows import plain_rows

MODULE = Path(mmbench.lab.__file__).with_name("module")


def program(spec: str) -> Program:
    return Program.from_plain(plain_rows(load(spec)))


def test_the_text_numbers_rows_through_all_roles() -> None:
    lines = program("v6.1").text.split("\n")
    assert lines[:3] == ["name v6.1", "role exit", "row EXIT_MM 0 0 0 1 1"]
    rows = [line.split() for line in lines if line.startswith("row")]
    found = program("v6.1")
    assert [row[1] for row in rows] == [row.op for row in found.rows]
    first, end = found.roles["reaper"]
    (reap,) = [row for row in rows[first:end] if row[1] == "REAP_PASS"]
    assert reap[2:5] == [str(0x400400), "1", "31"]  # VM_HUGETLB | VM_PFNMAP, low to high
    assert found.label(first) == "timer"


@pytest.mark.parametrize("spec", [design.name for design in load_choices()])
def test_every_design_and_every_choice_runs_where_munlock_takes_page_locks(spec: str) -> None:
    check(program(spec), old_munlock=True, release="5.10.0")


@pytest.mark.parametrize(
    ("spec", "call"),
    [
        ("v6.18", "process_mrelease"),
        ("v4.14", "process_mrelease"),
        ("exit-mm-stash", "mrelease"),
        ("reap-kill", "reap-kill"),
    ],
)
def test_who_keeps_the_mm_is_called_by_the_module(spec: str, call: str) -> None:
    assert program(spec).call == call


def test_a_step_that_a_kernel_cannot_do_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"v4\.17, exit step 'unlock_range': UNLOCK_RANGE .* Linux 6\.12 no longer"):
        check(program("v4.17"), old_munlock=False, release="6.12")
    check(program("v6.18"), old_munlock=False, release="6.12")


def test_an_op_that_the_module_has_not_is_refused_by_name() -> None:
    plain = plain_rows(load("v6.1"))
    plain["rows"][2] |= {"op": "LOCK_PAGE", "label": "lock it"}
    with pytest.raises(InputError, match=r"v6\.1, exit step 'lock it': the module has no op LOCK_PAGE"):
        check(Program.from_plain(plain), old_munlock=False, release="6.12")


def test_a_reaper_that_reaps_twice_is_refused() -> None:
    plain = plain_rows(load("v6.1"))
    first, _ = plain["roles"]["reaper"]
    plain["rows"][first] |= {"op": "REAP_PASS"}
    with pytest.raises(InputError, match="role reaper has 2 reap passes"):
        check(Program.from_plain(plain), old_munlock=False, release="6.12")


def test_a_program_beyond_the_modules_rows_is_refused() -> None:
    plain = plain_rows(load("v6.1"))
    plain["rows"] *= 5
    with pytest.raises(InputError, match="steps; the module takes 128 at most"):
        check(Program.from_plain(plain), old_munlock=False, release="6.12")


def test_python_and_c_know_the_same_ops() -> None:
    text = (MODULE / "program.c").read_text()
    named = re.findall(r'^\t\{ "(\w+)", \w+(, true)? \},$', text, re.MULTILINE)
    assert {name for name, _ in named} == OPS | OLD_MUNLOCK_OPS
    assert {name for name, is_reap in named if is_reap} == REAP_OPS
    assert {op.name for op in Op} >= OPS | OLD_MUNLOCK_OPS
    assert int(re.findall(r"#define MAX_ROWS (\d+)", (MODULE / "designs.h").read_text())[0]) == 128


def test_every_c_file_says_its_licence_and_is_readable() -> None:
    for path in [*MODULE.glob("*.c"), *MODULE.glob("*.h")]:
        lines = path.read_text().splitlines()
        assert "SPDX-License-Identifier: MIT OR GPL-2.0" in lines[0], path.name
        assert len(lines) <= 400
        assert f"`{path.name}`" in (MODULE / "README.md").read_text() or path.suffix == ".h"
