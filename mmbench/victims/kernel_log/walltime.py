"""Times of day as logs write them, and how much time lies between two of them.

Local time is taken as UTC, because only differences are used. A date may lack its year, and the name of its month may
be unknown: then it can be compared with what bears the same name.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
YEARS = range(1971, 2096)  # a date outside is damage
FIRST_S, LAST_S = 10**9, 3_976_214_400  # in seconds since 1970; below are seconds since boot
LEAP_YEAR, COMMON_YEAR = 2004, 2001  # stand for a year that was not written
BACK_US = 2 * DAY_US  # a log without years that goes back by less than this is out of order, by more a year has passed
_FRACTION = re.compile(r"\.(\d+)")


class Wall(NamedTuple):
    """A time of day.

    us:       microseconds since 1970; in LEAP_YEAR where no year is written, in January where the month is not known
    step_us:  the clock's smallest step
    has_year: False when the year is not written
    month:    the name of a month that is not known, "" when it is
    """

    us: int
    step_us: int = 1
    has_year: bool = True
    month: str = ""


def from_clock(year: int | None, month: int | str, clock: list[int], fraction: str = "") -> Wall | None:
    """A time from the month's number, or its unknown name, and [day, hour, minute, second]; None for an impossible or
    damaged one."""
    day, hour, minute, second = clock
    number = month if isinstance(month, int) else 1
    try:
        moment = datetime(LEAP_YEAR if year is None else year, number, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    if moment.year not in YEARS or second > 60:  # a leap second is the second before
        return None
    digits = fraction[:6]
    us = int(moment.timestamp()) * SECOND_US + int(digits.ljust(6, "0"))
    return Wall(us, 10 ** (6 - len(digits)), year is not None, "" if isinstance(month, int) else month)


def from_iso(text: str) -> Wall | None:
    """A time from ISO 8601 text, with its zone where it has one; None for an impossible or damaged date."""
    plain = text.strip().replace(",", ".").replace("/", "-").replace("_", "T")
    plain = re.sub(r" ?(?:UTC|GMT|Z)$", "Z", plain).replace(" +", "+").replace(" -", "-")
    fraction = _FRACTION.search(plain)
    digits = fraction[1][:6] if fraction else ""
    if fraction:
        plain = plain.replace(fraction[0], "." + digits.ljust(6, "0"), 1)
    try:
        moment = datetime.fromisoformat(plain)
        if moment.year not in YEARS:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        us = int(aware.replace(microsecond=0).timestamp()) * SECOND_US + aware.microsecond
    except (ValueError, OverflowError):
        return None
    return Wall(us, 10 ** (6 - len(digits)))


def from_epoch(digits: str, fraction: str = "") -> Wall | None:
    """A time from a number since 1970: seconds with their fraction, or whole milli-, micro- or nanoseconds, by size."""
    for power in (0, 3, 6, 9):
        if len(digits) <= 10 + power and FIRST_S <= (number := int(digits)) // 10**power < LAST_S:
            shown = (fraction if power == 0 else f"{number % 10**power:0{power}}")[:6]
            return Wall(number // 10**power * SECOND_US + int(shown.ljust(6, "0")), 10 ** (6 - len(shown)))
    return None


def between(before: Wall, after: Wall) -> int | None:
    """Microseconds from one time to the other; None when the months' names tell nothing about each other.

    Where a year is missing, the time that passed is less than a year, and time hardly goes back: by less than two days,
    or by less than half a year to the beginning of another log.
    """
    if before.month != after.month:
        return None
    if before.has_year and after.has_year:
        return after.us - before.us
    if before.has_year or after.has_year:
        year = _moment(before if before.has_year else after).year
        return min((b - a for a in _in_years(before, year) for b in _in_years(after, year)), key=abs)
    common = COMMON_YEAR if not (_is_leap_day(before) or _is_leap_day(after)) else LEAP_YEAR
    (start,) = _in_years(before, common, spread=0)
    (end,) = _in_years(after, common, spread=0)
    ahead = (end - start) % (365 * DAY_US)
    back = ahead - 365 * DAY_US
    if end >= start:
        return back if -back < BACK_US else ahead
    return ahead if -back > 365 * DAY_US // 2 else back


def _moment(wall: Wall) -> datetime:
    return datetime.fromtimestamp(wall.us // SECOND_US, tz=UTC)


def _is_leap_day(wall: Wall) -> bool:
    moment = _moment(wall)
    return (moment.month, moment.day) == (2, 29)


def _in_years(wall: Wall, year: int, spread: int = 1) -> list[int]:
    """Microseconds since 1970 of a time in the years around `year` where it exists; of one with a year, itself."""
    if wall.has_year:
        return [wall.us]
    moment, found = _moment(wall), []
    for one in range(year - spread, year + spread + 1):
        if not _is_leap_day(wall) or one % 4 == 0:
            found.append(int(moment.replace(year=one).timestamp()) * SECOND_US + wall.us % SECOND_US)
    return found or [wall.us]
