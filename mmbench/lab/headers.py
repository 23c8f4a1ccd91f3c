"""The headers of one Debian kernel, extracted and not installed: what a module is built with.

Through the private apt of `lab fetch`: linux-headers-RELEASE, and the -common and linux-kbuild packages that it names.
The headers of recent Debian releases come with programs for a newer C library than an older Debian has; such a library
is then extracted beside them, and the programs are started through its loader.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mmbench.errors import CannotError
from mmbench.lab.archive import PrivateApt, Say, Wanted
from mmbench.lab.kernels import Kernel
from mmbench.lab.store import lab_folder

MARK = "complete"  # written last: a folder without it is not whole
LIBRARIES = ("libc6", "libelf1t64")
LIBRARY_SUITE = "trixie"
LOADER = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
_NAMES_FOLDER = re.compile(rb"/usr/src/linux-headers")


def find_headers(kernel: Kernel, say: Say) -> Path:
    """Return the folder of a kernel's headers (its Makefile is there), fetched unless they are kept.

    Raises CannotError when the archive has none of exactly this build.
    """
    if not kernel.package:
        raise CannotError(
            f"{kernel.vmlinuz.name} is no kernel of the archive, so there are no headers to build the module with; "
            "run it without a module (mmbench lab run ./bzImage), or take a kernel by its version (6.12)."
        )
    root = lab_folder("headers") / kernel.release
    if not (root / MARK).exists():
        _fetch(kernel, root, say)
    return root / "usr/src" / f"linux-headers-{kernel.release}"


def _fetch(kernel: Kernel, root: Path, say: Say) -> None:
    apt = PrivateApt()
    apt.update(0)
    packages = wanted(apt, kernel)
    size = sum(package.size_bytes for package in packages)
    say(f"downloading the headers of {kernel.release}, {size / 2**20:.0f} MiB")
    shutil.rmtree(root, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=lab_folder("headers")) as unfinished:
        for package in packages:
            extract(apt.download(package), Path(unfinished))
        Path(unfinished).rename(root)
        Path(unfinished).mkdir()  # for its own removal
    relocate(root)
    start_through_loader(root, apt, say)
    (root / MARK).touch()


def wanted(apt: PrivateApt, kernel: Kernel) -> list[Wanted]:
    """The packages needed, of exactly the kernel's version. Raises CannotError naming what the archive has."""
    name = f"linux-headers-{kernel.release}"
    found = apt.show(name, kernel.package_version)
    if found is None:
        others = [n.removeprefix("linux-headers-") for n in apt.names("linux-headers-") if re.search(r"\d-amd64$", n)]
        have = sorted({".".join(re.findall(r"\d+", n)[:2]) for n in others if n[0].isdigit()}, key=_numbers)
        raise CannotError(
            f"the archive keeps no headers of Linux {kernel.release} ({kernel.package_version}), so no module can be "
            f"built for it; it has headers of {', '.join(have) or 'nothing'}. Take one of them, newest build."
        )
    names = re.findall(r"(linux-headers-\S+-common|linux-kbuild-\S+?)[ ,(]", found.depends + ",")
    rest = [apt.show(name) for name in names]
    missing = [name for name, package in zip(names, rest, strict=True) if package is None]
    if missing or len(rest) < 2:
        raise CannotError(f"the archive lacks {', '.join(missing) or 'linux-kbuild'} for Linux {kernel.release}.")
    return [found, *(package for package in rest if package is not None)]


def _numbers(series: str) -> list[int]:
    return [int(n) for n in series.split(".")]


def extract(deb: Path, root: Path) -> None:
    """Unpack a .deb below ``root`` and remove it."""
    done = subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotError(f"{deb.name} cannot be unpacked: {done.stderr.strip()}; try again.")
    deb.unlink()


def relocate(root: Path) -> None:
    """The headers' Makefiles name each other below /usr/src: make them name where they are."""
    for path in (root / "usr/src").glob("*/Makefile"):
        text = path.read_bytes()
        path.write_bytes(_NAMES_FOLDER.sub(f"{root}/usr/src/linux-headers".encode(), text))


def start_through_loader(root: Path, apt: PrivateApt, say: Say) -> None:
    """Give a newer C library to the programs of linux-kbuild that this machine's is too old for."""
    programs = [p for p in (root / "usr/lib").rglob("*") if p.is_file() and not p.is_symlink() and is_too_new(p)]
    if not programs:
        return
    say(f"this machine's C library is too old for these headers' programs: fetching {' and '.join(LIBRARIES)}")
    apt.update_suites((LIBRARY_SUITE,))
    for name in LIBRARIES:
        package = apt.show(name)
        if package is None:
            raise CannotError(f"the archive has no {name}, which the headers' programs need; run this on Debian 13.")
        extract(apt.download(package), root / "libraries")
    for path in programs:
        real = path.rename(path.with_name(path.name + ".elf"))
        loader = root / "libraries" / LOADER
        path.write_text(
            f'#!/bin/sh\nexec {loader} --library-path {loader.parent}:/usr/lib/x86_64-linux-gnu {real} "$@"\n'
        )
        path.chmod(0o755)


def is_too_new(path: Path) -> bool:
    """Whether a program needs a newer C library than this machine has."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return False
    done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, timeout=30, check=False)
    return re.search(r"version `GLIBC_\S+' not found", done.stdout + done.stderr) is not None
