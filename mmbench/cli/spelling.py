"""One spelling across verbs: designs are positionals, pictures are --plot [KIND=]FILE; older ones work and say so.

An older spelling works for one release: what 0.2 tells of, 0.3 refuses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from mmbench.errors import InputError


class OldSpelling(argparse.Action):
    """An option that is written otherwise now: it does what it did, and stderr says how (`now`) to write it."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, now: str, **about: Any) -> None:
        super().__init__(option_strings, dest, default=[], help=argparse.SUPPRESS, **about)
        self.now = now

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        print(f"mmbench: {option_string} is written {self.now} now; the next release refuses it", file=sys.stderr)
        given = values if isinstance(values, list) else [values]
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *given])


def add_designs(parser: argparse.ArgumentParser, default: str) -> None:
    """Which designs, as positionals; default: words for none. Read them with `designs`."""
    parser.add_argument("strategies", nargs="*", metavar="ID|FILE", help=f"which, as ID[:param=value] ({default})")
    parser.add_argument(
        "--strategy", nargs="+", action=OldSpelling, dest="old_strategies", now="without it, as in v6.1 v6.18"
    )


def designs(args: argparse.Namespace) -> list[str]:
    """The designs that were named, in either spelling; empty when none was."""
    return [*args.strategies, *args.old_strategies]


def take_late_designs(args: argparse.Namespace, rest: list[str], parser: argparse.ArgumentParser) -> None:
    """Add designs that stand behind an option, as in `compare v6.1 --size 1GiB v6.18`; anything else is an error."""
    if not hasattr(args, "strategies") or any(word.startswith("-") for word in rest):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.strategies = [*args.strategies, *rest]


def add_pictures(group: Any, kinds: Sequence[str], what: str) -> None:
    """--plot: which kinds can be drawn, the first of them without a word; what: they show, for --help."""
    several = len(kinds) > 1
    group.add_argument(
        "--plot",
        metavar="[KIND=]FILE" if several else "FILE",
        action="append",
        default=[],
        help=f"draw {what} into a .png, .svg or .pdf file" + (f"; KIND: {', '.join(kinds)}" if several else ""),
    )


def pictures(asked: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """(kind, file) of every --plot. Raises InputError, and CannotError where nothing can be drawn."""
    from mmbench.report.pictures.picture import picture_suffix

    found = []
    for word in asked:
        kind, equals, path = word.partition("=")
        if not equals or "/" in kind or "." in kind:
            kind, path = kinds[0], word
        if kind not in kinds or not path:
            allowed = f"KIND=FILE with one of {', '.join(kinds)}" if len(kinds) > 1 else "FILE"
            raise InputError(f"--plot {word!r}: allowed is {allowed}, as in {kinds[0]}=a.png.")
        picture_suffix(path)
        found.append((kind, path))
    return found
