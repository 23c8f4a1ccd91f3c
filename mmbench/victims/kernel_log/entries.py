"""Logs that take several lines for one record, put together again: pretty JSON, and the journal's export and verbose.

{ "dmesg": [ { "pri": 3, "time": 100.0, "msg": "..." } ] }      dmesg --json, journalctl -o json-pretty, exports
__REALTIME_TIMESTAMP=...  MESSAGE=...                           journalctl -o export, and indented -o verbose
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mmbench.records.schema import Raw

MAX_CHARS = 1 << 18  # of one record; longer ones are counted and left out
MAX_DEPTH = 32
_VERBOSE = re.compile(rb"(?:-- [^\n]*\n)?[^\n]* \[s=[0-9a-f]+;i=")
_FIELD = re.compile(r"\s*([A-Z_][A-Z0-9_]*)(?:=(.*))?$", re.DOTALL)
_HEAD = re.compile(r"(.*) \[s=[0-9a-f]+;i=")
Numbered = tuple[int, Raw]


def entries_of(start: bytes) -> JsonEntries | FieldEntries | None:
    """What puts the records together of a log with these first bytes; None when every line is a record."""
    text = start.lstrip()
    first = text.partition(b"\n")[0].strip()
    if first in (b"{", b"[", b"[{", b"[ {") and b"\n" in text:
        return JsonEntries()
    if start.startswith(b"__CURSOR=") or _VERBOSE.match(start):
        return FieldEntries()
    return None


class JsonEntries:
    """Objects over many lines. One that stands in a list is a record of its own, and no part of what the list is in.

    A line opens and closes as its first and last characters say, as every pretty printer writes them. What turns out to
    be no JSON is handed on as text. n_lost: records that were too long.
    """

    def __init__(self) -> None:
        self.n_lost = 0
        self._open: list[tuple[str, list[str], int]] = []  # bracket, lines, number of the first

    def feed(self, number: int, line: str) -> Iterator[Numbered]:
        """Yield the records that this line completes."""
        text = line.strip()
        while text[:1] in ("}", "]") and self._open:
            bare = text[1:].lstrip()
            comma = bare[:1] if bare.startswith(",") else ""
            yield from self._close(text[0], comma)
            text = bare[len(comma) :].lstrip()
        if not text:
            return
        if text[-1] in "{[" and len(self._open) < MAX_DEPTH:
            brackets = text[len(text.rstrip("{[ ")) :].replace(" ", "")
            if self._open:
                self._open[-1][1].append(text[: -len(brackets)].rstrip(" {["))
            self._open += [(bracket, [bracket], number) for bracket in brackets]
        elif not self._open or (self._open[-1][0] == "[" and text.startswith("{")):
            yield number, _loaded(text.rstrip(","))
        else:
            self._open[-1][1].append(text)

    def _close(self, bracket: str, comma: str) -> Iterator[Numbered]:
        opened, lines, number = self._open.pop()
        text = "\n".join([*lines, bracket])
        if len(text) > MAX_CHARS:
            self.n_lost += 1
            text = "null"
        if opened == "{" and (not self._open or self._open[-1][0] == "["):
            yield number, _loaded(text)
        elif self._open:
            self._open[-1][1].append(text + comma)

    def end(self) -> Iterator[Numbered]:
        """Yield what the end of the log cut off, as text."""
        for _, lines, number in self._open:
            yield number, _loaded("\n".join(lines))


class FieldEntries:
    """Records of NAME=value lines, apart by empty lines, or by lines that are no fields and not indented."""

    def __init__(self) -> None:
        self.n_lost = 0
        self._fields: Raw = {}
        self._number = 0
        self._last = ""
        self._is_binary = False

    def feed(self, number: int, line: str) -> Iterator[Numbered]:
        """Yield the record that ends before this line."""
        field = _FIELD.match(line)
        if field is not None:
            self._last, self._is_binary = field[1], field[2] is None
            self._fields[field[1]] = field[2] or ""
            self._number = number if field[1] == "MESSAGE" or not self._number else self._number
        elif not line.strip() or not (line[0].isspace() or self._is_binary):
            yield from self.end()
            if head := _HEAD.match(line):
                self._fields["timestamp"] = head[1]
        elif self._last and len(self._fields[self._last]) < MAX_CHARS:
            self._fields[self._last] += "\n" + line.strip("".join(map(chr, range(33))))

    def end(self) -> Iterator[Numbered]:
        """Yield the last record."""
        if self._fields:
            yield self._number, self._fields
        self._fields, self._number, self._last, self._is_binary = {}, 0, "", False


def _loaded(text: str) -> Raw:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"": text}
