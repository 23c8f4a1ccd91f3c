"""An independent oracle: three designs written by hand in Promela, searched by Spin, must get the checker's verdict."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mmbench.checker.scope import Scope, Vma, check_scope
from mmbench.checker.verdict import check
from mmbench.strategies import load

FOLDER = Path(__file__).parent / "promela"
TWO_PAGES = (Vma(0, 1), Vma(512, 1, ("locked",)))
MISSING = [tool for tool in ("spin", "gcc") if not shutil.which(tool)]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not installed (Debian: spin, gcc)")


def spin(model: str, folder: Path) -> tuple[str, int]:
    """(safe, fails or stalls, states stored) as Spin sees a model."""
    for command in (["spin", "-a", str(FOLDER / model)], ["gcc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    out = subprocess.run([str(folder / "pan")], cwd=folder, capture_output=True, text=True, timeout=60).stdout
    errors, states = re.search(r"errors: (\d+)", out), re.search(r"(\d+) states, stored", out)
    assert errors and states, out
    if not int(errors[1]):
        return "safe", int(states[1])
    return ("fails" if "assertion violated" in out else "stalls"), int(states[1])


@pytest.mark.parametrize(
    ("model", "spec", "others", "expected"),
    [
        ("v4_14.pml", "v4.14", ("reaper", "holder"), "fails"),
        ("drop_oom_skip.pml", "drop-oom-skip", ("reaper", "holder"), "stalls"),
        ("v6_1.pml", "v6.1", ("reaper", "mrelease", "holder"), "safe"),
    ],
)
def test_spin_agrees(model: str, spec: str, others: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    verdict, states = spin(model, tmp_path)
    scope = check_scope(Scope("promela", TWO_PAGES, ("exit", *others)))
    ours = check(spec, load(spec).roles, scope, explain=False)
    assert (verdict, ours.verdict) == (expected, expected)
    assert states > 10 and ours.states > 10


def test_spin_sees_the_fix(tmp_path: Path) -> None:
    """The same model with the self-reap's exclusion put in: no munlock before MMF_OOM_SKIP and the barrier."""
    text = (FOLDER / "v4_14.pml").read_text()
    barrier = "\toom_skip = true;\n\tatomic { readers == 0 && writer == 0; writer = 1 };\n\twriter = 0;"
    begin = "active proctype exit_mmap() {\n"
    assert begin in text
    (tmp_path / "fixed.pml").write_text(text.replace(begin, begin + barrier + "\n"))
    for command in (["spin", "-a", "fixed.pml"], ["gcc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    out = subprocess.run([str(tmp_path / "pan")], cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout
    assert "errors: 0" in out
