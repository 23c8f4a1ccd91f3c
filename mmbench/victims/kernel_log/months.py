"""Names of months in every language that the C library knows, as journalctl and dmesg -T print them.

months.txt holds twelve lines, one a month. It is made from the locale sources of glibc, of which each says that no
copyright is claimed in the locale data; tests/victims/kernel_log/locale_months.py makes it again. A name that means
different months in different languages ("lis" is October in Croatia and November in Poland) is left out, so a date is
not read rather than read wrongly. English has no doubts: syslog writes it everywhere.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENGLISH_NUMBERS = {name: number for number, name in enumerate(ENGLISH, start=1)}


def month_number(name: str) -> int | None:
    """1 to 12 for a month's short or long name; None for an unknown or ambiguous one."""
    word = normal(name)
    return _ENGLISH_NUMBERS.get(word) or _table().get(word)


def normal(name: str) -> str:
    """A name as it is compared: composed, in small letters, without the dot of an abbreviation."""
    return unicodedata.normalize("NFC", name.strip()).casefold().strip(" .")


@cache
def _table() -> dict[str, int]:
    lines = files(__package__).joinpath("months.txt").read_text("utf-8").splitlines()
    return {name: number for number, line in enumerate(lines, start=1) for name in line.split("|")}
