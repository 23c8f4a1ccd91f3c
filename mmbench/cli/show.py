"""`mmbench show`: one design, its lock protocol at a glance."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_format_option

if TYPE_CHECKING:
    from mmbench.strategies import Loaded

EXAMPLE = """\
examples:
  mmbench show v6.1
  mmbench show write-downgrade:self_reaping=kept
  mmbench show ./my_design.py --against v6.18
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "show",
        description="Print a design: sources, assumptions, open points, and every step with the lock held at it.",
        epilog=EXAMPLE,
    )
    parser.add_argument("strategy", metavar="ID|FILE", help="which, as ID[:param=value]")
    parser.add_argument(
        "--against", nargs="?", const="", metavar="ID|FILE", help="only what differs from this one (the nearest)"
    )
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one design."""
    from mmbench.ask.designs import facts, step_rows
    from mmbench.strategies import load

    loaded = load(args.strategy)
    if args.against is not None:
        return show_difference(loaded, args)
    if args.format == "json":
        json.dump({"strategy": loaded.name, **facts(loaded), "steps": step_rows(loaded)}, sys.stdout, indent=1)
        print()
    elif args.format == "csv":
        from mmbench.records.csv_text import csv_text

        sys.stdout.write(csv_text(step_rows(loaded)))
    else:
        print_design(loaded)
    return 0


def show_difference(loaded: Loaded, args: argparse.Namespace) -> int:
    """Print the steps that only one of two designs has; without a name, against the design that is nearest."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from mmbench.ask.designs import nearest_design, step_difference
    from mmbench.cli.output import print_view
    from mmbench.records.csv_text import csv_text
    from mmbench.records.files import json_text
    from mmbench.strategies import load

    other = load(args.against or nearest_design(loaded))
    rows = step_difference(loaded, other)
    if args.format == "json":
        sys.stdout.write(json_text({"strategy": loaded.name, "against": other.name, "steps": rows}))
    elif args.format == "csv":
        sys.stdout.write(csv_text(rows))
    elif not rows:
        print(f"{loaded.name} takes the same steps as {other.name}, role by role.")
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("", "role", "holds mmap_lock", "step", "op", "arguments"):
            table.add_column(column, overflow="fold")
        for row in rows:
            cells = (row["sign"], row["role"], row["holds mmap_lock"], row["step"], row["op"], row["arguments"])
            table.add_row(*(Text(cell, style="green" if row["sign"] == "+" else "red") for cell in cells))
        print_view(Text(f"- {other.name}   + {loaded.name}", style="bold"))
        print_view(table)
    return 0


def print_design(loaded: Loaded) -> None:
    """The design for people: facts, then one table per role."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from mmbench.ask.designs import facts, step_rows
    from mmbench.cli.output import print_view

    print_view(Text(loaded.name, style="bold"))
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts(loaded).items():
        grid.add_row(name, text)
    print_view(grid)
    rows = step_rows(loaded)
    for role in loaded.roles:
        table = Table(
            title=f"\n{role}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
        )
        for column in ("mmap_lock", "step", "op where the step is not named so", "otherwise"):
            table.add_column(column, overflow="fold", no_wrap=column in ("mmap_lock", "step"))
        for row in rows:
            if row["role"] == role:
                where = row["otherwise"] or (f"then {row['goes to']}" if row["goes to"] else "")
                op = row["op"] if row["op"] != row["step"] else ""
                table.add_row(row["holds mmap_lock"], row["step"], f"{op} {row['arguments']}".strip(), where)
        print_view(table)
