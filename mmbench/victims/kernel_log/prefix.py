"""What stands before a log message, taken off: times, levels, host and program, as logging programs write them.

    [  758.844012] ...                          dmesg, also with -x, -d, --raw, PRINTK_CALLER
    [Thu Dec  7 00:05:15 2017] ...              dmesg -T
    Jul 18 12:48:23 host kernel: [  758.8] ...  syslog, journalctl -o short
    2023-12-04T10:49:30.127Z host kernel: ...   rsyslog, journalctl -o short-iso
    6,1015,3558116457,-;...                     /dev/kmsg
    10-24 14:24:26.342   710   710 I tag: ...   logcat
    {"MESSAGE": "...", ...}                     journalctl -o json

Host names are dropped here and nothing later knows them.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from mmbench.victims.kernel_log.walltime import Wall, from_clock, from_iso, month_number

SECOND_US = 1_000_000
MOST_UPTIME_US = 10**9 * SECOND_US  # 31 years: nothing has been up longer, and a number above is damage
MOST_WALL_US = 4 * 10**9 * SECOND_US  # the year 2096
PROGRAMS = "kernel|earlyoom|systemd-oomd|oomd|oomd_bin|systemd|lowmemorykiller|lmkd"
_KMSG = re.compile(r"\d{1,4},\d+,(\d+),[^;]*;")
_LEVEL = re.compile(r"<\d{1,3}>(?:1 )?|[a-z]+ *:[a-z]+ *: ")
_BOOT_TIME = re.compile(r"\[ *(\d+)\.(\d{1,9})(?: <[ +]*[\d.]+>)?\](?:\[ *[TC]\d+\])? ?")
_RELATIVE = re.compile(r"\[(?: *[+]\d+\.\d+|[A-Z][a-z]{2} ?\d{1,2} \d\d:\d\d)\] ?")
_CTIME = re.compile(r"\[?[^\W\d_]{2,4}\.? ([^\W\d_]{3,9}\.?) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\] ?")
_ISO = re.compile(
    r"\[?(?:[^\W\d_]{2,4}\.? )?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)"
    r"\]?:? +(?:[A-Z]{2,5} )?"
)
_SYSLOG = re.compile(r"([^\W\d_]{3,9}\.?) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?:? ")
_LOGCAT = re.compile(
    r"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3,6}) +(?:\d+ +\d+ +)?[VDIWEF][ /](\S+?) *(?:\( *\d+\))?: "
)
_LOGCAT_BRIEF = re.compile(r"[VDIWEF]/(\S+?) *\( *\d+\): ")
_UNIX = re.compile(r"(\d{9,11})\.(\d{6}) ")
_PROGRAM = re.compile(rf"(?:\S+ )?({PROGRAMS})(?:\[\d+\])?(?:: | - - - )")
_FOREIGN = re.compile(r"(?:\S+ )?([\w.@/-]+)\[\d+\]: |\S+ ([\w.@/-]+): ")
_INNER = re.compile(r"(?:<\d{1,3}>)?\[ *\d+\.\d{6}\] ?")
_JSON_MONO = ("_SOURCE_MONOTONIC_TIMESTAMP", "_SOURCE_BOOTTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP")
_JSON_WALL = ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")
_JSON_TEXT = ("MESSAGE", "message", "msg", "log")


class Message(NamedTuple):
    """A message and what its prefix told.

    text:    the message itself
    program: "kernel", "earlyoom", ...; "" when the prefix names none; "other" for a program that kills nobody
    mono_us: microseconds since boot
    wall:    time of day
    boot:    a word that differs between boots, "" when unknown
    """

    text: str
    program: str = ""
    mono_us: int | None = None
    wall: Wall | None = None
    boot: str = ""


def split_prefix(line: str) -> Message:
    """Take every known prefix off a line; what is not understood stays in the text."""
    if line.startswith("{"):
        return _journal_json(line)
    program, mono_us, wall = "", None, None
    at = 0
    while True:
        if found := _LEVEL.match(line, at):
            pass
        elif found := _RELATIVE.match(line, at):
            pass  # dmesg -e: to the line before, which may be one that was not read
        elif found := _KMSG.match(line, at):
            mono_us = _since_boot(int(found[1]))
        elif found := _BOOT_TIME.match(line, at):
            mono_us = _since_boot(int(found[1]) * SECOND_US + int(found[2].ljust(6, "0")[:6]))
        elif program not in ("", "kernel"):
            break
        elif found := _PROGRAM.match(line, at):
            program = found[1]
        elif wall is None and (dated := _dated(line, at)):
            found, wall, program = dated
        elif found := _LOGCAT_BRIEF.match(line, at):
            program = found[1]
        elif wall is not None and not program and (found := _FOREIGN.match(line, at)):
            program = "other"
        else:
            break
        at = found.end()
    if mono_us is None and program in ("", "other") and (inner := _INNER.search(line, at)):
        nested = split_prefix(line[inner.start() :])
        return nested._replace(wall=nested.wall or wall)
    return Message(line[at:].strip(), program.replace("oomd_bin", "oomd"), mono_us, wall)


def _since_boot(us: int) -> int | None:
    """The stamp, or None for a damaged one."""
    return us if us <= MOST_UPTIME_US else None


def _dated(line: str, at: int) -> tuple[re.Match[str], Wall, str] | None:
    """The prefix with a time of day that begins at `at`: match, time, program."""
    program, year, fraction = "", None, ""
    if found := _LOGCAT.match(line, at):
        year, *numbers, fraction, program = found.groups()
    elif found := _CTIME.match(line, at):
        *numbers, year = found.groups()
    elif found := _SYSLOG.match(line, at):
        *numbers, fraction = found.groups()
    else:
        return _dated_by_number(line, at)
    month = int(numbers[0]) if numbers[0].isdigit() else month_number(numbers[0])
    clock = [int(number) for number in numbers[1:]]
    wall = None if month is None else from_clock(int(year) if year else None, month, clock, fraction or "")
    return (found, wall, program) if wall else None


def _dated_by_number(line: str, at: int) -> tuple[re.Match[str], Wall, str] | None:
    """As _dated, for ISO 8601 and seconds since 1970."""
    if found := _ISO.match(line, at):
        wall = from_iso(found[1])
        return (found, wall, "") if wall else None
    found = _UNIX.match(line, at)
    return (found, Wall(int(found[1] + found[2])), "") if found else None


def _journal_json(line: str) -> Message:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return Message(line)
    if not isinstance(entry, dict):
        return Message(line)
    text = next((_json_text(entry[name]) for name in _JSON_TEXT if name in entry), "")
    mono, wall = (
        next((n for name in names if (n := _json_int(entry.get(name))) and n <= most), None)
        for names, most in ((_JSON_MONO, MOST_UPTIME_US), (_JSON_WALL, MOST_WALL_US))
    )
    program = entry.get("SYSLOG_IDENTIFIER") or ""
    inner = split_prefix(text) if not text.startswith("{") else Message(text)
    return Message(
        inner.text,
        inner.program or (program if program in PROGRAMS.split("|") else "other" if program else ""),
        inner.mono_us if mono is None else mono,
        inner.wall if wall is None else Wall(wall),
        str(entry.get("_BOOT_ID") or ""),
    )


def _json_text(value: Any) -> str:
    """The journal writes text that is no UTF-8 as a list of bytes."""
    if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value.rstrip("\n") if isinstance(value, str) else ""


def _json_int(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else None
