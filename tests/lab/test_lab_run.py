"""A whole set with a stand-in for QEMU that answers every item: the record, the kept boots, the verb's exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.lab import kernels, plan, qemu, run
from mmbench.lab.initramfs import Userspace
from mmbench.lab.record import experiments, read_record, to_text

GUEST = """\
import json, sys
data = open(sys.argv[sys.argv.index('-initrd') + 1], 'rb').read()
items = json.loads(data[data.index(b'[{"kind"'):].split(b'\\0')[0].split(b'070701')[0])
facts = {"release": "6.1.0-56-amd64", "version": "#1", "n_cpus": 1, "memory_bytes": 7, "available_bytes": 5}
def say(message): print("@mmbench", json.dumps(message))
say({"begin": len(items), **facts})
for number, item in enumerate(items):
    if item["kind"] == "mrelease":
        say({"item": number, "error": "no such call", "errno": ERRNO})
    else:
        rep = {"pages_before": [1, 2], "pages_after": [1, 0], "ns": 9}
        if item["kind"] == "memcg":
            rep = {"pages_before": 3, "pages_after": 1}
        if item["kind"] == "race":
            rep["lost"] = False
        say({"item": number, "reps": [rep] * item["n_reps"]})
say({"done": len(items)})
open(COUNT, "a").write("x")
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stand-in for QEMU on the path, a cache of its own, and a kernel file."""
    stand_in(tmp_path, '"ENOSYS"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("MMBENCH_CACHE_DIR", str(tmp_path / "cache"))
    userspace = Userspace("3.11.2", {})
    monkeypatch.setattr(run, "build_userspace", lambda: userspace)
    image = bytearray(kernels.SMALLEST_KERNEL_BYTES)
    image[0x202:0x206], image[0x20E:0x210] = b"HdrS", (0x100).to_bytes(2, "little")
    image[0x300:0x320] = b"6.1.0-56-amd64 (x@y) #1".ljust(32, b"\0")
    (tmp_path / "vmlinuz").write_bytes(image)
    return tmp_path


def stand_in(folder: Path, errno: str) -> None:
    script = GUEST.replace("COUNT", repr(str(folder / "count"))).replace("ERRNO", errno)
    version = "import sys\nif '--version' in sys.argv:\n    print('QEMU emulator version 9.9'); sys.exit()\n"
    program = folder / qemu.PROGRAM
    program.write_text(f"#!{sys.executable} -IS\n{version}{script}")
    program.chmod(0o755)


def n_boots(folder: Path) -> int:
    return len((folder / "count").read_text())


def test_a_record_is_written_and_a_finished_boot_is_not_run_again(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lab", "run", str(machine / "vmlinuz"), "-o", str(machine), "--format", "json"]
    assert main(words) == 0
    record = read_record(machine / "6.1.json")
    assert (record["series"], record["qemu"], record["set"], record["package"]) == ("6.1", "9.9", "quick", "")
    assert len(experiments(record)) == len(plan.boots("quick")[0].items)
    assert json.loads(capsys.readouterr().out) == [record]
    before = (machine / "6.1.json").read_bytes()
    assert main(words) == 0
    assert n_boots(machine) == 1
    assert main([*words, "--fresh"]) == 0
    assert n_boots(machine) == 2
    assert (machine / "6.1.json").read_bytes() == before == to_text(record).encode()


def test_another_kernel_qemu_or_plan_is_another_boot(machine: Path) -> None:
    vmlinuz = machine / "vmlinuz"
    boot = plan.Boot("one", plan.boots("quick")[0].items[:1])
    userspace = run.build_userspace()

    def again(version: str = "1", n_cpus: int = 1, n_items: int = 1) -> int:
        changed = plan.Boot("one", boot.items * n_items, n_cpus)
        run.run_boot(kernels.from_file(vmlinuz), changed, userspace, version, lambda *_: None)
        return n_boots(machine)

    assert [again(), again(), again("2"), again(n_cpus=2), again(n_items=2), again()] == [1, 1, 2, 3, 4, 4]
    vmlinuz.write_bytes(vmlinuz.read_bytes()[:-1] + b"x")
    assert again() == 5


@pytest.mark.parametrize(("release", "n_cpus"), [("6.1.0-99-amd64", [1, 1, 1]), ("6.12.99-amd64+", [1, 1, 1, 2])])
def test_a_kernel_that_stops_at_its_second_cpu_is_not_asked_to_race(
    machine: Path, release: str, n_cpus: list[int]
) -> None:
    image = (machine / "vmlinuz").read_bytes().replace(b"6.1.0-56-amd64", release.encode())
    (machine / "vmlinuz").write_bytes(image)
    assert main(["lab", "run", str(machine / "vmlinuz"), "--set", "full", "-o", str(machine), "--format", "json"]) == 0
    (path,) = machine.glob("6.*.json")
    assert [boot["n_cpus"] for boot in read_record(path)["boots"]] == n_cpus


def test_a_cut_off_file_in_the_cache_is_no_boot(machine: Path) -> None:
    assert main(["lab", "run", str(machine / "vmlinuz"), "--format", "csv"]) == 0
    (kept,) = (machine / "cache/lab/boots").glob("*.json")
    kept.write_bytes(kept.read_bytes()[:100])
    assert main(["lab", "run", str(machine / "vmlinuz"), "--format", "csv"]) == 0
    assert n_boots(machine) == 2


def test_an_experiment_that_failed_is_bad_news(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(machine, '"EIO"')
    assert main(["lab", "run", str(machine / "vmlinuz")]) == 1
    found = capsys.readouterr()
    assert "no such call" in found.err
    assert "EIO" in found.out


def test_the_table_shows_who_left_what(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "run", str(machine / "vmlinuz")]) == 0
    out = capsys.readouterr().out
    assert "64 MiB anon, 50% locked" in out
    assert "1 + 2" in out and "1 + 0" in out and "ENOSYS" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "six"], 2, "give a version's beginning"),
        (["run", "./absent"], 2, "no file './absent'"),
        (["run", "6.1", "-o", "/absent"], 2, "no such folder"),
        (["fetch", "./absent"], 2, "no file"),
    ],
)
def test_bad_input(machine: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    assert main(["lab", *words]) == code
    assert said in capsys.readouterr().err


def test_a_machine_without_qemu_or_apt(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["lab", "run", str(machine / "vmlinuz")]) == 3
    assert "qemu-system-x86" in capsys.readouterr().err
    assert main(["lab", "fetch", "6.1"]) == 3
    assert "apt-get" in capsys.readouterr().err
    assert main(["lab", "list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_compiled_codes_cache_leaves_the_lab_alone(tmp_path: Path) -> None:
    names = ["lab", *(f"{i:020x}" for i in range(9))]
    for age, name in enumerate(names):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (age, age))
    environment = {**os.environ, "MMBENCH_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import mmbench.accelerate"], env=environment, check=True)
    assert (tmp_path / "lab").is_dir()
    assert not (tmp_path / names[1]).exists()


def test_a_patched_kernel_is_held_against_the_design_that_it_is_built_with(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = plan.Boot("quick", tuple(plan.Item("semantics", "reaper", victim, 1) for victim in plan.layouts()[1:3]))
    monkeypatch.setattr(run, "boots", lambda name: [small])
    words = ["lab", "run", str(machine / "vmlinuz"), "-o", str(machine), "--format", "json", "--strategy"]
    assert main([*words, "v6.18"]) == 1  # the stand-in leaves one page, the design none
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["strategy"], found["freed_pages"]) == ("v6.18", {"n": 2, "exact": 0})
    assert main(["lab", "compare", str(machine / "6.1.json"), "--strategy", "v5.17", "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert [cell["model_left"] for cell in found["cells"]] == [
        3 - 16384,
        3 - 8192,
    ]  # v5.17 leaves the locked half; the stand-in has 3 pages
