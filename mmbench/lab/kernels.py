"""Kernels to boot: named by a version's beginning or by a path, fetched once, kept with their checksums.

``kernels/<release>/vmlinuz`` is the file, ``kernel.json`` beside it says where it came from; the second is written
last, so a kernel without it is not there.
"""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from mmbench.errors import CannotError, InputError
from mmbench.lab.archive import Package, PrivateApt, Say, is_prefix
from mmbench.lab.store import CHUNK_BYTES, lab_folder, sha256_of, write_whole

PREFIX = re.compile(r"^\d+(\.\d+)*([-+~][\w.+~-]*)?$")
_VMLINUZ = re.compile(r"^(\./)?(boot/vmlinuz-[^/]+|usr/lib/modules/[^/]+/vmlinuz)$")
_RELEASE_IN_IMAGE = re.compile(rb"\d+\.\d+[\w.+~-]* \(")
SMALLEST_KERNEL_BYTES = 1 << 20


@dataclass(frozen=True)
class Kernel:
    """One kernel at hand: its file and where it came from; the package fields are "" for a file of the user's."""

    vmlinuz: Path
    release: str
    vmlinuz_sha256: str
    package: str = ""
    package_version: str = ""
    deb_sha256: str = ""

    @property
    def series(self) -> str:
        """The first two numbers of the release, such as 6.12: what results are filed under."""
        return series_of(self.release)


def series_of(release: str) -> str:
    """Return "6.12" of "6.12.117+deb13-amd64". Raises InputError when it does not begin with two numbers."""
    match = re.match(r"\d+\.\d+", release)
    if match is None:
        raise InputError(f"kernel release {release!r}: it should begin with two numbers, such as 6.12.")
    return match[0]


def is_path(text: str) -> bool:
    """True when KERNEL means a file; a version has no slash and begins with a digit."""
    return "/" in text or (not PREFIX.match(text) and Path(text).exists())


def check_name(text: str) -> None:
    """Raise InputError when KERNEL is neither a version's beginning nor an existing file."""
    if is_path(text):
        if not Path(text).is_file():
            raise InputError(
                f"no file {text!r}; KERNEL is a version's beginning (5.10, 6.1, 7) or a path to a vmlinuz."
            )
    elif not PREFIX.match(text):
        raise InputError(f"KERNEL {text!r}: give a version's beginning (5.10, 6.1, 7) or a path to a vmlinuz.")


def kept() -> list[Kernel]:
    """Return the kernels in the cache that are whole, oldest first; a damaged one is left out."""
    found = []
    for path in lab_folder("kernels").glob("*/kernel.json"):
        try:
            fields = json.loads(path.read_text())
            kernel = Kernel(vmlinuz=path.with_name("vmlinuz"), **fields)
            if sha256_of(kernel.vmlinuz) == kernel.vmlinuz_sha256:
                found.append(kernel)
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=_order)


def _order(kernel: Kernel) -> tuple[list[int], str]:
    return [int(n) for n in re.findall(r"\d+", kernel.package_version or kernel.release)], kernel.release


def find(text: str, say: Say) -> Kernel:
    """Return the kernel meant by ``text``: a file, the newest one kept, or one fetched now."""
    check_name(text)
    if is_path(text):
        return from_file(Path(text))
    matching = [k for k in kept() if is_prefix(text, k.release) or is_prefix(text, k.package_version)]
    return matching[-1] if matching else fetch(text, say)


def fetch(prefix: str, say: Say) -> Kernel:
    """Return the archive's newest kernel of a version, downloaded unless it is kept already."""
    check_name(prefix)
    apt = PrivateApt()
    package = apt.find(prefix, say)
    for kernel in kept():
        if kernel.deb_sha256 == package.sha256:
            say(f"{package.release} is here already")
            return kernel
    say(f"downloading {package.name} {package.version}, {package.size_bytes / 2**20:.0f} MiB")
    deb = apt.download(package)
    kernel = keep(package, deb)
    deb.unlink()
    say(f"{kernel.release} is ready")
    return kernel


def keep(package: Package, deb: Path) -> Kernel:
    """Take the vmlinuz out of a .deb, and nothing else. Raises CannotError when it holds none."""
    folder = lab_folder("kernels", package.release)
    (folder / "kernel.json").unlink(missing_ok=True)
    write_whole(folder / "vmlinuz", vmlinuz_of(deb))
    kernel = Kernel(
        folder / "vmlinuz",
        package.release,
        sha256_of(folder / "vmlinuz"),
        package.name,
        package.version,
        package.sha256,
    )
    fields = {key: value for key, value in asdict(kernel).items() if key != "vmlinuz"}
    write_whole(folder / "kernel.json", [(json.dumps(fields, indent=1) + "\n").encode()])
    return kernel


def vmlinuz_of(deb: Path) -> Iterator[bytes]:
    """Yield the content of a .deb's kernel image; since 7.2 it lies with the modules."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as unpacker:
        assert unpacker.stdout is not None and unpacker.stderr is not None
        try:
            yield from _first_vmlinuz(unpacker.stdout)
            return
        except tarfile.TarError:
            said = unpacker.stderr.read().decode(errors="replace").strip().splitlines()
        finally:
            unpacker.kill()
    raise CannotError(f"{deb.name} holds no kernel image ({said[-1] if said else 'no vmlinuz in it'}); fetch it again.")


def _first_vmlinuz(stream: IO[bytes]) -> Iterator[bytes]:
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            if member.isfile() and _VMLINUZ.match(member.name):
                file = tar.extractfile(member)
                assert file is not None
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
                return
    raise tarfile.TarError("no vmlinuz")


def from_file(path: Path) -> Kernel:
    """Return a kernel of the user's. Raises InputError when the file is no Linux bzImage."""
    try:
        image = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the kernel {str(path)!r}: {error.strerror}.") from None
    return Kernel(path.resolve(), release_of(image, str(path)), sha256_of(path))


def release_of(image: bytes, name: str) -> str:
    """Return the release that a bzImage names in its header (Documentation/arch/x86/boot.rst, kernel_version)."""
    if len(image) < SMALLEST_KERNEL_BYTES or image[0x202:0x206] != b"HdrS":
        raise InputError(
            f"{name!r} is no x86 Linux kernel image (bzImage), or not a whole one; give a vmlinuz such "
            "as those in /boot."
        )
    offset = int.from_bytes(image[0x20E:0x210], "little") + 0x200
    match = _RELEASE_IN_IMAGE.match(image[offset : offset + 200])
    if match is None:
        raise InputError(f"{name!r} does not say which release it is; give a vmlinuz as distributions build them.")
    return match[0].split()[0].decode()
