"""A record leaves mmbench.ask only once it has been shown to follow the rules of its format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mmbench.errors import InputError, WrongRecord

R = TypeVar("R")


def proven(whole: Callable[[Any], R], record: Any, what: str) -> R:
    """The record as `whole` returns it, the reader's own check.

    what: names it in the message. Raises WrongRecord where the check finds a fault: nobody gave this record as input.
    """
    try:
        return whole(record)
    except InputError as error:
        raise WrongRecord(f"{what} does not add up, so its numbers are not shown: {error}") from error
