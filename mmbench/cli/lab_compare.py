"""`mmbench lab compare`: what booted kernels answered, beside the model by the design of their era."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.ask.labs import RECORDS, are_exact, compare_kernels, found_records
from mmbench.cli.inputs import add_format_option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.records.measured_types import Found, LabComparison


def add(actions: Any) -> None:
    """Register the action."""
    parser = actions.add_parser("compare", help="hold the model against records: pages exactly, instructions closely")
    parser.add_argument("records", nargs="*", metavar="FILE", help=f"records of lab run ({RECORDS}/*.json)")
    parser.add_argument(
        "--strategy",
        metavar="ID|FILE",
        help="the design that these kernels run, when they are patched; a file of yours that ran in them",
    )
    parser.add_argument("--write-costs", metavar="FOLDER", help="write each kernel's cost table, in instructions, here")
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print; 1 when a page count differs."""
    from mmbench.cli.lab_designs import compare_records
    from mmbench.cli.lab_exiting import show_exiting
    from mmbench.cli.measuring import print_found
    from mmbench.lab.design_record import is_record
    from mmbench.lab.exiting import is_exiting
    from mmbench.lab.record import read_record
    from mmbench.records.files import write_json

    paths = found_records(args.records)
    if all(is_exiting(path) for path in paths):
        return show_exiting(args.format, [read_record(path) for path in paths])
    if all(is_record(path) for path in paths):
        return compare_records(args, paths)
    found = compare_kernels(paths, args.strategy)
    if args.write_costs:
        for one in found:
            table = one["table"]
            if "name" in table:
                path = Path(args.write_costs) / f"{table['name']}.json"
                write_json(path, table)
                print(f"written: {path}", file=sys.stderr)
    cells = [{"series": one["series"], **cell} for one in found for cell in one["cells"]]
    print_found(args.format, found, cells, lambda: view(found))
    return EXIT_OK if are_exact(found) else EXIT_BAD_NEWS


def view(found: list[LabComparison]) -> RenderableType:
    """One line per kernel, then every page count that differs."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("kernel", "design", "pages left exactly", "victims", "exit", "mrelease", "exit after", "races", "racing")
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i < 2 else "right")
    for one in found:
        freed = one["freed_pages"]
        held = one["held_out"]
        errors = {what: _errors(held[what]) for what in held}
        n_victims, n_races = str(held["exit"]["n"]), str(held["race"]["n"])
        row = (n_victims, errors["exit"], errors["mrelease"], errors["exit_after"], n_races, errors["race"])
        table.add_row(one["series"], one["strategy"], f"{freed['exact']} of {freed['n']}", *row)
    wrong = [
        Text(f"{one['series']}: {cell['party']} left {cell['left']:,} of {cell['before']:,} pages, model "
             f"{cell['model_left']:,}: {cell['victim']}", style="bold red")
        for one in found
        for cell in one["cells"]
        if cell["left"] != cell["model_left"]
    ]  # fmt: skip
    note = (
        "instructions, model against guest: median error / 95th percentile of held-out victims, and of races, each "
        "with the price that the others show"
    )
    return Group(table, Text(note), *wrong)


def _errors(found: Found) -> str:
    median, p95 = found["median_abs_error"], found["p95_abs_error"]
    return "-" if median is None or p95 is None else f"{median:.2%} / {p95:.1%}"
