"""The lines of a log that may matter, with their numbers: streamed in blocks, so that size costs time and no memory.

A block is searched for a few words; only lines with one of them are cut out. A task dump has rows without such words,
so the reader of the lines says while it wants every line.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from os import fstat
from typing import IO, BinaryIO

from mmbench.errors import CannotError, InputError

BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 1 << 16
# Every line that matters holds one; a zone's mlocked stands in a line with its unevictable. A search costs a pass over
# the block, so words that share a rare part are found by it, and then looked at.
WORDS = (
    b"oom_", b"Kill", b"to free ", b"unevictable", b"ainted", b"Linux version ", b"mark_victim",
    b"task_reaping", b"sending SIG", b"exited after ", b"did not exit", b"-- Boot ", b"-- Reboot", b'"MESSAGE":[',
    b"reaped in ", b"not actually ", b"page allocation ",
)  # fmt: skip
SHARED = b"kill"
_SHARING = re.compile(
    rb"oom-kill|oomd kill: |[Kk]illing process |kill failed: |sigkill to |no killable|OOM kill|for killing"
)
_REACH = 16  # bytes around SHARED that tell
SAMPLE_BYTES = 8192
MOST_STRANGE = 0.05
_TEXT_BYTES = bytes(
    [0, 7, 8, 9, 10, 12, 13, 27, *range(32, 127), *range(128, 256)]
)  # NUL: what a crash leaves in a text log
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_REFUSED = {
    b"LPKSHHRH": "is a journal file of systemd; write its text first: journalctl --file FILE -k -o short-iso-precise",
    b"\xff\xfe": "is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 FILE",
    b"\xfe\xff": "is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 FILE",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; unpack it first: zstd -dc FILE | mmbench import -",
    b"PK\x03\x04": "is a zip archive; give the log inside it",
    b"tracing": "is binary data of trace-cmd; write its text first: trace-cmd report FILE",
    b"\x17\x08Dtracing": "is binary data of trace-cmd; write its text first: trace-cmd report FILE",
    b"PERFILE2": "is binary data of perf; write its text first: perf script -i FILE",
}


class LogLines:
    """A log being read. Iterate once; `every_line` may be set while iterating, `on_block` before: it is called for
    every block read, `on_start` with the first.

    n_lines, n_bytes: what was read so far, unpacked; n_nul: lines with NUL bytes, which crashes leave behind
    n_long: lines of more than 64 KiB, left out; cut_short: why the end of a compressed file could not be read, or ""
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.every_line = False
        self.n_lines = self.n_bytes = self.n_nul = self.n_long = 0
        self.cut_short = ""
        self.on_block: Callable[[], None] | None = None
        self.on_start: Callable[[bytes], None] | None = None
        self.raw: BinaryIO | None = None
        self.raw_bytes: int | None = None

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield (line number, text). Raises InputError or CannotError when there is nothing that can be read."""
        with _opened(self.path) as raw:
            self.raw, mode = raw, fstat(raw.fileno()).st_mode
            self.raw_bytes = fstat(raw.fileno()).st_size if stat.S_ISREG(mode) else None
            yield from self._lines(_unpacked(raw, self.path))

    def share_read(self) -> float | None:
        """Part of the file that was read, 0 to 1; None for a pipe."""
        if not self.raw_bytes or self.raw is None or self.raw.closed:
            return None
        return min(1.0, self.raw.tell() / self.raw_bytes)

    def _lines(self, stream: IO[bytes]) -> Iterator[tuple[int, str]]:
        rest, skipping = b"", False
        while block := self._read(stream):
            if self.on_start is not None and not self.n_bytes:
                self.on_start(block)
            self.n_bytes += len(block)
            if self.on_block is not None:
                self.on_block()
            data = rest + block
            end = data.rfind(b"\n") + 1
            if not end and len(data) > LONGEST_LINE_BYTES:
                self.n_long += not skipping
                rest, skipping = b"", True
                continue
            whole, rest = data[:end], data[end:]
            if skipping and end:
                whole, skipping = whole[whole.index(b"\n") + 1 :], False
                self.n_lines += 1
            yield from self._wanted(whole)
        if rest and not skipping:
            yield from self._wanted(rest + b"\n")

    def _read(self, stream: IO[bytes]) -> bytes:
        try:
            return stream.read(BLOCK_BYTES)
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            self.cut_short = "it is cut off" if isinstance(error, EOFError) else f"it is damaged ({error})"
            return b""
        except OSError as error:
            if error.errno is None:  # bz2 says so
                self.cut_short = f"it is damaged ({error})"
                return b""
            raise CannotError(f"cannot read {self.path!r}: {error.strerror}.") from None

    def _wanted(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Lines of `data`, which ends with a line end, that hold a word, or all while every_line is set."""
        starts = _starts(data)
        at, k = 0, 0
        while at < len(data):
            if self.every_line:
                start = at
            else:
                while k < len(starts) and starts[k] < at:
                    k += 1
                if k == len(starts):
                    break
                start = starts[k]
                self.n_lines += data.count(b"\n", at, start)
            end = data.index(b"\n", start)
            self.n_lines += 1
            at = end + 1
            if end - start > LONGEST_LINE_BYTES:
                self.n_long += 1
                continue
            line = data[start:end]
            if b"\x00" in line:
                self.n_nul += 1
                line = line.replace(b"\x00", b"")
            yield self.n_lines, line.decode("utf-8", "backslashreplace").rstrip("\r")
        self.n_lines += data.count(b"\n", at)


def _starts(data: bytes) -> list[int]:
    """Where the lines with a word begin, in order."""
    found = set()
    for word in WORDS:
        at = data.find(word)
        while at >= 0:
            found.add(data.rfind(b"\n", 0, at) + 1)
            end = data.find(b"\n", at)
            at = data.find(word, end) if end >= 0 else -1
    at = data.find(SHARED)
    while at >= 0:
        if _SHARING.search(data, max(0, at - _REACH), at + _REACH):
            found.add(data.rfind(b"\n", 0, at) + 1)
        at = data.find(SHARED, at + len(SHARED))
    return sorted(found)


def _opened(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except PermissionError:
        raise CannotError(
            f"no permission to read {path!r}; run as an account that may, or pipe it: sudo cat LOG | mmbench import -"
        ) from None
    except FileNotFoundError:
        raise InputError(f"no file {path!r}; check the path, or give - for the standard input.") from None
    except IsADirectoryError:
        raise InputError(f"{path!r} is a folder; give a log file inside it.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
            raise CannotError(f"cannot read {path!r}: {error.strerror}.") from None
        raise InputError(f"{path!r} is no path of a file; check it.") from None


def _unpacked(raw: BinaryIO, path: str) -> IO[bytes]:
    """The stream of text inside: unpacked when its first bytes say that it is compressed."""
    first = raw.peek(SAMPLE_BYTES)[:SAMPLE_BYTES] if isinstance(raw, BufferedReader) else b""
    for magic, why in _REFUSED.items():
        if first.startswith(magic):
            raise InputError(f"{path!r} {why}.")
    for magic, opener in _OPENERS.items():
        if first.startswith(magic):
            return opener(raw)  # type: ignore[operator,no-any-return]
    strange = len(first.translate(None, _TEXT_BYTES))
    if strange > MOST_STRANGE * len(first):
        raise InputError(
            f"{path!r} is binary: {strange} of its first {len(first)} bytes are control characters. "
            "Give the text that dmesg or journalctl prints, plain or compressed by gzip, bzip2 or xz."
        )
    return raw
