"""Values as people type them: times, shares, page counts given as sizes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from fractions import Fraction

from mmbench.errors import InputError, MmbenchError

UNITS_PS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12, "min": 60 * 10**12}
TIME = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)\s*([a-z]+)", re.ASCII)


def parse_time_ps(text: str) -> int:
    """Picoseconds of a time such as 250us, 1.5s or 0; "never" is -1. Raises InputError."""
    word = text.strip()
    if word == "never":
        return -1
    if word == "0":
        return 0
    found = TIME.fullmatch(word)
    if not found or found[2] not in UNITS_PS:
        raise InputError(f"time {text!r}: write a number and a unit ({', '.join(UNITS_PS)}), as in 250us or 1.5s.")
    return int(Fraction(found[1]) * UNITS_PS[found[2]])


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
        raise InputError(f"{text!r} is not a whole number of at most 18 digits.")
    return int(text)


def option(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Make a parser usable as an argparse type: its message becomes argparse's."""

    def typed(text: str) -> object:
        try:
            return parse(text)
        except MmbenchError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return typed
