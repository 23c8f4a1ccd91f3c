"""Fetching a kernel, with stand-ins for apt and dpkg-deb: chosen, downloaded, checked, taken out, kept, found again."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from mmbench.errors import CannotError, InputError
from mmbench.lab import archive, kernels
from mmbench.lab.archive import Package, PrivateApt, is_prefix, parse_packages

SHOW = """\
Package: linux-image-{release}
Version: {version}
Filename: pool/x.deb
Size: {size}
SHA256: {sha256}
Description: a kernel
 more: text

"""


def image(release: str = "6.1.0-56-amd64") -> bytes:
    """Make what looks like a bzImage: the header's magic and its version text."""
    data = bytearray(kernels.SMALLEST_KERNEL_BYTES)
    data[0x202:0x206] = b"HdrS"
    data[0x20E:0x210] = (0x3000 - 0x200).to_bytes(2, "little")
    text = f"{release} (x@y) #1 SMP".encode()
    data[0x3000 : 0x3000 + len(text)] = text
    return bytes(data)


def tar_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in (("./usr/share/doc/x", b"doc"), (name, content)):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


class StandIns:
    """Programs that answer as apt does, from files in a folder; a "package" is the tar that dpkg-deb would unpack."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "sources.d").mkdir()
        (folder / "sources.list").write_text("deb http://archive.example/debian stable main\n")
        self.program("apt-config", f"echo \"FILE='{folder}/sources.list'\"; echo \"PARTS='{folder}/sources.d/'\"")
        self.program("apt-cache", f'cat "{folder}/$1" 2>/dev/null | grep -- "^" ; exit 0')
        self.program("apt-get", f'echo "$@" >> {folder}/calls; [ "$1" = update ] || . {folder}/download')
        self.program("dpkg-deb", 'cat "$2"')
        (folder / "pkgnames").write_text("")
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setenv("MMBENCH_CACHE_DIR", str(folder / "cache"))

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def offer(self, release: str, version: str, deb: bytes) -> None:
        """Put a package into the index, and let apt-get download it."""
        (self.folder / "deb").write_bytes(deb)
        name = f"linux-image-{release}"
        with open(self.folder / "pkgnames", "a") as names:
            names.write(f"{name}\nlinux-image-{release.replace('-amd64', '-rt-amd64')}\nlinux-image-6.1-amd64\n")
        with open(self.folder / "show", "a") as show:
            sha256 = hashlib.sha256(deb).hexdigest()
            show.write(SHOW.format(release=release, version=version, size=len(deb), sha256=sha256))
        (self.folder / "download").write_text(f"cp {self.folder}/deb {name}_{version}_amd64.deb")

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    return StandIns(tmp_path, monkeypatch)


def silent(_: str) -> None:
    pass


def test_a_fetched_kernel_is_kept_with_both_checksums(machine: StandIns) -> None:
    deb = tar_of("./boot/vmlinuz-6.1.0-56-amd64", image())
    machine.offer("6.1.0-56-amd64", "6.1.192-1", deb)
    kernel = kernels.fetch("6.1", silent)
    assert kernel.vmlinuz.read_bytes() == image()
    assert kernel.vmlinuz_sha256 == hashlib.sha256(image()).hexdigest()
    assert kernel.deb_sha256 == hashlib.sha256(deb).hexdigest()
    assert kernels.kept() == [kernel]
    assert kernels.find("6.1.192", silent) == kernel
    assert not list((machine.folder / "cache").rglob("*.deb"))
    assert sum(call.startswith("download") for call in machine.calls()) == 1


def test_a_second_fetch_downloads_nothing(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./usr/lib/modules/6.1/vmlinuz", image()))
    assert kernels.fetch("6.1", silent) == kernels.fetch("6.1", silent)
    assert sum(call.startswith("download") for call in machine.calls()) == 1


def test_a_truncated_download_is_found_removed_and_fetched_again(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/vmlinuz-6.1", image()))
    good = (machine.folder / "download").read_text()
    (machine.folder / "download").write_text(good + f"; truncate -s 700000 {good.split()[-1]}")
    with pytest.raises(CannotError, match=r"has 700,000 bytes.*signed index says.*Try again"):
        kernels.fetch("6.1", silent)
    assert not kernels.kept()
    assert not list((machine.folder / "cache").rglob("*.deb"))
    (machine.folder / "download").write_text(good)
    assert kernels.fetch("6.1", silent).release == "6.1.0-56-amd64"


def test_a_half_package_left_by_an_interrupted_run_is_not_trusted(machine: StandIns) -> None:
    deb = tar_of("./boot/vmlinuz-6.1", image())
    machine.offer("6.1.0-56-amd64", "6.1.192-1", deb)
    debs = PrivateApt().folder / "debs"
    (debs / "linux-image-6.1.0-56-amd64_6.1.192-1_amd64.deb").write_bytes(deb.replace(b"HdrS", b"HdrX"))
    assert kernels.fetch("6.1", silent).vmlinuz.read_bytes() == image()


def test_a_wrong_checksum_is_an_error(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/vmlinuz-6.1", image()))
    (machine.folder / "deb").write_bytes(tar_of("./boot/vmlinuz-6.1", image("6.1.0-57-amd64")))
    with pytest.raises(CannotError, match="SHA-256"):
        kernels.fetch("6.1", silent)
    assert not kernels.kept()


def test_a_damaged_kernel_in_the_cache_is_fetched_again(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/vmlinuz-6.1", image()))
    kernel = kernels.fetch("6.1", silent)
    kernel.vmlinuz.write_bytes(image()[:-7])
    assert not kernels.kept()
    assert kernels.find("6.1", silent).vmlinuz.read_bytes() == image()


def test_a_package_without_a_kernel_image(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/config-6.1", b"x"))
    with pytest.raises(CannotError, match="holds no kernel image"):
        kernels.fetch("6.1", silent)
    assert not kernels.kept()


def test_a_failed_download_says_what_apt_said(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/vmlinuz-6.1", image()))
    (machine.folder / "download").write_text("echo 'E: Unable to connect to archive:80' >&2; exit 100")
    with pytest.raises(CannotError, match=r"Unable to connect to archive:80.*Try again"):
        kernels.fetch("6.1", silent)


def test_an_unknown_version_lists_what_there_is(machine: StandIns) -> None:
    machine.offer("6.1.0-56-amd64", "6.1.192-1", tar_of("./boot/vmlinuz-6.1", image()))
    with pytest.raises(CannotError, match=r"no kernel '4\.4'.*it has 6\.1\."):
        kernels.fetch("4.4", silent)
    assert sum(call.startswith("update") for call in machine.calls()) == len(archive.MAIN_SUITES)


def test_without_apt_a_path_is_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CannotError, match=r"apt-get.*path to a vmlinuz"):
        kernels.fetch("6.1", silent)


def test_our_apt_has_its_own_folders_and_no_hooks(machine: StandIns) -> None:
    dump = "echo 'Acquire::http::Proxy \"http://p.example\";'; echo 'APT::Update::Post-Invoke:: \"rm\";'\n"
    machine.program("apt-config", f"{dump}echo \"FILE='{machine.folder}/sources.list'\"")
    apt = PrivateApt()
    text = (apt.folder / "apt.conf").read_text()
    assert "http://p.example" in text
    assert "Post-Invoke" not in text
    assert f'Dir::State "{apt.folder}/state"' in text


def package(version: str, kind: str = "image", release: str = "6.12.117+deb13-amd64") -> Package:
    return Package(f"linux-{kind}-{release}", release, version, 1, "x")


def test_newest_is_last_and_a_backport_of_it_is_not_newer() -> None:
    versions = ["6.12.9-1", "6.12.117-1~deb12u1", "6.12.117-1", "6.12.117-2~bpo12+1"]
    assert [p.version for p in sorted((package(v) for v in reversed(versions)), key=Package.order)] == versions


def test_the_stub_package_gives_way_to_the_one_with_the_image() -> None:
    text = "".join(
        SHOW.format(release="7.0.1+deb13-amd64", version="7.0.1-1", size=1, sha256=kind).replace("image", kind)
        for kind in ("image", "binary")
    )
    assert [p.name for p in parse_packages(text)] == ["linux-binary-7.0.1+deb13-amd64"]


@pytest.mark.parametrize(
    ("prefix", "text", "is_one"),
    [("6.1", "6.1.0-56-amd64", True), ("6.1", "6.12.117", False), ("7", "7.3.4", True), ("6.1", "6.1", True),
     ("6.1.0-5", "6.1.0-56-amd64", False), ("5.10.262", "5.10.262-1", True), ("7", "17.3", False)],
)  # fmt: skip
def test_prefixes_end_at_a_boundary(prefix: str, text: str, is_one: bool) -> None:
    assert is_prefix(prefix, text) is is_one


def test_a_file_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(image("6.9.1-mine"))
    kernel = kernels.find(str(tmp_path / "vmlinuz"), silent)
    assert (kernel.release, kernel.series, kernel.package) == ("6.9.1-mine", "6.9", "")


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 400_000, image()[: 1 << 19], image().replace(b"6.1.0", b"\0\0\0\0\0")]
)
def test_what_is_no_kernel(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vmlinuz").write_bytes(content)
    with pytest.raises(InputError, match="give a vmlinuz"):
        kernels.find(str(tmp_path / "vmlinuz"), silent)


@pytest.mark.parametrize("name", ["six", "", "6..1", "-1", "./absent", "6.1;rm"])
def test_what_is_no_kernel_name(name: str) -> None:
    with pytest.raises(InputError, match="KERNEL"):
        kernels.check_name(name)
