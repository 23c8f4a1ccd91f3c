"""The victim file: one VMA per line, readable by people, and complete or refused.

    mmbench-victim 1
    name: tiny
    source: drawn by hand
    start pages flags kind resident huge order elsewhere runs
    0x55b9584de 32 - file 20 0 0 20 0+16,28+4
    0x7f0000000 1024 locked anon 1024 2 0 0 -
    end 2

The header is `key: value` lines; `name` and `source` are required, every other key is a fact.
`start` is a page number in hexadecimal (address >> 12); `flags` and `runs` are comma lists or `-`.
The last line counts the VMAs, so a truncated file is never taken for a small one.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

import numpy as np

from mmbench.errors import CannotError, InputError
from mmbench.model.layout import KIND_NAMES, VM_FLAG_NAMES, VmaTable, check_vma_table, vma_table
from mmbench.records.files import write_text
from mmbench.victims.runs import check_runs, format_runs, parse_runs
from mmbench.victims.victim import MAX_VMAS, Victim

VERSION = 1
MAGIC = "mmbench-victim"
COLUMNS = ("start", "pages", "flags", "kind", "resident", "huge", "order", "elsewhere", "runs")
_NUMBERS = ("pages", "resident", "huge", "order", "elsewhere")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_HEX = re.compile(r"0x[0-9a-f]{1,12}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,12}", re.ASCII)
_ROW = re.compile(
    r"0x([0-9a-f]{1,12}) (\d{1,12}) (\S+) (" + "|".join(KIND_NAMES) + r") " + r"(\d{1,12}) " * 4 + r"(\S+)", re.ASCII
)
_MAX_LINE = 1 << 20
_NO_SUCH_FILE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
_ALL_FLAGS = sum(VM_FLAG_NAMES.values())


def write_victim(victim: Victim, path: str | os.PathLike[str]) -> None:
    """Write `victim` to `path`, whole or not at all.

    Raises InputError for a victim that no file can hold, and what records.files.write_text raises.
    """
    write_text(path, "".join(_lines(victim)))


def read_victim(path: str | os.PathLike[str]) -> Victim:
    """Read a victim file, line by line, and check every field.

    Raises InputError naming the path, the line, the field, what was found and what is allowed;
    CannotError when the file exists but may not be read.
    """
    if "\0" in str(path):
        raise InputError(f"{str(path)!r} is not a path: it holds a NUL. Give the path of a victim file.")
    try:
        with open(path, "rb") as file:
            return _Reader(str(path), _numbered(str(path), file)).victim()
    except OSError as error:
        if error.errno in _NO_SUCH_FILE:
            raise InputError(f"{path}: {error.strerror}. Give the path of a victim file.") from error
        raise CannotError(f"cannot read {path}: {error.strerror}.") from error


def _lines(victim: Victim) -> Iterator[str]:
    check_vma_table(victim.vmas)
    check_runs(victim.vmas)
    yield f"{MAGIC} {VERSION}\n"
    yield from _header_lines(victim)
    yield " ".join(COLUMNS) + "\n"
    yield from _row_lines(victim.vmas)
    yield f"end {victim.vmas.n_vmas}\n"


def _header_lines(victim: Victim) -> Iterator[str]:
    seen: set[str] = set()
    for key, value in (("name", victim.name), ("source", victim.source), *victim.facts.items()):
        if _KEY.fullmatch(key) is None or not _good_value(value):
            raise InputError(f"victim fact {key!r}: {value!r} cannot be written; allowed: one printable line.")
        if key in seen:
            raise InputError(f"victim fact {key!r} is given twice; allowed: every key once.")
        seen.add(key)
        yield f"{key}: {value}\n"


def _row_lines(table: VmaTable) -> Iterator[str]:
    strange = (table.flags & ~_ALL_FLAGS) != 0
    if strange.any():
        i = int(np.argmax(strange))
        raise InputError(f"VMA {i}, flags {int(table.flags[i]):#x}: a file holds {', '.join(VM_FLAG_NAMES)}.")
    names = {int(flags): _flag_names(int(flags)) for flags in np.unique(table.flags)}
    columns = (getattr(table, name).tolist() for name in COLUMNS[:-1])
    for i, (start, pages, flags, kind, resident, huge, order, elsewhere) in enumerate(zip(*columns, strict=True)):
        runs = format_runs(table.runs[i]) if i in table.runs else "-"
        yield f"{start:#x} {pages} {names[flags]} {KIND_NAMES[kind]} {resident} {huge} {order} {elsewhere} {runs}\n"


def _flag_names(flags: int) -> str:
    return ",".join(name for name, bit in VM_FLAG_NAMES.items() if flags & bit) or "-"


def _good_value(value: str) -> bool:
    return 0 < len(value) <= 1000 and value.isprintable() and value == value.strip()


def _numbered(path: str, file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end); refuse bytes that are not text and endless lines."""
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise InputError(f"{path}, line {number}: longer than {_MAX_LINE} bytes; this is not a victim file.")
        try:
            yield number, line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise InputError(f"{path}, line {number}: found bytes that are not UTF-8 text.") from None


