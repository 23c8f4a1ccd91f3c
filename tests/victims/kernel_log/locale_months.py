"""Months in the languages of the C library: mmbench/victims/kernel_log/months.txt from glibc's locale sources.

    python -m tests.victims.kernel_log.locale_months > mmbench/victims/kernel_log/months.txt

Every locale file says: "The Free Software Foundation does not claim any copyright interest in the locale data contained
in this file." The names are facts; no text of the files is taken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from mmbench.victims.kernel_log.months import ENGLISH, normal

LOCALES = Path("/usr/share/i18n/locales")  # Debian's package locales
KEYWORDS = ("abmon", "ab_alt_mon", "mon", "alt_mon")
_CODE = re.compile(r"<U([0-9A-Fa-f]{4,8})>")


def months_of(name: str) -> dict[str, list[str]]:
    """The twelve names of each keyword of a locale, in order."""
    text = (LOCALES / name).read_text("utf-8", "replace")
    escape = re.search(r"^escape_char\s+(\S)", text, re.MULTILINE)
    section = re.search(r"^LC_TIME\s*$(.*?)^END LC_TIME", text, re.MULTILINE | re.DOTALL)
    if section is None:
        return {}
    body = section[1].replace((escape[1] if escape else "\\") + "\n", "")
    if copied := re.search(r'^copy\s+"(.*?)"', body, re.MULTILINE):
        return months_of(copied[1])
    found = {}
    for keyword in KEYWORDS:
        line = re.search(rf"^{keyword}\s+(.*)$", body, re.MULTILINE)
        names = re.findall(r'"([^"]*)"', line[1]) if line else []
        if len(names) == 12:
            found[keyword] = [_CODE.sub(lambda code: chr(int(code[1], 16)), one) for one in names]
    return found


def table() -> list[str]:
    """Twelve lines, one a month: the names that mean this month in every locale that has them, separated by bars."""
    meant: defaultdict[str, set[int]] = defaultdict(set)
    for path in sorted(LOCALES.iterdir()):
        for names in months_of(path.name).values() if path.is_file() else ():
            for number, name in enumerate(names, start=1):
                meant[normal(name)].add(number)
    for number, name in enumerate(ENGLISH, start=1):
        meant[name] = {number}
    sure = [
        (next(iter(numbers)), name) for name, numbers in meant.items() if len(numbers) == 1 and not name.isdecimal()
    ]
    return ["|".join(sorted(name for n, name in sure if n == number)) for number in range(1, 13)]


if __name__ == "__main__":
    print("\n".join(table()))
