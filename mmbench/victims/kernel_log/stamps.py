"""The clocks in what stands before a message: seconds since boot, and the time of day in the forms that logs have.

Stamps are looked for anywhere, because file names, quotes, container names and columns may stand around them. Where
there are several, the one next to the message is its own; the others say when somebody copied it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mmbench.victims.kernel_log.months import month_number
from mmbench.victims.kernel_log.walltime import SECOND_US, Wall, from_clock, from_epoch, from_iso

MOST_UPTIME_US = 10**9 * SECOND_US  # 31 years: nothing has been up longer, and a number above is damage
# [  758.839405], also with a unit, a CPU, a difference or a caller behind the number, as vendors' kernels print them
_BOOT = re.compile(r"\[ *(\d{1,20})\.(\d{1,9})(?:s|[@,]\d+)?(?: *<[^>\]]*>)?(?: +[^\]\[:]{1,24})?\]")
_KMSG = re.compile(r"(?<![\d.])\d{1,4},\d+,(\d+),[^;\s]*;")
_LOGCAT = re.compile(r"(?<![\d.:])(\d{1,9})\.(\d{3}) +\d+ +\d+ [VDIWEFAS] ")  # logcat -v monotonic
_TIME = re.compile(r"(?<!\d)(?:(?<!\d:)|(?<=/\d{4}:))(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?!\d|:\d)")
_HALF = re.compile(r" ?([AP])M\b")
_ZONE = re.compile(r" ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:])")
_YEAR_BEHIND = re.compile(r"(?: [A-Z]{2,5})? (\d{4})(?=[\]\s:,\"'>|)]|$)")
_YMD = re.compile(r"(?<!\d)(\d{4})([-/.])(\d\d)\2(\d\d)(?:[T _]| ?@ |, )$")
_MD = re.compile(r"(?<![\d-])(\d\d)-(\d\d) $")  # logcat
_DAY = re.compile(r"(?<!\d)(\d{1,2}),? (?:(\d{4}) (?:@ )?)?$")
_DMY = re.compile(r"(?<!\d)(\d{1,2})[ /-]([^\s\d/:-]{1,20})[ /-](\d{4})[ :T]$")
_DMY_DOTS = re.compile(r"(?<!\d)(\d\d)\.(\d\d)\.(\d{4}),? $")
_SLASHES = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4}),? $")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4}) $")
_COMPACT = re.compile(r"(?<![\w-])(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,6}))?Z?(?!\w)")
_UNIX = re.compile(r"(?<![\w.-])(\d{10}|\d{13}|\d{16}|\d{19})(?:\.(\d{1,9}))?(?![\w.])")
_BEFORE_WORD = re.compile(r".*[:\[(\"'|>=,;`{]", re.DOTALL)


class Boot(NamedTuple):
    """A stamp since boot: microseconds, None for a damaged one, and where it stands; wall for seconds since 1970."""

    mono_us: int | None
    wall: Wall | None
    start: int
    end: int


class Day(NamedTuple):
    """A time of day, and where it stands; None for one that cannot be read."""

    wall: Wall | None
    start: int
    end: int


def find_boot(text: str) -> Boot | None:
    """The last stamp since boot in `text`."""
    if last := _last(_BOOT, text):
        mono_us = since_boot(int(last[1]) * SECOND_US + int(last[2].ljust(6, "0")[:6]))
        return Boot(mono_us, from_epoch(last[1], last[2]) if mono_us is None else None, *last.span())
    if last := _last(_LOGCAT, text):
        return Boot(since_boot(int(last[1]) * SECOND_US + int(last[2]) * 1000), None, last.start(1), last.end(2))
    last = _last(_KMSG, text) if ";" in text else None
    return Boot(since_boot(int(last[1])), None, *last.span()) if last else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=re.Match.start, default=None)


def since_boot(us: int) -> int | None:
    """The stamp, or None for a damaged one."""
    return us if us <= MOST_UPTIME_US else None


def read_time(text: str) -> Wall | None:
    """The time of day that `text`, one field of a record, holds; None when it is none."""
    number = re.fullmatch(r"(\d{9,19})(?:\.(\d{1,9}))?", text)
    if number:
        return from_epoch(number[1], number[2] or "")
    day = find_day(text)
    return day.wall if day else None


def find_day(text: str) -> Day | None:
    """The last time of day in `text`."""
    times = list(_TIME.finditer(text)) if ":" in text else []
    for time in reversed(times):
        start, wall, end = _dated(text, time)
        if start >= 0:
            return Day(wall, start, end)
    for pattern in (_COMPACT, _UNIX):
        for found in reversed(list(pattern.finditer(text))):
            wall = _compact(found) if pattern is _COMPACT else from_epoch(found[1], found[2] or "")
            if wall is not None:
                return Day(wall, *found.span())
    return Day(None, *times[-1].span()) if times else None


def _dated(text: str, time: re.Match[str]) -> tuple[int, Wall | None, int]:
    """Where a date with this time begins, the time, and where it ends; -1 when no date stands there."""
    before, end = text[: time.start()], time.end()
    if date := _YMD.search(before):
        zone = _ZONE.match(text, end)
        end = zone.end() if zone else end
        return date.start(), from_iso(f"{date[1]}-{date[3]}-{date[4]}T{text[time.start() : end]}"), end
    half = _HALF.match(text, end)
    clock = [int(time[1]), int(time[2]), int(time[3])]
    if half:
        end, clock[0] = half.end(), clock[0] % 12 + 12 * (half[1] == "P")
    fraction = time[4] or ""
    if date := _MD.search(before):
        return date.start(), from_clock(None, int(date[1]), [int(date[2]), *clock], fraction), end
    if date := _DMY.search(before):
        return date.start(), from_clock(int(date[3]), _month(date[2]), [int(date[1]), *clock], fraction), end
    if date := _DMY_DOTS.search(before):
        return date.start(), from_clock(int(date[3]), int(date[2]), [int(date[1]), *clock], fraction), end
    if date := _SLASHES.search(before):
        return date.start(), _either(int(date[1]), int(date[2]), int(date[3]), clock, fraction), end
    date = _DAY.search(before)
    named = _named(before[: date.start()].rstrip(" ")) if date else None
    if date is None or named is None:
        return -1, None, end
    start, month, year = named[0], named[1], date[2]
    behind = _YEAR_BEHIND.match(text, end)
    if not year and behind:
        year, end = behind[1], behind.end()
    elif not year and (first := _YEAR_FIRST.search(before[:start])):
        year, start = first[1], first.start()
    return start, from_clock(int(year) if year else None, month, [int(date[1]), *clock], fraction), end


def _either(first: int, second: int, year: int, clock: list[int], fraction: str) -> Wall | None:
    """A date with its day or its month first; None where both could be the month and differ."""
    if first <= 12 and second <= 12 and first != second:
        return None
    return from_clock(year, min(first, second), [max(first, second), *clock], fraction)


def _named(text: str) -> tuple[int, int | str] | None:
    """Where the name of a month at the end of `text` begins, and its number, or the name when it is not known."""
    words = text.split()[-2:]
    if not words:
        return None
    for word in (" ".join(words), words[-1]):
        for name in (word, _BEFORE_WORD.sub("", word)):
            number = month_number(name) if name else None
            if number is not None:
                return len(text) - len(name), number
    name = _BEFORE_WORD.sub("", words[-1])
    return (len(text) - len(name), name) if name[:1].isalpha() else None


def _month(name: str) -> int | str:
    return month_number(name) or name


def _compact(found: re.Match[str]) -> Wall | None:
    year, month, *clock = (int(found[k]) for k in range(1, 7))
    return from_clock(year, month, clock, found[7] or "")
