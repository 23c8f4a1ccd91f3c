"""A private apt: the machine's archive and keys, other suites, own state and cache; nothing is ever installed.

The machine's hooks are left out, its network settings (Acquire) are kept. Kernels are in ``linux-binary-*`` since 6.19
and in ``linux-image-*`` before.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import CannotError
from mmbench.lab.sources import Archive, find_archive, private_stanza, read_sources
from mmbench.lab.store import lab_folder, sha256_of, write_whole

TOOLS = ("apt-get", "apt-cache", "apt-config", "dpkg-deb")
# Small lists first: what every stable release gets newest is in its security suite, and backports has a ladder of
# kernels. The second row is ten times larger and rarely needed.
MAIN_SUITES = (("trixie-backports",), ("trixie", "bookworm", "bullseye", "sid"))
SECURITY_SUITES = (("trixie-security", "bookworm-security", "bullseye-security"), ())
_NAME = re.compile(r"^linux-(?P<kind>binary|image)-(?P<release>\d+\.\d+\.\d+[\w.+~-]*-amd64)$")
_FLAVOURS = ("-cloud-", "-rt-", "-dbg", "-unsigned")
UPDATE_TIMEOUT_S, DOWNLOAD_TIMEOUT_S = 300, 1200

Say = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """One kernel package: ``release`` is what uname -r will say; size in bytes and SHA-256 from the signed index."""

    name: str
    release: str
    version: str
    size_bytes: int
    sha256: str

    def order(self) -> tuple[list[int], bool, bool]:
        """Sort key: newest version last, after its own backports (their versions have a tilde)."""
        upstream, _, suffix = self.version.partition("~")
        return [int(n) for n in re.findall(r"\d+", upstream)], not suffix, self.name.startswith("linux-binary-")

    def matches(self, prefix: str) -> bool:
        """True when ``prefix`` is a prefix of the release or of the package's version, at a boundary."""
        return any(is_prefix(prefix, text) for text in (self.release, self.version))


@dataclass(frozen=True)
class Wanted:
    """Any other package: its version, size in bytes and SHA-256 from the signed index, and what it depends on."""

    name: str
    version: str
    size_bytes: int
    sha256: str
    depends: str


def is_prefix(prefix: str, text: str) -> bool:
    """True for "6.1" of "6.1.0-56-amd64", false for "6.1" of "6.12.117"."""
    return text.startswith(prefix) and (len(text) == len(prefix) or not text[len(prefix)].isdigit())


