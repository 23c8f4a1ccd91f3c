"""What is in the wheel: code, data and licence, and nothing of the tests."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("mmbench", "pyproject.toml", "README.md", "LICENSE")


def built(folder: Path) -> Path:
    """The wheel, built from a copy of the sources: setuptools writes beside them."""
    for name in PARTS:
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, folder / "source")
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "-w", folder]
    subprocess.run([*command, folder / "source"], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(built(tmp_path_factory.mktemp("wheel")))


def test_every_source_and_every_data_file_is_in_it(wheel: zipfile.ZipFile) -> None:
    tracked = ["git", "-C", ROOT, "ls-files", "mmbench"]
    done = subprocess.run(tracked, capture_output=True, text=True, check=True)
    wanted = {name for name in done.stdout.splitlines() if (ROOT / name).exists()}
    assert wanted and not {name for name in wanted - set(wheel.namelist()) if not name.endswith(".md")}


def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"mmbench"}


def test_it_names_its_licence_and_its_pythons(wheel: zipfile.ZipFile) -> None:
    (about,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(wheel.read(about))
    assert metadata["License-Expression"] == "MIT" and metadata.get_all("License-File") == ["LICENSE"]
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())
    named = {line.rpartition(" ")[2] for line in metadata.get_all("Classifier", []) if ":: Python ::" in line}
    assert named == {"3.11", "3.12", "3.13", "3.14"}
    finder = (ROOT / "tools" / "find-python.sh").read_text()
    assert all(f"python{version}" in finder for version in named)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11,<3.15"
