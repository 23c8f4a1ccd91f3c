"""`mmbench lab run KERNEL --set exiting-victim`: whom the OOM killer takes while its victim exits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.ask.labs import Report, Watcher
    from mmbench.lab.kernels import Kernel
    from mmbench.records.lab_types import ExitingRow, LabRecord

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

    def ask(kernel: Kernel, report: Report) -> LabRecord:
        return exiting.run_exiting(kernel, report, args.fresh, args.boots or exiting.N_BOOTS)

    records = ask_each(args.kernels, ask, to_text, args.output, watcher)
    return show_exiting(args.format, records)


def show_exiting(how: str, records: list[LabRecord]) -> int:
    """Print the counts with the model beside them; 1 when somebody else was killed."""
    from rich.console import Group

    from mmbench.ask.exiting import exiting_rows
    from mmbench.cli.measuring import print_found

    said = [(record["release"], exiting_rows(record)) for record in records]
    rows = [{"release": release, **row} for release, own in said for row in own]
    found = [{"release": release, "rows": own} for release, own in said]
    print_found(how, found, rows, lambda: Group(*(_view(release, own) for release, own in said)))
    return EXIT_BAD_NEWS if any(row["n_killed"] for row in rows) else EXIT_OK


def _view(release: str, rows: list[ExitingRow]) -> RenderableType:
    from rich import box
    from rich.table import Table

    from mmbench.report.text.exiting_page import HEADS, row_texts

    title = f"{release}: runs in which the OOM killer took another process beside the exiting victim"
    table = Table(*HEADS, title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*row_texts(row))
    return table
