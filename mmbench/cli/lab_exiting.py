"""`mmbench lab run KERNEL --set exiting-victim`: whom the OOM killer takes while its victim exits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.ask.labs import Report, Watcher
    from mmbench.lab.kernels import Kernel
    from mmbench.lab.record import Record

MOST_BOOTS = 1000


def run_exiting(args: argparse.Namespace, watcher: Watcher) -> int:
    """Boot each kernel again and again, write its record, and print the counts; 1 when somebody else was killed."""
    from mmbench.ask.labs import ask_each
    from mmbench.lab import exiting
    from mmbench.lab.record import to_text

    if args.strategy:
        raise InputError("--set exiting-victim asks a kernel's own code; leave out --strategy.")
    if args.boots is not None and not 1 <= args.boots <= MOST_BOOTS:
        raise InputError(f"--boots {args.boots}: allowed is 1 to {MOST_BOOTS}.")

    def ask(kernel: Kernel, report: Report) -> Record:
        return exiting.run_exiting(kernel, report, args.fresh, args.boots or exiting.N_BOOTS)

    records = ask_each(args.kernels, ask, to_text, args.output, watcher)
    return show_exiting(args.format, records)


def show_exiting(how: str, records: list[Record]) -> int:
    """Print the counts with the model beside them; 1 when somebody else was killed."""
    from rich.console import Group

    from mmbench.ask.exiting import exiting_rows
    from mmbench.cli.measuring import print_found

    found = [{"release": record["release"], "rows": exiting_rows(record)} for record in records]
    rows = [{"release": one["release"], **row} for one in found for row in one["rows"]]
    print_found(how, found, rows, lambda: Group(*(_view(one) for one in found)))
    return EXIT_BAD_NEWS if any(row["n_killed"] for row in rows) else EXIT_OK


def _view(one: dict[str, Any]) -> RenderableType:
    from rich import box
    from rich.table import Table

    from mmbench.report.text.exiting_page import HEADS, row_texts

    title = f"{one['release']}: runs in which the OOM killer took another process beside the exiting victim"
    table = Table(*HEADS, title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for row in one["rows"]:
        table.add_row(*row_texts(row))
    return table
