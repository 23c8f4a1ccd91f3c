"""The sets of experiments: distinct, feasible in the guest, the same every time; and what the guest is made of."""

import ast
import json
import marshal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import mmbench.lab.guest
from mmbench.errors import InputError
from mmbench.lab import collect, initramfs, plan
from mmbench.lab.guest.experiments import KINDS, MAX_VICTIM_BYTES
from mmbench.lab.qemu import MEMORY_MIB
from mmbench.live.victim import MARGIN_BYTES

GUEST = Path(mmbench.lab.guest.__file__).parent
BOOTS = [boot for name in plan.SETS for boot in plan.boots(name)]


@pytest.mark.parametrize("boot", BOOTS, ids=lambda boot: boot.name)
def test_the_guest_can_do_it(boot: plan.Boot) -> None:
    for item in boot.items:
        assert item.kind in KINDS
        assert item.victim.memory_bytes < MAX_VICTIM_BYTES
        assert item.victim.memory_bytes + MARGIN_BYTES < (MEMORY_MIB - 150) << 20
        assert item.kind != "race" or boot.n_cpus == 2


def test_every_kind_is_asked_for() -> None:
    assert {item.kind for boot in plan.boots("full") for item in boot.items} == set(KINDS)


def test_held_out_victims_are_not_calibrated_on_and_are_the_same_every_time() -> None:
    held_out = plan.held_out()
    assert len(set(held_out)) == plan.N_HELD_OUT
    assert not set(held_out) & set(plan.calibration())
    assert held_out == plan.held_out()


def test_calibration_tells_the_terms_apart() -> None:
    import numpy as np

    facts = [victim.facts() for victim in plan.calibration()]
    assert len(set(plan.calibration())) == 24
    rows = [[1, f.n_unlocked_pages, f.n_locked_pages, f.n_tables, f.n_vmas, f.n_batched_vmas] for f in facts]
    scaled = np.array(rows, dtype=float) / np.abs(np.array(rows)).max(axis=0)
    assert np.linalg.cond(scaled) < 50


def test_an_unknown_set_is_named() -> None:
    with pytest.raises(InputError, match=r"'quik'.*'quick'"):
        plan.boots("quik")


@pytest.mark.parametrize("path", sorted(GUEST.glob("*.py")), ids=lambda path: path.name)
def test_the_guest_imports_the_probe_and_the_standard_library_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            ours = name.startswith("mmbench")
            assert name.startswith(("mmbench.live", "mmbench.lab.guest", "mmbench.errors")) if ours else (
                name.split(".")[0] in sys.stdlib_module_names
            )  # fmt: skip


needs_x86 = pytest.mark.skipif(__import__("os").uname().machine != "x86_64", reason="guests are x86-64")


@needs_x86
def test_the_initramfs_is_the_same_from_another_process_and_holds_the_plan() -> None:
    items = [item.to_guest() for item in plan.boots("quick")[0].items]
    image = initramfs.build_userspace().image(items)
    code = "import sys, hashlib, json; from mmbench.lab import initramfs; "
    code += "print(hashlib.sha256(initramfs.build_userspace().image(json.load(sys.stdin))).hexdigest())"
    root = str(initramfs.PACKAGE_ROOT)
    other = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(items), capture_output=True, text=True, check=True, cwd=root,
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": root, "TZ": "Asia/Tokyo"},
    )  # fmt: skip
    assert other.stdout.strip() == __import__("hashlib").sha256(image).hexdigest()
    assert root.encode() not in image
    assert json.dumps(items, sort_keys=True, separators=(",", ":")).encode() in image


def test_a_comment_in_a_source_changes_nothing_and_a_failure_still_has_its_traceback(tmp_path: Path) -> None:
    plain = '"""Doc."""\ndef outer():\n    """Doc."""\n'
    plain += "    def fails():\n        raise OSError(5, 'x')\n    return [fails() for _ in range(9)]\n"
    commented = plain.replace("Doc.", "Other words,\nand more.").replace("    def", "\n    # why\n    def")
    codes = []
    for number, text in enumerate((plain, commented, plain.replace("9", "8"))):
        (tmp_path / f"{number}.py").write_text(text)
        codes.append(collect.compiled("one", str(tmp_path / f"{number}.py"))[1])
    assert codes[0] == codes[1] != codes[2]
    names: dict[str, Callable[[], None]] = {}
    exec(marshal.loads(codes[0][16:]), names)
    try:
        names["outer"]()
    except OSError:
        said = traceback.format_exc()
    assert "one.py" in said and "in fails" in said


@needs_x86
def test_the_guests_interpreter_runs_from_the_collected_files_alone(tmp_path: Path) -> None:
    entries = initramfs.build_userspace().entries
    (library,) = {path.split("/")[2] for path in entries if path.startswith("usr/lib/python")}
    for path, entry in entries.items():
        if path.startswith(f"usr/lib/{library}/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            if entry.content:
                (tmp_path / path).write_bytes(entry.content)
    code = "import sys; sys.path[:] = sys.argv[1:3]; import mmbench.lab.guest.init as init; print(init.__file__)"
    folder = tmp_path / "usr/lib" / library
    done = subprocess.run(
        [initramfs.find_interpreter(), "-IS", "-c", code, str(folder), str(folder / "lib-dynload")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == str(folder / "mmbench/lab/guest/init.pyc"), done.stderr
