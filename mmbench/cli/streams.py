"""What a command prints on: a stream that cannot spell a character, is not there, or takes no more is no traceback."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from contextlib import suppress

from mmbench.errors import EXIT_CANNOT

LONG_WORD = re.compile(r"\S{500,}")
SPELLED = "mmbench-spelled"
PLAIN = {
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
    "\N{HORIZONTAL ELLIPSIS}": ".",
}


def spelled(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: rules of tables as ASCII, all else as in JSON, which so stays the JSON it was."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or json.dumps(c)[1:-1] for c in characters), error.end


codecs.register_error(SPELLED, spelled)


def open_streams() -> None:
    """Give the process the streams that its parent closed, and let those of a poor encoding spell what they cannot."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=SPELLED)


def tell(sentence: str) -> None:
    """Say it on stderr, if that takes it (an exit code speaks, too); a word as long as a page is cut short."""
    with suppress(OSError):
        print(LONG_WORD.sub(lambda word: f"{word[0][:97]}...", sentence), file=sys.stderr, flush=True)


def drop_output() -> None:
    """Whatever was printed and not yet written goes nowhere: Python writes it when it ends, and would fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refused(error: OSError) -> int:
    """Say what the machine refused, and return the exit code."""
    where = f"{os.fsdecode(error.filename)!r}" if isinstance(error.filename, (str, bytes)) else "the output"
    drop_output()
    tell(f"mmbench: {where}: {error.strerror or error}; free space there, or choose another place.")
    return EXIT_CANNOT
