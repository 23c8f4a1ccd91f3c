"""Times of day as logs write them: with or without a year, in some languages, in seconds or finer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

SECOND_US = 1_000_000
YEARS = range(1971, 2096)  # a date outside is damage
ANY_LEAP_YEAR = 2000  # stands for a year that was not written; 29 February exists in it
_FRACTION = re.compile(r"\.(\d+)")
_MONTHS = (
    ("jan", "ene", "gen", "янв"),
    ("feb", "fév", "fev", "фев"),
    ("mar", "mär", "mrz", "мар"),
    ("apr", "avr", "abr", "апр"),
    ("may", "mai", "mag", "май", "мая"),
    ("jun", "juin", "giu", "июн"),
    ("jul", "juil", "lug", "июл"),
    ("aug", "aoû", "ago", "авг"),
    ("sep", "set", "сен"),
    ("oct", "okt", "ott", "out", "окт"),
    ("nov", "ноя"),
    ("dec", "déc", "dez", "dic", "дек"),
)
_NUMBERS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}


class Wall(NamedTuple):
    """A time of day: microseconds since 1970; its smallest step; False when the year is not known."""

    us: int
    step_us: int = 1
    has_year: bool = True


def month_number(name: str) -> int | None:
    """1 to 12 for a month's short or long name in English, German, French, Spanish, Italian, Portuguese or Russian."""
    word = name.rstrip(".").lower()
    return _NUMBERS.get(word[:4]) or _NUMBERS.get(word[:3])


def from_clock(year: int | None, month: int, clock: list[int], fraction: str = "") -> Wall | None:
    """A time from month and [day, hour, minute, second]; None for an impossible or damaged one.

    Local time is taken as UTC, because only differences are used.
    """
    if year is not None and year not in YEARS:
        return None
    day, hour, minute, second = clock
    try:
        moment = datetime(year or ANY_LEAP_YEAR, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    digits = fraction[:6]
    us = int(moment.timestamp()) * SECOND_US + int(digits.ljust(6, "0"))
    return Wall(us, 10 ** (6 - len(digits)), year is not None)


def from_iso(text: str) -> Wall | None:
    """A time from ISO 8601 text, with its zone where it has one; None for an impossible or damaged date."""
    plain = text.replace(",", ".").replace("UTC", "Z").replace(" Z", "Z").replace(" +", "+")
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    fraction = _FRACTION.search(plain)
    n_digits = min(6, len(fraction[1])) if fraction else 0
    us = int(aware.replace(microsecond=0).timestamp()) * SECOND_US + aware.microsecond
    return Wall(us, 10 ** (6 - n_digits))
