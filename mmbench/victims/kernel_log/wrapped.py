"""What programs wrap lines of logs in, taken off: colours, JSON objects, quoted columns, several lines in one record.

{"log": "[  100.0] Out of memory: ...\\n", "time": "2024-..."}    Docker, journalctl -o json, cloud exports, shippers
2024-...,vat,kernel,"Out of memory: ..."                         CSV
ts=2024-... host=vat msg="Out of memory: ..."                    logfmt
anon 1013760000#012file 9216000                                  rsyslog; \\x0a in /dev/kmsg, \\n in JSON
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mmbench.records.schema import Raw
from mmbench.victims.kernel_log.ends import closed, find_any, find_start
from mmbench.victims.kernel_log.prefix import KERNEL, KILLERS, OTHER, Message, read_prefix
from mmbench.victims.kernel_log.stamps import MOST_UPTIME_US, read_time
from mmbench.victims.kernel_log.walltime import SECOND_US, Wall, from_epoch

Find = Callable[[str], int]
_JSON = json.JSONDecoder()
_ESC = r"(?:\x1b|#033|\\033|\\x1b|\\u001b|\^\[)"
_COLOUR = re.compile(rf"{_ESC}\[[0-9;]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_BREAK = re.compile(r"\n|\r|\\r?\\n|\\n|\\x0a|#012|\\012")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.|"")*)(?:"|$)')
_ESCAPE = re.compile(r'\\(["\\/])|""')
_TEXTS = ("MESSAGE", "message", "msg", "log", "_msg", "textPayload", "_raw", "body", "line", "text")
_MONO = ("_SOURCE_MONOTONIC_TIMESTAMP", "_SOURCE_BOOTTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP")
_WALL = ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")
_TIMES = ("timestamp", "@timestamp", "time", "ts", "_time", "date", "datetime", "t", "timeUnixNano", "Timestamp")
_PROGRAMS = ("SYSLOG_IDENTIFIER", "syslog_identifier", "ident", "program", "appname", "app_name", "_COMM")
_STAMPED = re.compile(r"time|date|stamp", re.IGNORECASE)
_HOSTS = ("_HOSTNAME", "hostname", "host", "source_host", "computer")
_MOST_DEPTH = 12


def read_line(line: str, find: Find = find_start) -> list[Message]:
    """The messages in a line that `find` finds, each with what stood before it; those of other programs are marked."""
    line = _uncoloured(line)
    messages: list[Message] = []
    rest, brace = line, line.find("{")
    while brace >= 0 and (found := _object(rest, brace)):
        entry, end = found
        inside = list(_walk(entry, read_prefix(rest[:brace]), 0, find))
        if inside:
            rest, end = rest[end:], 0
        messages += inside
        brace = rest.find("{", end)
    return messages + list(_texts(rest, Message(""), find))


def read_entry(entry: Raw, find: Find = find_start) -> list[Message]:
    """The messages in the fields of a record; clocks and names in it stand for what their texts do not say."""
    return list(_walk(entry, Message(""), 0, find))


def _uncoloured(text: str) -> str:
    may_be = "\x1b" in text or "33[" in text or "1b[" in text or "^[[" in text
    return _COLOUR.sub("", text) if may_be else text


def _object(text: str, at: int) -> tuple[Raw, int] | None:
    """The JSON object that begins at `at`, and where it ends; None when none does."""
    try:
        value, end = _JSON.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return (value, end) if isinstance(value, dict) else None


def _walk(value: Raw, outer: Message, depth: int, find: Find) -> Iterator[Message]:
    known = _known(value, outer)
    seen: set[str] = set()
    names = sorted(value, key=lambda name: _TEXTS.index(name) if name in _TEXTS else len(_TEXTS))
    for text in (text for name in names for text in _strings(value[name])):
        if text not in seen:
            yield from _texts(_uncoloured(text), known, find)
        seen.add(text)
    for name in names if depth < _MOST_DEPTH else ():
        for inner in value[name] if isinstance(value[name], list) else [value[name]]:
            if isinstance(inner, dict):
                yield from _walk(inner, known, depth + 1, find)
            elif isinstance(inner, list):
                yield from _pair(inner, known, find)


def _pair(value: list[Any], outer: Message, find: Find) -> Iterator[Message]:
    """[time, text], as Loki keeps lines."""
    texts = _strings(value)
    wall = next((found for text in texts if (found := read_time(text))), outer.wall)
    for text in texts:
        yield from _texts(text, outer._replace(wall=wall), find)


def _strings(value: Any) -> list[str]:
    """The texts in a field. The journal writes text that is no UTF-8 as a list of bytes."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        return []
    if all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return [bytes(value).decode("utf-8", "backslashreplace")]
    return [one for one in value if isinstance(one, str)]