class PrivateApt:
    """Runs apt with folders of its own. Raises CannotError where there is no apt, or none set up for Debian."""

    def __init__(self) -> None:
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            raise CannotError(
                f"{', '.join(missing)} not found: kernels are fetched through apt, which this machine lacks. Give a "
                "path to a vmlinuz instead (mmbench lab run ./vmlinuz-6.1)."
            )
        self.folder = lab_folder("apt")
        for inside in ("state/lists/partial", "cache/archives/partial", "sources", "none", "debs"):
            (self.folder / inside).mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / "status", [])
        self.archive = self._machines_archive()
        write_whole(self.folder / "apt.conf", [self._configuration().encode()])

    def update(self, tier: int) -> None:
        """Get the package lists of a tier of suites, and of those before. Failures of single suites show up later."""
        self.update_suites(sum(MAIN_SUITES[: tier + 1], ()), sum(SECURITY_SUITES[: tier + 1], ()))

    def update_suites(self, main: tuple[str, ...], security: tuple[str, ...] = ()) -> None:
        """Get the package lists of these suites, and of no others."""
        stanzas = [private_stanza(self.archive.main, main)]
        if self.archive.security is not None and security:
            stanzas.append(private_stanza(self.archive.security, security))
        write_whole(self.folder / "sources" / "lab.sources", ["\n".join(stanzas).encode()])
        done = self._run(["apt-get", "update", "-q"], UPDATE_TIMEOUT_S)
        self.complaint = _last_error(done.stderr) if done.returncode or "E:" in done.stderr else ""

    def names(self, prefix: str) -> list[str]:
        """Return the names of all packages known now that begin so."""
        return self._run(["apt-cache", "pkgnames", prefix], 60).stdout.split()

    def show(self, name: str, version: str = "") -> Wanted | None:
        """Return a package of a version, else the newest; None when the archive has it no more."""
        asked = f"{name}={version}" if version else name
        return parse_wanted(self._run(["apt-cache", "show", "--no-all-versions", asked], 60).stdout)

    def packages(self) -> list[Package]:
        """Return every kernel package known now, oldest first."""
        names = self.names("linux-binary-") + self.names("linux-image-")
        wanted = sorted({n for n in names if _NAME.match(n) and not any(flavour in n for flavour in _FLAVOURS)})
        if not wanted:
            return []
        return sorted(parse_packages(self._run(["apt-cache", "show", *wanted], 60).stdout), key=Package.order)

    def find(self, prefix: str, say: Say) -> Package:
        """Return the newest package whose version begins so. Raises CannotError when the archive has none."""
        known: list[Package] = []
        for tier in range(len(MAIN_SUITES)):
            say(f"asking the archive for kernels {prefix} ({'all suites' if tier else 'security and backports'})")
            self.update(tier)
            known = self.packages()
            found = [package for package in known if package.matches(prefix)]
            if found:
                return found[-1]
        series = sorted(
            {".".join(p.release.split(".")[:2]) for p in known}, key=lambda s: [int(n) for n in s.split(".")]
        )
        why = f" apt said: {self.complaint}." if self.complaint else ""
        raise CannotError(
            f"the archive has no kernel {prefix!r};{why} it has {', '.join(series) or 'none at all'}. Give one of "
            "them, or a path to a vmlinuz."
        )

    def download(self, package: Package | Wanted) -> Path:
        """Return the verified .deb, fetched if it is not there whole; an interrupted download begins anew."""
        folder = self.folder / "debs"
        for old in folder.glob(f"{package.name}_*.deb"):
            if old.stat().st_size == package.size_bytes and sha256_of(old) == package.sha256:
                return old
            old.unlink()
        done = self._run(["apt-get", "download", "-q", f"{package.name}={package.version}"], DOWNLOAD_TIMEOUT_S, folder)
        found = list(folder.glob(f"{package.name}_*.deb"))
        if done.returncode or not found:
            raise CannotError(
                f"apt could not download {package.name} {package.version}: {_last_error(done.stderr)}. Try again."
            )
        check_deb(found[0], package)
        return found[0]

    def _run(
        self, command: list[str], timeout_s: float, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        try:
            return subprocess.run(
                command, capture_output=True, text=True, env=environment, cwd=folder, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CannotError(
                f"{' '.join(command[:2])} took over {timeout_s:.0f} s; is the network up? Try again."
            ) from error

    def _machines_archive(self) -> Archive:
        ask = ["apt-config", "shell", "FILE", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]
        said = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=False).stdout
        paths = dict(line.partition("=")[::2] for line in said.splitlines())
        file, parts = (Path(paths.get(name, "''").strip("'") or "/nonexistent") for name in ("FILE", "PARTS"))
        return find_archive(read_sources(file, parts), _codename())

    def _configuration(self) -> str:
        """The machine's network settings, our folders, no hooks; root's cache is closed to apt's sandbox user."""
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=60, check=False).stdout
        lines = [line for line in dump.splitlines() if line.startswith("Acquire")]
        folder = self.folder
        lines += [
            f'Dir::State "{folder}/state";',
            f'Dir::State::status "{folder}/status";',
            f'Dir::Cache "{folder}/cache";',
            f'Dir::Etc::main "{folder}/status";',
            f'Dir::Etc::parts "{folder}/none";',
            f'Dir::Etc::sourcelist "{folder}/status";',
            f'Dir::Etc::sourceparts "{folder}/sources";',
            'APT::Architecture "amd64";',
            'APT::Architectures { "amd64"; };',
            'APT::Sandbox::User "root";',
        ]
        return "\n".join(lines) + "\n"


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """What apt-cache show prints; a stanza without a checksum (no archive has it any more) is left out."""
    for stanza in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in stanza.splitlines() if line[:1] not in ("", " "))
        if {"Package", "Version", "Size", "SHA256"} <= set(fields):
            yield fields


def parse_wanted(text: str) -> Wanted | None:
    """Parse the first package that apt-cache show prints."""
    for fields in _stanzas(text):
        name, version, size, sha256 = (fields[key] for key in ("Package", "Version", "Size", "SHA256"))
        return Wanted(name, version, int(size), sha256, fields.get("Depends", ""))
    return None


def parse_packages(text: str) -> list[Package]:
    """Parse the kernel packages that apt-cache show prints."""
    found = []
    for fields in _stanzas(text):
        match = _NAME.match(fields["Package"])
        if match:
            size, sha256 = int(fields["Size"]), fields["SHA256"]
            found.append(Package(fields["Package"], match["release"], fields["Version"], size, sha256))
    binaries = {p.release for p in found if p.name.startswith("linux-binary-")}
    return [p for p in found if p.name.startswith("linux-binary-") or p.release not in binaries]


def check_deb(path: Path, package: Package | Wanted) -> None:
    """Raise CannotError, and remove the file, when it is not what the signed index says."""
    size, sha256 = path.stat().st_size, sha256_of(path)
    if (size, sha256) != (package.size_bytes, package.sha256):
        path.unlink()
        raise CannotError(
            f"{path.name} has {size:,} bytes and SHA-256 {sha256[:16]}..., the signed index says "
            f"{package.size_bytes:,} and {package.sha256[:16]}...; it was removed. Try again."
        )


def _codename() -> str:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    match = re.search(r'^VERSION_CODENAME="?([\w-]+)', text, re.MULTILINE)
    return match[1] if match else ""


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("E: ").rstrip(".")