class _Reader:
    """Reads one file; `line` is where we are, for the error messages."""

    def __init__(self, path: str, lines: Iterator[tuple[int, str]]) -> None:
        self.path = path
        self.lines = lines
        self.line = 0

    def victim(self) -> Victim:
        self._magic()
        header = self._header()
        name, source = header.pop("name"), header.pop("source")
        first = self.line + 1
        columns, runs = self._rows()
        try:
            table = vma_table(columns, runs)
            check_runs(table)
        except InputError as error:
            vma = re.match(r"VMA (\d+)", str(error))
            self.line = first + int(vma[1]) if vma else self.line
            raise InputError(f"{self.path}, line {self.line}: {error}") from None
        return Victim(name, table, source, header)

    def _next(self, expected: str) -> str:
        try:
            self.line, text = next(self.lines)
        except StopIteration:
            raise InputError(
                f"{self.path}, line {self.line + 1}: the file ends here, but {expected} should follow; "
                "it was truncated. Record or copy it again."
            ) from None
        return text

    def _bad(self, field: str, found: str, allowed: str) -> NoReturn:
        shown = found if len(found) <= 60 else found[:57] + "..."
        raise InputError(f"{self.path}, line {self.line}, {field}: found {shown!r}; allowed: {allowed}.")

    def _magic(self) -> None:
        first = self._next(f"'{MAGIC} {VERSION}'")
        word, _, version = first.partition(" ")
        if word != MAGIC or _DECIMAL.fullmatch(version) is None:
            self._bad("first line", first, f"'{MAGIC} {VERSION}', the mark of a victim file")
        if int(version) != VERSION:
            self._bad("version", version, f"{VERSION}, the one this mmbench reads; record it again or update mmbench")

    def _header(self) -> dict[str, str]:
        header: dict[str, str] = {}
        heading = " ".join(COLUMNS)
        while (line := self._next("the header and the column heading")) != heading:
            key, colon, value = line.partition(":")
            value = value.strip()
            if not colon or _KEY.fullmatch(key) is None:
                self._bad("header", line, f"'key: value' lines, then '{heading}'")
            if key in header:
                self._bad("header", key, "every key once")
            if not _good_value(value):
                self._bad(f"header {key}", value, "1 to 1000 printable characters")
            header[key] = value
        for key in ("name", "source"):
            if key not in header:
                self._bad("header", "no " + key, f"a header with '{key}: ...'")
        return header

    def _rows(self) -> tuple[dict[str, object], dict[int, np.ndarray]]:
        rows: list[tuple[int, ...]] = []
        runs: dict[int, np.ndarray] = {}
        flags = {"-": 0}
        while not (line := self._next("a VMA or 'end N'")).startswith("end"):
            if len(rows) == MAX_VMAS:
                self._bad("VMAs", "one more", f"at most {MAX_VMAS}")
            match = _ROW.fullmatch(line) or self._bad_row(line)
            start, pages, flag_names, kind, resident, huge, order, elsewhere, run_list = match.groups()
            if flag_names not in flags:
                flags[flag_names] = self._flags(flag_names)
            if run_list != "-":
                runs[len(rows)] = self._runs(run_list)
            rows.append(
                (
                    int(start, 16),
                    int(pages),
                    flags[flag_names],
                    KIND_NAMES.index(kind),
                    int(resident),
                    int(huge),
                    int(order),
                    int(elsewhere),
                )
            )
        self._end(line, len(rows))
        values = np.array(rows, dtype=np.int64).reshape(len(rows), len(COLUMNS) - 1)
        return dict(zip(COLUMNS[:-1], values.T, strict=True)), runs

    def _bad_row(self, line: str) -> NoReturn:
        """Raise for a line that is no VMA, naming the first field that is wrong."""
        fields = line.split(" ")
        if len(fields) != len(COLUMNS):
            self._bad("VMA", line, f"{len(COLUMNS)} fields with single spaces: {' '.join(COLUMNS)}")
        named = dict(zip(COLUMNS, fields, strict=True))
        if _HEX.fullmatch(named["start"]) is None:
            self._bad("start", named["start"], "a page number in hexadecimal, like 0x7f0000000")
        if named["kind"] not in KIND_NAMES:
            self._bad("kind", named["kind"], ", ".join(KIND_NAMES))
        for name in _NUMBERS:
            if _DECIMAL.fullmatch(named[name]) is None:
                self._bad(name, named[name], "a whole number of at most 12 digits")
        self._bad("VMA", line, "printable fields without other blanks")

    def _flags(self, text: str) -> int:
        names = text.split(",")
        if len(set(names)) != len(names) or not set(names) <= set(VM_FLAG_NAMES):
            self._bad("flags", text, f"- or a comma list of {', '.join(VM_FLAG_NAMES)}, each once")
        return sum(VM_FLAG_NAMES[name] for name in names)

    def _runs(self, text: str) -> np.ndarray:
        try:
            return parse_runs(text)
        except InputError as error:
            raise InputError(f"{self.path}, line {self.line}, runs: {error}") from None

    def _end(self, line: str, n_vmas: int) -> None:
        if line != f"end {n_vmas}":
            self._bad("end", line, f"'end {n_vmas}', because {n_vmas} VMAs were read; a truncated or edited file")
        for number, text in self.lines:
            self.line = number
            self._bad("after the end", text, "nothing")
