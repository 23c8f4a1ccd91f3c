"""What the verbs that ask the running kernel share: --max-memory, progress with time left, what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from mmbench.ask.watch import Watch

if TYPE_CHECKING:
    from rich.console import RenderableType


def add_memory_option(parser: Any) -> None:
    """--max-memory."""
    parser.add_argument("--max-memory", metavar="SIZE", help="largest victim (a quarter of what is free, or less)")


def asked_memory_bytes(args: argparse.Namespace) -> int | None:
    """--max-memory in bytes, None when it was not given. Raises InputError."""
    from mmbench.victims.sizes import parse_size

    return None if args.max_memory is None else parse_size(args.max_memory, "--max-memory")


class Measuring(Watch):
    """Says on stderr how far measuring is, on a terminal or not: it takes minutes."""

    def measuring(self, what: str) -> AbstractContextManager[Callable[[int, int, float], None]]:
        """Done, total and time left: a bar on a terminal, a line per tenth elsewhere."""
        return progress(what)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, float], None]]:
    """Show done, total and time left on stderr: a bar on a terminal, a line per tenth elsewhere."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, left="")

        def report(done: int, total: int, left_s: float) -> None:
            bar.update(task, completed=done, total=total, left=f"{left_s:.0f} s left")

        yield report


def _lines(what: str) -> Callable[[int, int, float], None]:
    said = [-1]

    def report(done: int, total: int, left_s: float) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth != said[0]:
            said[0] = tenth
            print(f"{what}: {done} of {total} victims, {left_s:.0f} s left", file=sys.stderr, flush=True)

    return report


def print_found(how: str, found: Any, rows: Sequence[Mapping[str, Any]], view: Callable[[], RenderableType]) -> None:
    """Print as asked for (--format): everything found as JSON, its rows as CSV, or a table for people."""
    from mmbench.cli.output import print_view
    from mmbench.records.csv_text import csv_text
    from mmbench.records.files import json_text

    if how == "json":
        sys.stdout.write(json_text(found))
    elif how == "csv":
        sys.stdout.write(csv_text(rows))
    else:
        print_view(view())
