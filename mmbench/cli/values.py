"""Readers of `ask.values` as argparse types."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mmbench.errors import MmbenchError


def option(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Make a parser usable as an argparse type: its message becomes argparse's."""

    def typed(text: str) -> object:
        try:
            return parse(text)
        except MmbenchError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return typed
