"""The guest's whole user space, in pure Python: an interpreter, its libraries, the modules it needs, the probe, a plan.

Nothing is compiled by a C compiler and nothing depends on time or on the order of a folder's files: the same
interpreter, sources and plan give the same bytes.
"""

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab import collect, cpio

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
ENTRY = "mmbench.lab.guest.init"
INIT = "#!/usr/bin/python{version} -ISB\nfrom {entry} import main\nmain()\n"
# imported inside functions, so that importing the entry point does not show them
LATE_MODULES = ("difflib", "traceback", "linecache")
LEAST_VERSION = (3, 11)
DEBIAN_PYTHON = "/usr/bin/python3"
LOADER = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)


@dataclass(frozen=True)
class Userspace:
    """Everything of the initramfs but the plan: path -> entry."""

    python: str
    entries: dict[str, cpio.Entry]

    def image(self, plan: Any) -> bytes:
        """Return the archive with this plan in it; uncompressed, so its bytes depend on no zlib."""
        text = json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()
        return cpio.archive({**self.entries, "plan.json": cpio.regular(text)})


def find_interpreter() -> str:
    """Return the Python that goes into the guest: the system's own when it is new enough, else the one running now."""
    for candidate in (DEBIAN_PYTHON, getattr(sys, "_base_executable", None), sys.executable):
        if candidate and _version(candidate) >= LEAST_VERSION:
            return os.path.realpath(candidate)
    raise CannotError(
        f"no Python {LEAST_VERSION[0]}.{LEAST_VERSION[1]} or later to put into the guest; install python3."
    )


def _version(executable: str) -> tuple[int, int]:
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        said = subprocess.run([executable, "-IS", "-c", ask], capture_output=True, text=True, timeout=20, check=True)
        major, minor = said.stdout.split()
        return int(major), int(minor)
    except (OSError, subprocess.SubprocessError, ValueError):
        return (0, 0)


def build_userspace(interpreter: str | None = None, entry: str = ENTRY) -> Userspace:
    """Collect the interpreter, what it needs, and the probe whose first process is ``entry``.

    Raises CannotError when this machine's do not serve.
    """
    if os.uname().machine != "x86_64":
        raise CannotError(
            f"the lab boots x86-64 kernels with this machine's Python, and this machine is {os.uname().machine}."
        )
    executable = interpreter or find_interpreter()
    found = _collect(executable, entry)
    version = found["version"]
    library = f"usr/lib/python{version}"
    entries = {
        "init": cpio.regular(INIT.format(version=version, entry=entry).encode(), is_executable=True),
        f"usr/bin/python{version}": cpio.regular(_read(executable), is_executable=True),
        f"{library}/lib-dynload": cpio.folder(),
        "dev/console": cpio.character_device(5, 1),
        "dev/urandom": cpio.character_device(1, 9),  # getrandom(2) has nothing to give so early
        "tmp": cpio.folder(),
    }
    for inside, code in found["modules"].items():
        entries[f"{library}/{inside}"] = cpio.regular(base64.b64decode(code))
    for name, path in found["libraries"].items():
        entries[f"{library}/lib-dynload/{name}"] = cpio.regular(_read(path))
    for path in shared_libraries([executable, *found["libraries"].values()]):
        entries[path.lstrip("/")] = cpio.regular(_read(path), is_executable=True)
    return Userspace(found["python"], entries)


def _collect(executable: str, entry: str) -> dict[str, Any]:
    """Have the interpreter itself say what it needs; a fixed hash seed keeps the order inside its code fixed."""
    command = [executable, "-S", "-s", "-B", collect.__file__, str(PACKAGE_ROOT), entry, *LATE_MODULES]
    environment = {"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotError(
            f"{executable} cannot say what the guest needs ({last}); install python3 with its standard library."
        )
    return dict(json.loads(done.stdout))


def shared_libraries(files: list[str]) -> list[str]:
    """Return the shared libraries, the loader included, that these files need: absolute paths, sorted."""
    loader = _loader(files[0])
    found = {loader}
    for path in files:
        done = subprocess.run([loader, "--list", path], capture_output=True, text=True, timeout=60, check=False)
        found |= set(LOADER.findall(done.stdout))
    return sorted(found)


def _loader(executable: str) -> str:
    """Return the program interpreter that an ELF file names."""
    match = re.search(rb"(/lib64/ld-[\w.-]+|/lib/ld-[\w.-]+)\0", _read(executable)[:4096])
    if match is None:
        raise CannotError(f"{executable} is not a dynamically linked program; give the lab a python3 that is.")
    return match[1].decode()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CannotError(f"cannot read {path} for the guest: {error.strerror}.") from error
