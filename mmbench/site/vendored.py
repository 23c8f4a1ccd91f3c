"""Third-party files of the site's pages, from their npm packages at fixed versions, each checked against its sha256.

`python -m mmbench.site.vendored` checks the folder; with --fetch it makes the folder again through `npm pack`. To take
another version, change `version` in vendor.json, empty its `integrity` and the `sha256` of its files, fetch, and look
at the difference.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import CannotError, InputError, MmbenchError
from mmbench.records.files import read_json, write_bytes, write_json

FOLDER = Path(__file__).parent / "vendor"
LIST = "vendor.json"
NPM_TIMEOUT_S = 120


@dataclass(frozen=True)
class VendorFile:
    """One file: where it lies below the folder, the last part of the address that it stands for, and its bytes."""

    path: str
    replaces: str
    data: bytes


def verified(folder: Path = FOLDER) -> list[VendorFile]:
    """Return every listed file with its content.

    Raises InputError when one is missing or differs from its sha256, or when a file lies there that no list names.
    """
    files, listed = [], {LIST}
    for package in read_json(folder / LIST):
        for name, entry in package["files"].items():
            path = f"{folder_of(package)}/{name}"
            listed.add(path)
            files.append(VendorFile(path, entry.get("replaces", ""), _checked(folder, path, entry["sha256"])))
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    if found != listed:
        raise InputError(f"{folder}: {', '.join(sorted(found - listed))}: not in {LIST}; remove it, or list it there.")
    return files


def path_of(name: str, file: str, folder: Path = FOLDER) -> str:
    """Where a package's file lies below the folder, its version included."""
    package = next(p for p in read_json(folder / LIST) if p["name"] == name)
    return f"{folder_of(package)}/{file}"


def folder_of(package: dict[str, Any]) -> str:
    """Name and version, as the folder is called."""
    return f"{package['name']}-{package['version']}"


def _checked(folder: Path, path: str, sha256: str) -> bytes:
    try:
        data = (folder / path).read_bytes()
    except OSError as error:
        raise InputError(f"{folder / path}: {error.strerror}; make the folder again with --fetch.") from None
    if (is_now := hashlib.sha256(data).hexdigest()) != sha256:
        raise InputError(f"{folder / path} has sha256 {is_now}; {LIST} allows {sha256}: make it again with --fetch.")
    return data


def fetch(folder: Path = FOLDER) -> list[str]:
    """Make the folder again from the npm packages that the list names; return the files whose sha256 was filled in.

    Raises CannotError when npm cannot be run or fails, InputError when a package no longer holds what the list says.
    """
    packages, filled = read_json(folder / LIST), []
    for package in packages:
        archive = pack(f"{package['name']}@{package['version']}")
        _check_package(package, archive)
        content = unpacked(archive)
        for name, entry in package["files"].items():
            target = folder / folder_of(package) / name
            # A package without a licence file: ours repeats what its package.json and source declare.
            data = content.get(entry["from"]) if entry["from"] else target.read_bytes()
            if data is None:
                raise InputError(f"npm package {folder_of(package)} has no file {entry['from']!r}.")
            digest = hashlib.sha256(data).hexdigest()
            if entry["sha256"] and digest != entry["sha256"]:
                raise InputError(f"{folder_of(package)}/{name}: npm gives sha256 {digest}, {LIST} {entry['sha256']}.")
            if not entry["sha256"]:
                filled.append(f"{folder_of(package)}/{name}")
            entry["sha256"] = digest
            target.parent.mkdir(exist_ok=True)
            write_bytes(target, data)
    if filled:
        write_json(folder / LIST, packages)
    return filled


def _check_package(package: dict[str, Any], archive: bytes) -> None:
    found, allowed = integrity(archive), package["integrity"]
    if allowed and allowed != found:
        raise InputError(f"npm package {folder_of(package)} has integrity {found}; {LIST} allows {allowed}.")
    package["integrity"] = found


def integrity(archive: bytes) -> str:
    """The hash of a package, as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()


def pack(spec: str) -> bytes:
    """The archive of one npm package at one version. Raises CannotError."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--json", spec]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotError(f"{' '.join(command)}: {error}; npm must be installed and reach its registry.") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CannotError(f"{' '.join(command)} failed: {last}")
        return Path(folder, json.loads(done.stdout)[0]["filename"]).read_bytes()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """Path inside the package -> content, for regular files only; nothing is written to a disk."""
    content = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                content[member.name.partition("/")[2]] = stream.read()
    return content


def main() -> int:
    """Check the folder, or fetch it again."""
    parser = argparse.ArgumentParser(prog="python -m mmbench.site.vendored", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="make the folder again through npm pack")
    args = parser.parse_args()
    try:
        if args.fetch:
            for name in fetch():
                print(f"new checksum: {name}")
        files = verified()
    except MmbenchError as error:
        print(f"mmbench: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{len(files)} files as listed, {sum(len(file.data) for file in files):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
