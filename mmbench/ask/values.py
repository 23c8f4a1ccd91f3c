"""Values as people type them: times, shares, page counts given as sizes; and how each of them is written again."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from mmbench.errors import InputError, short
from mmbench.scenarios import OPTIONS, Option

UNITS_PS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12, "min": 60 * 10**12}
TIME = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)\s*([a-z]+)", re.ASCII)
MAX_BUDGET_S = 24 * 3600


def parse_time_ps(text: str) -> int:
    """Picoseconds of a time such as 250us, 1.5s or 0; "never" is -1. Raises InputError."""
    word = text.strip()
    if word == "never":
        return -1
    if word == "0":
        return 0
    found = TIME.fullmatch(word)
    if not found or found[2] not in UNITS_PS:
        raise InputError(f"time {short(text)}: write a number and a unit ({', '.join(UNITS_PS)}), as in 250us or 1.5s.")
    return int(Fraction(found[1]) * UNITS_PS[found[2]])


def parse_budget_s(text: str) -> float:
    """Seconds of a time such as 5min that measuring may take. Raises InputError."""
    seconds = parse_time_ps(text) / 1e12
    if not 1 <= seconds <= MAX_BUDGET_S:
        raise InputError(f"--budget {text}: allowed are 1s to {MAX_BUDGET_S // 60}min.")
    return seconds


def parse_ppm(text: str) -> int:
    """Parts per million of a share such as 0.0001 or 5%. Raises InputError."""
    from mmbench.victims.sizes import parse_share

    return round(parse_share(text) * 1_000_000)


def parse_pages(text: str) -> int:
    """Pages of a size such as 16MiB; 0 is 0. Raises InputError."""
    from mmbench.victims.sizes import parse_size

    return 0 if text.strip() == "0" else -(-parse_size(text) // 4096)


def parse_int(text: str) -> int:
    """A decimal integer. Raises InputError."""
    if not re.fullmatch(r"-?\d{1,18}", text.strip(), re.ASCII):
        raise InputError(f"{short(text)} is not a whole number of at most 18 digits.")
    return int(text)


class Word(NamedTuple):
    """A kind of value: how a person writes it, reads it, and how the program writes it again."""

    metavar: str
    parse: Callable[[str], int]
    spell: Callable[[int], str]


def _spell_time(ps: int) -> str:
    return "never" if ps == -1 else f"{ps}ps"


def _spell_pages(pages: int) -> str:
    return f"{4 * pages}KiB" if pages else "0"


TIME_WORD = Word("TIME", parse_time_ps, _spell_time)
TIME_OR_NEVER = TIME_WORD._replace(metavar="TIME|never")
SHARE = Word("SHARE", parse_ppm, lambda ppm: f"{ppm / 10**6:.6f}")
PAGES = Word("SIZE", parse_pages, _spell_pages)
COUNT = Word("N", parse_int, str)


def word_of(option: Option) -> Word:
    """How a person writes the value of a scenario's option."""
    if option.unit == "ps":
        return TIME_WORD if option.low >= 0 else TIME_OR_NEVER
    if option.unit:
        return {"ppm": SHARE, "pages": PAGES}[option.unit]
    few = option.high - option.low < 4
    return COUNT._replace(metavar="|".join(map(str, range(option.low, option.high + 1)))) if few else COUNT


# Option of a scenario -> (its field, the kind of value).
SCENARIO_OPTIONS = {option.flag: (name, word_of(option)) for name, option in OPTIONS.items()}
