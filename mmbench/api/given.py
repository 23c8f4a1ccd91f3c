"""What a caller gave, as text, path or number: what is of another type is bad input, in a sentence like any other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from mmbench.ask.values import parse_int
from mmbench.errors import InputError, short


def text_of(value: Any, what: str) -> str:
    """A name, or a path. Raises InputError."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise InputError(f"{what} is {short(value)}: give it as text, or as a path where it is a file.")
    return value


def texts_of(values: Any, what: str) -> list[str]:
    """Several names or paths; one alone is a list of one. Raises InputError."""
    if isinstance(values, (str, os.PathLike)):
        return [text_of(values, what)]
    if not isinstance(values, Iterable):
        raise InputError(f"{what} is {short(values)}: give one as text, or a list of them.")
    return [text_of(value, what) for value in values]


def whole_of(value: Any, what: str) -> int:
    """A whole number, as the command line takes it: 3 or "3". Raises InputError."""
    try:
        return parse_int(str(value))
    except InputError:
        raise InputError(f"{what} {short(value)} is not a whole number of at most 18 digits.") from None
