"""A boot, with a stand-in for QEMU that says what a guest would: done, panic, hang, garbled, refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbench.errors import CannotError
from mmbench.lab import qemu

DONE = "print('noise\\x1b[2J@mmbench {\"begin\":1}'); print('@mmbench {\"done\":1}')"


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program named like QEMU on the path."""
    program = folder / qemu.PROGRAM
    program.write_text(
        f"#!{sys.executable} -IS\nimport os, signal, sys, time\nsys.stdout.reconfigure(line_buffering=True)\n{script}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return program


def boot(folder: Path, timeout_s: float = 20.0) -> list[qemu.Message]:
    return qemu.boot(folder / "vmlinuz", b"initramfs", 1, timeout_s, folder / "serial.log", lambda message: None)


def test_messages_are_found_between_the_kernels_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, DONE, monkeypatch)
    assert boot(tmp_path) == [{"begin": 1}, {"done": 1}]
    assert b"noise" in (tmp_path / "serial.log").read_bytes()


def test_the_initramfs_arrives_whole_and_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import json; data = open(sys.argv[sys.argv.index('-initrd') + 1], 'rb').read()\n"
    script += "print('@mmbench', json.dumps({'done': len(data), 'text': data.decode()}))"
    stand_in(tmp_path, script, monkeypatch)
    before = {p.name for p in tmp_path.iterdir()}
    assert boot(tmp_path) == [{"done": 9, "text": "initramfs"}]
    assert {p.name for p in tmp_path.iterdir()} - before == {"serial.log"}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "print('x'); print('[ 2.2] Kernel panic - not syncing: Attempted to kill init!')",
            "panicked: not syncing: Att",
        ),
        ('print(\'@mmbench {"failed":"Traceback\\\\nOSError: 5"}\')', "probe failed in the guest: OSError: 5"),
        ("print('@mmbench {\"begin\":')", "garbled"),
        ("sys.stderr.write('qemu: could not load kernel'); sys.exit(1)", "status 1; it cannot boot"),
        ("print('@mmbench {\"begin\":1}')", "ended before it had answered"),
        ("", r"ended before.*\n    \(nothing\)"),
    ],
)
def test_how_a_boot_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    stand_in(tmp_path, script, monkeypatch)
    with pytest.raises(CannotError, match=f"{said}") as caught:
        boot(tmp_path)
    assert str(tmp_path / "serial.log") in str(caught.value)


@pytest.mark.parametrize("script", ["print('alive')\ntime.sleep(60)", "while True: print('spam')"])
def test_a_hang_ends_at_the_timeout_with_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    stand_in(tmp_path, f"open('{tmp_path}/pid', 'w').write(str(os.getpid()))\n{script}", monkeypatch)
    begun = time.monotonic()
    with pytest.raises(CannotError, match=r"hangs(.|\n)*(alive|spam)"):
        boot(tmp_path, timeout_s=1.5)
    assert time.monotonic() - begun < 10
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_silence_is_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "SILENCE_S", 0.5)
    stand_in(tmp_path, "print('last words')\ntime.sleep(60)", monkeypatch)
    with pytest.raises(CannotError, match=r"said nothing(.|\n)*last words"):
        boot(tmp_path, timeout_s=50)


def test_without_qemu_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CannotError, match="qemu-system-x86"):
        qemu.find_qemu()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_qemu_outlives_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: signal.Signals) -> None:
    pid_file = tmp_path / "pid"
    script = f"open('{tmp_path}/tmp', 'w').write(str(os.getpid())); os.rename('{tmp_path}/tmp', '{pid_file}')"
    stand_in(tmp_path, f"{script}\ntime.sleep(60)", monkeypatch)
    code = "import pathlib, sys; from mmbench.lab import qemu; f = pathlib.Path(sys.argv[1]); "
    code += "qemu.boot(f / 'vmlinuz', b'', 1, 60, f / 'log', print)"
    caller = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL)
    try:
        wait_for(pid_file.exists)
        pid = int(pid_file.read_text())
        caller.send_signal(end)
        caller.wait(20)
        wait_for(lambda: not is_running(pid))
    finally:
        caller.kill()
        caller.wait()


def is_running(pid: int) -> bool:
    """True unless the process is gone or a zombie that nobody has reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(is_there: object, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_there():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_recipe_is_whole() -> None:
    text = " ".join(qemu.command("K", "I", 2))
    for part in (
        "tcg,thread=single",
        "max,-rdrand,-rdseed",
        "shift=0,sleep=off",
        "-seed 42",
        "base=2020-01-01,clock=vm",
    ):
        assert part in text
    assert "-smp 2" in text


def test_ctrl_c_in_the_middle_of_a_boot_ends_the_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(
        tmp_path, "import json; print('@mmbench', json.dumps({'begin': os.getpid()}))\ntime.sleep(600)", monkeypatch
    )
    guests = []

    def interrupt(message: qemu.Message) -> None:
        guests.append(message["begin"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qemu.boot(tmp_path / "vmlinuz", b"", 1, 60.0, tmp_path / "serial.log", interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(guests[0], 0)
    assert b"begin" in (tmp_path / "serial.log").read_bytes()
