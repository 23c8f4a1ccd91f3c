"""The lab's folder in the user's cache, and files that appear there whole or not at all.

``MMBENCH_CACHE_DIR/lab``, else ``XDG_CACHE_HOME/mmbench/lab``, else ``~/.cache/mmbench/lab``.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mmbench.errors import CannotError, MmbenchError
from mmbench.records.files import write_chunks

CHUNK_BYTES = 1 << 20


def lab_folder(*inside: str) -> Path:
    """Return a folder below the lab's, made if need be."""
    base = os.environ.get("MMBENCH_CACHE_DIR")
    cache = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mmbench"
    folder = cache.joinpath("lab", *inside)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotError(
            f"cannot make the folder {folder}: {error.strerror}. Set MMBENCH_CACHE_DIR to a folder that can be written."
        ) from error
    return folder


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Put ``chunks`` at ``path`` whole or not at all. Raises CannotError."""
    try:
        write_chunks(path, chunks)
    except MmbenchError as error:
        raise CannotError(f"{error} MMBENCH_CACHE_DIR names another place for all of these files.") from error


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