def _known(entry: Raw, outer: Message) -> Message:
    """What the other fields of a record say about its text."""
    mono = next((us for name in _MONO if (us := _int(entry.get(name))) is not None and us <= MOST_UPTIME_US), None)
    wall = next((found for name in _WALL if (found := _epoch(entry.get(name)))), None)
    for name in _TIMES if mono is None and wall is None else ():
        value = entry.get(name)
        if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value < 10**20:
            wall = wall or from_epoch(*_split(value))
            mono = round(value * SECOND_US) if wall is None and value * SECOND_US <= MOST_UPTIME_US else mono
        elif isinstance(value, str):
            wall = wall or read_time(value)
    if mono is None and wall is None:
        stamps = (read_time(value) for name, value in entry.items() if isinstance(value, str) and _STAMPED.search(name))
        wall = next(filter(None, stamps), None)
    program = next((word for name in _PROGRAMS if isinstance(word := entry.get(name), str) and word), "")
    program = "kernel" if entry.get("_TRANSPORT") == "kernel" else program
    host = next((word for name in _HOSTS if isinstance(word := entry.get(name), str)), "")
    return Message(
        "",
        KILLERS.get(program, "kernel" if program in KERNEL else OTHER) if program else outer.program,
        outer.mono_us if mono is None else mono,
        wall or outer.wall,
        str(entry.get("_BOOT_ID") or outer.boot),
        host or outer.host,
    )


def _texts(text: str, known: Message, find: Find) -> Iterator[Message]:
    """The messages in a text: each of its lines may have a prefix, and lacks what an earlier one had."""
    may_break = "\n" in text or "\r" in text or "\\" in text or "#012" in text
    parts = _BREAK.split(text) if may_break else [text]
    find = find_any if len(parts) > 1 else find
    for part in parts:
        start = find(part)
        if start < 0:
            if len(parts) > 1 and part.strip():
                known = _filled(read_prefix(part), known)
            continue
        message = _filled(_message(part, start), known)
        known = message._replace(text="")
        yield message


def _message(line: str, start: int) -> Message:
    """The message that begins at `start`, out of its quotes if it stands in some, and without what closes it."""
    prefix, text, tail = line[:start], line[start:], ""
    if '"' in prefix:
        for quoted in _QUOTED.finditer(line):
            if quoted.start(1) <= start < quoted.end(1):
                inside = quoted[1]
                at = start - quoted.start(1)
                prefix, text, tail = line[: quoted.start()] + inside[:at], inside[at:], line[quoted.end() :]
                text = _ESCAPE.sub(lambda found: found[1] or '"', text)
                break
    message = read_prefix(prefix, closed(text))
    if message.wall is None and message.mono_us is None and tail:
        behind = read_prefix(tail)
        message = message._replace(wall=behind.wall, mono_us=behind.mono_us)
    return message


def _filled(message: Message, known: Message) -> Message:
    return message._replace(
        program=message.program or known.program,
        mono_us=known.mono_us if message.mono_us is None else message.mono_us,
        wall=message.wall or known.wall,
        boot=message.boot or known.boot,
        host=message.host or known.host,
    )


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else None


def _epoch(value: Any) -> Wall | None:
    us = _int(value)
    return None if us is None else from_epoch(f"{us // SECOND_US}", f"{us % SECOND_US:06}")


def _split(number: float) -> tuple[str, str]:
    whole, _, fraction = (f"{number:.6f}" if isinstance(number, float) else str(number)).partition(".")
    return whole, fraction
