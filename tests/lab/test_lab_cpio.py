"""The initramfs archive: read back by a reader of its own, whatever the order of the entries."""

import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.lab.cpio import archive, character_device, folder, regular

NAMES = st.text("abcdefgh.-_", min_size=1, max_size=9).filter(lambda name: name not in (".", ".."))


def read_back(data: bytes) -> list[tuple[str, int, bytes, tuple[int, int]]]:
    """Read a newc archive: (path, mode, content, device) per member, the trailer left out."""
    found, at = [], 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        n_bytes, n_name = fields[6], fields[11]
        name = data[at + 110 : at + 110 + n_name - 1].decode()
        at += -(-(110 + n_name) // 4) * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return found
        assert fields[5] == 0
        found.append((name, fields[1], data[at : at + n_bytes], (fields[9], fields[10])))
        at += -(-n_bytes // 4) * 4


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=8), st.randoms(use_true_random=False))
def test_files_come_back_and_order_does_not_matter(files: dict[str, bytes], draw: random.Random) -> None:
    entries = {f"lib/{name}": regular(content) for name, content in files.items()}
    shuffled = list(entries.items())
    draw.shuffle(shuffled)
    data = archive(entries)
    assert archive(dict(shuffled)) == data
    found = {name: content for name, mode, content, _ in read_back(data) if stat.S_ISREG(mode)}
    assert found == {f"lib/{name}": content for name, content in files.items()}


def test_folders_come_before_what_is_in_them() -> None:
    names = [name for name, *_ in read_back(archive({"a/b/c": regular(b"x"), "z": folder()}))]
    assert names == ["a", "a/b", "a/b/c", "z"]


def test_devices_and_modes() -> None:
    found = {
        name: (mode, device) for name, mode, _, device in read_back(archive({"dev/console": character_device(5, 1)}))
    }
    assert found["dev/console"] == (stat.S_IFCHR | 0o600, (5, 1))
    assert stat.S_ISDIR(found["dev"][0])
    assert archive({"a": regular(b"", is_executable=True)}) != archive({"a": regular(b"")})


@pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")
def test_cpio_itself_agrees(tmp_path: Path) -> None:
    data = archive({"usr/bin/x": regular(b"12345", is_executable=True), "empty": folder()})
    subprocess.run(["cpio", "-id", "--quiet"], input=data, cwd=tmp_path, check=True)
    assert (tmp_path / "usr/bin/x").read_bytes() == b"12345"
    assert (tmp_path / "empty").is_dir()
