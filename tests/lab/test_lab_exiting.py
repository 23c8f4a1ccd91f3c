"""Runs beside an exiting victim: the plan, a whole set with a stand-in for QEMU, the counts, and the kernel's flag."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mmbench.cli.main import main
from mmbench.lab import btf, exiting, kernels, qemu, run
from mmbench.lab.initramfs import Userspace
from mmbench.lab.record import read_record, to_text
from tests.lab.btf_bytes import Section

# Answers every item as booted kernels do: the trigger or the bystander dies beside the victim, or nobody.
GUEST = """\
import json, sys
data = open(sys.argv[sys.argv.index('-initrd') + 1], 'rb').read()
items = json.loads(data[data.index(b'[{"kind"'):].split(b'\\0')[0].split(b'070701')[0])
assert '-icount' not in sys.argv
facts = {"release": "7.3.4-amd64", "version": "#1", "n_cpus": 2, "memory_bytes": 7, "available_bytes": 5}
def say(message): print("@mmbench", json.dumps(message))
say({"begin": len(items), **facts})
for number, item in enumerate(items):
    is_hit = item["scope"] == "memcg" and item["victim"]["span_bytes"] == 256 << 20
    kills = [{"who": "bystander", "ns": 2000000}, {"who": "trigger", "ns": 99000000}] if is_hit else []
    found = {"trigger": "killed" if kills else "allocated", "further_kills": kills, "exit_mmap_ns": 90000000}
    say({"item": number, "reps": [found]})
say({"done": len(items)})
open(COUNT, "a").write("x")
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stand-in for QEMU on the path, a cache of its own, and a kernel file without BTF."""
    program = tmp_path / qemu.PROGRAM
    version = "import sys\nif '--version' in sys.argv:\n    print('QEMU emulator version 9.9'); sys.exit()\n"
    script = GUEST.replace("COUNT", repr(str(tmp_path / "count")))
    program.write_text(f"#!{sys.executable} -IS\n{version}{script}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(run, "lab_folder", lambda name: tmp_path)  # not the cache of compiled code
    monkeypatch.setattr(exiting, "build_userspace", lambda entry: Userspace("3.11.2", {}))
    image = bytearray(kernels.SMALLEST_KERNEL_BYTES)
    image[0x202:0x206], image[0x20E:0x210] = b"HdrS", (0x100).to_bytes(2, "little")
    image[0x300:0x320] = b"7.3.4-amd64 (x@y) #1".ljust(32, b"\0")
    (tmp_path / "vmlinuz").write_bytes(image)
    return tmp_path


def words(folder: Path, *more: str) -> list[str]:
    return ["lab", "run", str(folder / "vmlinuz"), "--set", "exiting-victim", "--boots", "5", "-o", str(folder), *more]


def test_every_boot_asks_every_question_once_and_none_is_always_first() -> None:
    boots, asked = exiting.boots(exiting.N_BOOTS), {str(item.head()) for item in exiting.questions()}
    assert all({str(item.head()) for item in boot.items} == asked for boot in boots)
    assert all(not boot.is_counted and boot.n_cpus == 2 for boot in boots)
    first = [str(boot.items[0].head()) for boot in boots]
    assert {first.count(question) for question in asked} == {exiting.N_BOOTS // len(asked)}
    assert len({boot.name for boot in boots}) == exiting.N_BOOTS >= 20


def test_further_kills_are_counted_told_by_the_exit_code_and_kept_boot_by_boot(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(machine, "--format", "json")) == 1
    rows = {(row["scope"], row["victim_bytes"] >> 20): row for row in json.loads(capsys.readouterr().out)[0]["rows"]}
    hit, spared = rows["memcg", 256], rows["memcg", 128]
    assert (hit["n"], hit["n_killed"], hit["n_kills"], hit["before_gone"]) == (5, 5, 10, 5)
    assert hit["who"] == {"bystander": 5, "trigger": 5} and hit["first_ms"] == [2.0, 2.0]
    assert (spared["n_killed"], rows["global", 128]["n_killed"]) == (0, 0)
    assert 0.47 < hit["low"] < 0.48 and hit["high"] == 1.0  # (alpha / 2) ** (1 / 5)
    record = read_record(machine / "7.3.json")
    assert exiting.is_exiting(machine / "7.3.json") and to_text(record) == (machine / "7.3.json").read_text()
    assert exiting.boots_with_kills(record, "memcg") == (5, 5) and exiting.boots_with_kills(record, "global") == (0, 5)
    assert all("host_load" in boot for boot in record["boots"])
    assert main(words(machine)) == 1 and len((machine / "count").read_text()) == 5
    assert main(words(machine, "--fresh")) == 1 and len((machine / "count").read_text()) == 10


def test_a_record_is_compared_and_answered(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words(machine))
    capsys.readouterr()
    assert main(["lab", "compare", str(machine / "7.3.json")]) == 1
    assert "7.3.4-amd64: runs in which" in capsys.readouterr().out
    assert main(["answer", "memcg-exiting-victim", "--lab", str(machine / "7.3.json")]) == 0
    page = capsys.readouterr().out
    assert "On Linux 7.3.4 the killer" in page and "(10 of 20 such kills" in page and "| 5 | 5 | 48 to 100 % |" in page


def test_designs_are_refused(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(machine, "--strategy", "v6.1")) == 2
    assert "leave out --strategy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--set", "exiting-victim", "--boots", "0"), "allowed is 1 to"), (("--boots", "3"), "the set quick has its own")],
)
def test_a_number_of_boots_that_cannot_be(
    machine: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert main(["lab", "run", str(machine / "vmlinuz"), *more]) == 2
    assert said in capsys.readouterr().err


def test_another_set_is_no_answer(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words(machine))
    path = machine / "7.3.json"
    path.write_text(path.read_text().replace('"set": "exiting-victim"', '"set": "quick"'))
    assert main(["answer", "memcg-exiting-victim", "--lab", str(path)]) == 2
    assert "holds the set 'quick'" in capsys.readouterr().err


@pytest.mark.parametrize(("member", "is_there"), [(exiting.FLAG, True), ("CSS_TASK_ITER_PROCS", False)])
def test_the_flag_is_an_enumerator_of_btf(
    member: str, is_there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    section = Section()
    section.add(btf.INT, "int", 4, 32)
    section.add(btf.ENUM64, "", 8, section.name("OTHER"), 1, 0, section.name("SECOND"), 2, 0, n=2)
    section.add(btf.ENUM, "", 4, section.name("FIRST"), 1, section.name(member), 4, n=2)
    blob: Any = section.blob()
    monkeypatch.setattr(exiting, "vmlinux_of_image", lambda image, name: image)
    monkeypatch.setattr(exiting, "btf_of_elf", lambda image, name: image)
    (tmp_path / "vmlinuz").write_bytes(blob)
    kernel = kernels.Kernel(tmp_path / "vmlinuz", "7.3.4", "")
    assert exiting.has_flag(kernel) == {"css_task_iter_with_dead": is_there}
    assert btf.Btf(blob).has_enumerator("SECOND")
