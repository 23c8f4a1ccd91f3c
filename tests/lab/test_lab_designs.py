"""A run of designs with a stand-in for QEMU: plan, record, the same bytes again, and the verb's refusals."""

import json
import os
import sys
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.errors import EXIT_BAD_INPUT, EXIT_CANNOT, InputError
from mmbench.lab import build, designs, doctor, kernels, qemu
from mmbench.lab.build import Module
from mmbench.lab.initramfs import Userspace
from mmbench.lab.program import Program
from mmbench.strategies.load import load
from mmbench.validation.design_rows import plain_rows

GUEST = """\
import json, sys
if '--version' in sys.argv:
    print('QEMU emulator version 9.9'); sys.exit()
data = open(sys.argv[sys.argv.index('-initrd') + 1], 'rb').read()
plan = json.loads(data[data.index(b'{"items"'):].split(b'\\0')[0].split(b'070701')[0])
facts = {"release": "6.12.9", "version": "#1", "n_cpus": 1, "memory_bytes": 7, "available_bytes": 5}
def say(message): print("@mmbench", json.dumps(message))
say({"begin": len(plan["items"]), **facts})
for number, item in enumerate(plan["items"]):
    say({"at": number})
    ns = 7 if item["program"] else 9
    rep = {"pages_before": [1, 2], "pages_after": [0, 0], "ns": ns * 1000000}
    if item["kind"] == "steps":
        rep = {"steps": [{"ns": 0, "role": "exit", "row": 2}]}
    assert not item["program"] or plan["programs"][item["program"]].startswith("name ")
    say({"item": number, "reps": [rep] * item["n_reps"]})
say({"done": len(plan["items"])})
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> kernels.Kernel:
    """A kernel file, a stand-in for QEMU on the path, a cache of its own."""
    program = tmp_path / qemu.PROGRAM
    program.write_text(f"#!{sys.executable} -IS\n{GUEST}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("MMBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(designs, "build_userspace", lambda entry: Userspace("3.11.2", {}))
    image = bytearray(kernels.SMALLEST_KERNEL_BYTES)
    image[0x202:0x206], image[0x20E:0x210] = b"HdrS", (0x100).to_bytes(2, "little")
    image[0x300:0x320] = b"6.12.9 (x@y) #1".ljust(32, b"\0")
    (tmp_path / "vmlinuz").write_bytes(image)
    return kernels.from_file(tmp_path / "vmlinuz")


MODULE = Module(b"\x7fELF", "source", "gcc 12", has_old_munlock=False)


def program(spec: str) -> Program:
    return Program.from_plain(plain_rows(load(spec)))


def test_every_design_and_the_kernels_own_code_are_asked_the_same(kernel: kernels.Kernel) -> None:
    record = designs.run_designs(kernel, MODULE, [program("v6.1"), program("v6.18")], "quick", lambda *_: None)
    asked = {(e["design"], e["kind"]) for e in designs.experiments(record)}
    assert asked == {(d, k) for d in ("stock", "v6.1", "v6.18") for k in designs.ALONE} | {
        ("v6.1", "steps"),
        ("v6.18", "steps"),
    }
    assert record["programs"]["v6.1"][0] == "name v6.1"
    rows = designs.cells(record)
    assert {(r["design"], r["exit"], r["reaper left"]) for r in rows} == {
        ("stock", 9.0, 0),
        ("v6.1", 7.0, 0),
        ("v6.18", 7.0, 0),
    }


def test_a_record_is_read_back_and_written_again_as_the_same_bytes(kernel: kernels.Kernel, tmp_path: Path) -> None:
    record = designs.run_designs(kernel, MODULE, [program("v6.1")], "quick", lambda *_: None)
    path = tmp_path / "6.12.json"
    path.write_text(designs.to_text(record))
    assert designs.to_text(designs.read_record(path)) == path.read_text()
    assert json.loads(path.read_text())["format"] == designs.FORMAT
    path.write_text('{"format": "mmbench-lab 1"}')
    with pytest.raises(InputError, match="is no record of designs"):
        designs.read_record(path)


def test_a_kernel_without_mrelease_is_not_asked_for_it() -> None:
    (boot,) = designs.boots(["v4.17"], "quick", has_mrelease=False)
    assert {item.kind for item in boot.items} == {"exit", "reaper", "steps"}


def test_a_design_named_twice_and_a_step_that_cannot_be_are_refused_before_a_boot(kernel: kernels.Kernel) -> None:
    with pytest.raises(InputError, match=r"'v6\.1' is named twice"):
        designs.run_designs(kernel, MODULE, [program("v6.1")] * 2, "quick", lambda *_: None)
    with pytest.raises(InputError, match="UNLOCK_RANGE"):
        designs.run_designs(kernel, MODULE, [program("v5.17")], "quick", lambda *_: None)


def test_the_verb_refuses_in_a_sentence(kernel: kernels.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "run", "6.12", "--strategy", "v6.2"]) == EXIT_BAD_INPUT
    assert "v6.1" in capsys.readouterr().err
    assert main(["lab", "run", str(kernel.vmlinuz), "--strategy", "v6.1"]) == EXIT_CANNOT
    assert "no kernel of the archive" in capsys.readouterr().err


def test_the_verb_writes_a_record(
    kernel: kernels.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_module", lambda kernel, say: MODULE)
    command = ["lab", "run", str(kernel.vmlinuz), "--strategy", "v6.1", "-o", str(tmp_path)]
    assert main(command) == 0
    first = (tmp_path / "6.12.json").read_bytes()
    assert main([*command, "--fresh"]) == 0
    assert (tmp_path / "6.12.json").read_bytes() == first
    assert "stock" in capsys.readouterr().out


def test_doctor_says_what_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = {row["what"]: row for row in doctor.needs()}
    assert rows["gcc"] | {} == {
        "what": "gcc",
        "for": "running designs (building the module)",
        "found": False,
        "how to get it": "apt-get install gcc",
    }
    assert main(["lab", "doctor"]) == EXIT_CANNOT
    assert "apt-get install qemu-system-x86" in capsys.readouterr().out
