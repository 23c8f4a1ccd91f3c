"""Errors that a person can act on: what was found, what is allowed, what to do.

Exit codes (documented in the README): 0 done, 1 the answer is bad news (worse, fails), 2 bad input,
3 this machine or account cannot do it (permission, vanished process, missing feature).
"""

import reprlib

EXIT_OK = 0
EXIT_BAD_NEWS = 1
EXIT_BAD_INPUT = 2
EXIT_CANNOT = 3
EXIT_INTERRUPTED = 130


class MmbenchError(Exception):
    """Base of every error that mmbench prints as a sentence instead of a traceback."""

    exit_code = EXIT_BAD_INPUT


class InputError(MmbenchError):
    """The input is wrong: an unknown name, a malformed file, a number out of range."""

    exit_code = EXIT_BAD_INPUT


class CannotError(MmbenchError):
    """The input is fine, but this machine or account cannot do it."""

    exit_code = EXIT_CANNOT


class WrongRecord(MmbenchError):
    """A record that was made here does not add up: a fault of the program, or of a step that somebody added to it."""

    exit_code = EXIT_BAD_NEWS


SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 80


def short(value: object) -> str:
    """Return what repr() says of a value that somebody gave, in about eighty characters: a message is one sentence."""
    text = SHORT.repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


def nearest(found: str, allowed: list[str], what: str) -> InputError:
    """Build the error for an unknown name, offering the nearest allowed one."""
    import difflib

    close = difflib.get_close_matches(found, allowed, n=1, cutoff=0.4)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return InputError(f"unknown {what} {short(found)}.{hint} Allowed: {', '.join(sorted(allowed))}.")
