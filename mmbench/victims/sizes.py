"""Sizes and shares as people write them: "64GiB", "10GB", "1.5T", "4096"; "0.9" or "90%".

Decimal points are read exactly (as fractions, never as floats), so a size is the same on every machine.
Suffixes: KiB MiB GiB TiB are powers of 1024, kB MB GB TB powers of 1000, and a bare K M G T is a power
of 1024, as in `mem=` on the kernel command line.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from mmbench.errors import InputError
from mmbench.model.layout import MAX_PAGES, PAGE_BYTES

MAX_SIZE_BYTES = MAX_PAGES * PAGE_BYTES
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([kmgt]?)(ib|b)?", re.ASCII | re.IGNORECASE)
_SHARE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})\s*(%?)", re.ASCII)
_ALLOWED = "4 KiB to 256 TiB, written like 64GiB, 1.5TiB, 300MiB, 10GB (powers of 1000) or 4096 (bytes)"


def parse_size(text: str, what: str = "size") -> int:
    """Return the bytes that `text` names, rounded up to a whole byte.

    Raises InputError for anything but a size from one page to the whole address space.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{what} {_shown(text)} is not a size. Allowed: {_ALLOWED}.")
    number, prefix, unit = match.groups()
    base = 1000 if (unit or "").lower() == "b" else 1024
    return check_size(math.ceil(Fraction(number) * base ** _POWER[prefix.lower()]), what)


def check_size(size_bytes: int, what: str = "size") -> int:
    """Return `size_bytes` unchanged, or raise InputError when no address space has that size."""
    if not PAGE_BYTES <= size_bytes <= MAX_SIZE_BYTES:
        shown = f"{size_bytes} bytes" if abs(size_bytes) < 1 << 60 else "far more than 256 TiB"
        raise InputError(f"{what} is {shown}. Allowed: {_ALLOWED}.")
    return size_bytes


def parse_share(text: str, what: str = "share") -> float:
    """Return the share that `text` names ("0.9" or "90%") as a float in [0, 1]; else raise InputError."""
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{what} {_shown(text)} is not a share. Allowed: 0 to 1, written like 0.9 or 90%.")
    return check_share(float(Fraction(match[1]) / (100 if match[2] else 1)), what)


def check_share(share: float, what: str = "share") -> float:
    """Return `share` unchanged, or raise InputError unless it is a number in [0, 1]."""
    if not 0.0 <= share <= 1.0:  # NaN fails both comparisons
        raise InputError(f"{what} is {share}. Allowed: a share from 0 to 1, for example 0.9.")
    return share


def format_size(size_bytes: int) -> str:
    """Write bytes for people, with at most two decimals: 68719476736 -> "64 GiB"."""
    for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size_bytes >= 1024**power:
            return f"{size_bytes / 1024**power:.2f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size_bytes} bytes"


def format_share(share: float) -> str:
    """Write a share for people: 0.9 -> "90 %", 0.9772 -> "97.7 %"."""
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
