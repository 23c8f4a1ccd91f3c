"""What the lab needs of this machine, what is missing, and how to get it."""

import shutil

from mmbench.errors import CannotError
from mmbench.lab import archive, build, qemu
from mmbench.lab.initramfs import find_interpreter

# Program -> what it is for, its Debian package.
PROGRAMS = {
    qemu.PROGRAM: ("booting a kernel", "qemu-system-x86"),
    **{tool: ("fetching kernels and headers", "apt") for tool in archive.TOOLS if tool != "dpkg-deb"},
    "dpkg-deb": ("fetching kernels and headers", "dpkg"),
    **{tool: ("running designs (building the module)", package) for tool, package in build.TOOLS.items()},
    "zstd": ("running designs (reading images of 6.17 and later)", "zstd"),
}


def needs() -> list[dict[str, str | bool]]:
    """One row per thing needed: {"what", "for", "found", "how to get it"}; the last is "" where it is there.

    A kernel's headers are looked for when a run needs them: the archive keeps them for its newest builds only.
    """
    rows = []
    for program, (purpose, package) in PROGRAMS.items():
        found = shutil.which(program) is not None
        rows.append(_row(program, purpose, found, f"apt-get install {package}"))
    try:
        find_interpreter()
        rows.append(_row("python3", "the guest's first process", True, ""))
    except CannotError as error:
        rows.append(_row("python3", "the guest's first process", False, str(error)))
    return rows


def _row(what: str, purpose: str, found: bool, how: str) -> dict[str, str | bool]:
    return {"what": what, "for": purpose, "found": found, "how to get it": "" if found else how}
