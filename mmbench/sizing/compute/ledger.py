"""A folder on disk that keeps the finished chunks of one study, so that an interrupted study resumes.

study.json names the study by a digest of its inputs and of the code that computes it; chunk-00000007.npz is one chunk,
written beside its place and renamed. Whatever cannot be read whole is computed again; nothing is ever appended to.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from mmbench.errors import CannotError, InputError
from mmbench.records.files import read_json, write_bytes, write_json
from mmbench.sizing.compute.work import Work

FORMAT = "mmbench study ledger 1"
HEADER = "study.json"
PLAIN = (bool, int, float, complex, str, bytes, Fraction, PurePath, np.generic)
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True)
class Ledger:
    """The chunks of one study."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, work: Work) -> Ledger:
        """The ledger of `work` in `folder`, begun when there is none.

        Raises InputError, and touches nothing, when the folder holds another study's ledger or other files; and
        InputError or CannotError when it cannot be made.
        """
        try:
            names = {path.name for path in folder.iterdir() if not path.name.startswith(".mmbench-")}
        except FileNotFoundError:
            names = set()
        except OSError as error:
            raise InputError(f"--ledger {str(folder)!r} is no folder to use: {error.strerror}; give another.") from None
        if not names:
            begin(folder, digest(work), str(getattr(work.study, "name", "")))
        else:
            check(folder, digest(work), HEADER in names)
        return cls(folder)

    def path(self, chunk: int) -> Path:
        """Where a chunk is kept."""
        return self.folder / f"chunk-{chunk:08}.npz"

    def read(self, chunk: int) -> dict[str, np.ndarray] | None:
        """A finished chunk; None when it is missing, truncated or damaged (zip members have checksums)."""
        try:
            with np.load(io.BytesIO(self.path(chunk).read_bytes()), allow_pickle=False) as entry:
                found = {name: entry[name] for name in entry.files}
        except UNREADABLE:
            return None
        is_ours = found and all(array.dtype == np.int64 for array in found.values())
        return found if is_ours else None

    def write(self, chunk: int, counts: dict[str, np.ndarray]) -> None:
        """Keep a finished chunk. Raises InputError or CannotError when it cannot be written."""
        stream, arrays = io.BytesIO(), dict[str, Any](counts)
        np.savez_compressed(stream, **arrays)
        write_bytes(self.path(chunk), stream.getvalue())


def begin(folder: Path, key: str, name: str) -> None:
    """Make the folder and its header."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotError(f"cannot make the ledger {str(folder)!r}: {error.strerror}; give another folder.") from None
    write_json(folder / HEADER, {"format": FORMAT, "digest": key, "study": name})


def check(folder: Path, key: str, has_header: bool) -> None:
    """Raise InputError unless the folder is the ledger of the study with this key."""
    if not has_header:
        raise InputError(f"--ledger {str(folder)!r} holds files, but no {HEADER}: it is no ledger. Give a new folder.")
    header = read_json(folder / HEADER)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{str(folder / HEADER)!r} is not of a ledger that this version reads. Give a new folder.")
    if header.get("digest") != key:
        raise InputError(
            f"--ledger {str(folder)!r} is of another study ({header.get('study') or 'without a name'}), or of another "
            "version of mmbench: its laws, victims, strategy, costs, seed, chunks or code differ. It was not touched. "
            "Repeat the command that began it, or give a new folder."
        )


def digest(work: Work) -> str:
    """A hash of what is computed from and of what computes it, the same in every process and on every machine."""
    return digest_of(code_hash(), work.chunk_function, work.study)


def digest_of(*values: Any) -> str:
    """A hash of values, the same in every process and on every machine. Raises TypeError like pieces."""
    found = hashlib.blake2b(digest_size=16)
    for value in values:
        for piece in pieces(value):
            found.update(len(piece).to_bytes(8, "little") + piece)
    return found.hexdigest()


def code_hash() -> str:
    """Hash of all sources that a chunk may run: compiled code and the whole of mmbench.sizing."""
    from mmbench.codecache import source_hash

    found = hashlib.blake2b(source_hash().encode(), digest_size=16)
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def pieces(value: Any) -> Iterator[bytes]:
    """A value as bytes that tell it from every other one. Raises TypeError for kinds of values that have none."""
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, PLAIN):
        yield repr(value).encode()
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("arrays of Python objects have no digest")
        yield f"{value.dtype.str} {value.shape}".encode()
        yield value.tobytes()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from pieces({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    elif isinstance(value, partial):
        yield from pieces([value.func, value.args, value.keywords])
    elif callable(value) and hasattr(value, "__qualname__"):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    elif isinstance(value, tuple | list):
        yield str(len(value)).encode()
        for item in value:
            yield from pieces(item)
    elif isinstance(value, dict):
        yield str(len(value)).encode()
        for name in sorted(value, key=repr):
            yield from pieces(name)
            yield from pieces(value[name])
    else:
        raise TypeError(f"a {type(value).__name__} has no digest")
