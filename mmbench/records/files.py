"""A file appears whole or not at all: written beside its place under another name, then renamed over it."""

from __future__ import annotations

import errno
import gzip
import json
import os
import secrets
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mmbench.errors import CannotError, InputError, MmbenchError

PATH_ERRORS = {
    errno.ENOENT: "its folder does not exist; create it first, or give another path",
    errno.ENOTDIR: "a part of the path is a file, not a folder; give another path",
    errno.EISDIR: "it is a folder; add a file name",
    errno.EACCES: "permission denied; give a path that this account may write",
    errno.EPERM: "permission denied; give a path that this account may write",
    errno.EROFS: "the file system is read-only; give another path",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
    errno.ELOOP: "its symbolic links go in a circle; give another path",
}


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text` (UTF-8) at `path` in one step: readers see the old file or the whole new one.

    A name that ends with .gz gets it zipped. A symbolic link is followed, so that the file it names is replaced and the
    link stays. New files get the umask's permissions. Raises InputError when the path cannot be written (no folder, no
    permission, a folder, a device) and CannotError when the machine cannot (disk full); in both cases nothing is left
    behind.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"cannot write {os.fspath(path)!r}: character {error.start} is no Unicode text.") from None
    write_bytes(path, gzip.compress(data, mtime=0) if os.fspath(path).endswith(".gz") else data)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` at `path` in one step; errors as write_text."""
    write_chunks(path, [data])


def write_chunks(path: str | os.PathLike[str], chunks: Iterable[bytes]) -> None:
    """Put `chunks`, one after another, at `path` in one step: the one writer of this package; errors as write_text."""
    unfinished = None
    try:
        target = _regular_target(path)
        unfinished = target.with_name(f".mmbench-{secrets.token_hex(8)}.tmp")
        with open(unfinished, "xb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, target)
    except (OSError, ValueError) as error:
        raise _why_not(path, error) from None
    finally:
        # After the rename there is nothing to remove; after any failure, an interrupt included, there may be.
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink()


def _regular_target(path: str | os.PathLike[str]) -> Path:
    """Return the file that `path` means, links followed; a rename must never replace a device or a pipe."""
    if not os.fspath(path):
        raise InputError("cannot write to an empty path; give a file name.")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "")
    if target.exists() and not target.is_file():
        raise InputError(f"cannot write {os.fspath(path)!r}: it is a device or a pipe; give the name of a file.")
    return target


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON with a final newline, in one step; errors as write_text.

    The order of names is kept. NaN, infinities and anything that JSON has no word for raise InputError before the
    file is touched.
    """
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return `value` as the JSON text that write_json puts into a file."""
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        allowed = "objects, lists, text, finite numbers"
        raise InputError(f"cannot be written as JSON: {error}; allowed: {allowed}.") from None


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a UTF-8 file, unzipped if its name says .gz; InputError says why it cannot be read."""
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
        return (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"no file {name!r}; check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{name!r} is a folder; give a file inside it.") from None
    except PermissionError:
        raise InputError(f"no permission to read {name!r}; give a file that this account may read.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name!r} is not UTF-8 text (byte {error.start}); give a text file.") from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {name!r}: {_reason(error)}.") from None


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the value in a JSON file; raises InputError with line and column when it is no JSON.

    NaN and Infinity, which Python would accept, are refused: no other reader of the file would take them.
    """
    return parse_json(read_text(path), repr(os.fspath(path)))


def parse_json(text: str, where: str) -> Any:
    """Return the value of a JSON text; raises InputError as read_json. where: what a message calls the text."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError:  # all that is left: a number with more digits than Python reads
        raise InputError(f"{where} is not JSON that can be read: a number has more than 4,300 digits.") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be one of our files.") from None
    except InputError as error:
        raise InputError(f"{where} {error}") from None


def _no_constant(word: str) -> NoReturn:
    raise InputError(f"contains {word}, which is not JSON; allowed: finite numbers and null.")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _why_not(path: str | os.PathLike[str], error: OSError | ValueError) -> MmbenchError:
    name = os.fspath(path)
    if isinstance(error, ValueError):
        return InputError(f"cannot write {name!r}: {error}; give another path.")
    if error.errno in PATH_ERRORS:
        return InputError(f"cannot write {name!r}: {PATH_ERRORS[error.errno]}.")
    return CannotError(f"cannot write {name!r}: {_reason(error)}; free space there or choose another disk.")
