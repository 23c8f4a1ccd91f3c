"""`mmbench bench compare`: two commits value by value, or the strategies inside one, from what asv has measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_format_option
from mmbench.errors import EXIT_BAD_INPUT, EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.tracking.series import Measured

RESULTS = "results/asv"


def add(steps: Any) -> None:
    """Register the step."""
    parser = steps.add_parser("compare", help="compare two commits, or the strategies inside one; measures nothing")
    parser.add_argument("a", metavar="A", help="a commit, branch or tag")
    parser.add_argument("b", metavar="B", nargs="?", help="another; without it, strategies are compared inside A")
    parser.add_argument("--strategies", action="store_true", help="compare the strategies inside B, too")
    parser.add_argument("--markdown", metavar="FILE", help="write the comparison as Markdown, too")
    parser.add_argument("--csv", metavar="FILE", help="write every value as CSV, too")
    add_format_option(parser)
    parser.set_defaults(run=run)


class Report:
    """What is told of a comparison: tables for people, values and rows for programs."""

    def __init__(self) -> None:
        self.views: list[RenderableType] = []
        self.pages: list[str] = []
        self.found: dict[str, object] = {}
        self.rows: list[dict[str, object]] = []


def run(args: argparse.Namespace) -> int:
    """Compare, print and write; 0 nothing is worse, 1 something is, 2 nothing was measured."""
    from mmbench.tracking.repository import commit_of, find_root

    root = find_root()
    a = commit_of(root, args.a)
    b = commit_of(root, args.b) if args.b is not None else a
    report, code = Report(), EXIT_OK
    first, second = measured(root, a, b)
    unit = units_of(root)
    if a != b:
        code = add_changes(report, root, first, second)
    if a == b or args.strategies:
        add_strategies(report, second, unit)
    write(report, args)
    return code


def units_of(root: Path) -> dict[str, str]:
    """Unit of each series."""
    from mmbench.tracking.series import units

    return units(root / RESULTS)


def measured(root: Path, a: str, b: str) -> tuple[Measured, Measured]:
    """What was measured of two commits. Raises InputError, exit code 2, that says how to measure them."""
    from mmbench.tracking.series import results_of_both

    found = results_of_both(root / RESULTS, a, b)
    for commit, one in zip((a, b), found, strict=True):
        if one is None or not one.n_values:
            why = f"{RESULTS} has no value of it" if one is None else "asv recorded failures only"
            raise InputError(
                f"nothing was measured of {commit[:8]}: {why}. Measure it: mmbench bench history {commit[:8]}"
            )
    first, second = found
    assert first is not None and second is not None
    return first, second


def add_changes(report: Report, root: Path, a: Measured, b: Measured) -> int:
    """Add what changed between two commits; returns the exit code. A move that CHANGELOG names is not worse."""
    from mmbench.tracking import tables
    from mmbench.tracking.change import n_measured, n_worse
    from mmbench.tracking.headline import SIGNS, headline
    from mmbench.tracking.past import judged, read_past

    past = read_past(root, root / RESULTS)
    found, unit = judged(past, a, b), dict(past.units)
    n, worse, told = n_measured(found), n_worse(found), headline(found)
    alone = [f"{k} only in {name}" for name, one in (("A", a), ("B", b)) if (k := one.n_values - n)]
    values = ", ".join([f"{n} values in both", *alone])
    line = f"{SIGNS[told.kind]} {told.says}"
    which = f"A = {a.commit[:8]} on {a.machine}, B = {b.commit[:8]} on {b.machine}: {values}"
    report.views.append(tables.changes_view(f"{line}\n{which}", found, unit))
    report.pages.append(tables.changes_page(line, which, found, unit))
    report.rows += tables.rows_of(found, unit)
    report.found |= {"a": a.commit, "b": b.commit, "n": n, "n_worse": worse, "verdict": told.kind, "says": told.says}
    report.found["values"] = list(report.rows)
    if not n:
        print("mmbench: nothing was measured of both commits; nothing can be compared.", file=sys.stderr)
        return EXIT_BAD_INPUT
    return EXIT_BAD_NEWS if worse else EXIT_OK


def add_strategies(report: Report, a: Measured, unit: dict[str, str]) -> None:
    """Add the strategies of one commit side by side, the best of each column marked. Raises InputError without any."""
    from rich.text import Text

    from mmbench.tracking import tables

    found = tables.strategy_tables(a, unit)
    if not found:
        raise InputError(f"{a.commit[:8]} has no series by strategy; measure it: mmbench bench history {a.commit[:8]}")
    title = f"strategies in {a.commit[:8]} (model; * best of its column)"
    report.views += [Text(title), *(part for heads, group in found for part in (Text(""), tables.grid(heads, group)))]
    report.pages.append(tables.markdown(title, found))
    rows = tables.strategy_rows(a, unit)
    report.found |= {"commit": a.commit, "strategies": rows}
    report.rows = report.rows or rows


def write(report: Report, args: argparse.Namespace) -> None:
    """Print as asked for (--format), and write the files (--markdown, --csv)."""
    from rich.console import Group

    from mmbench.cli.output import print_view
    from mmbench.records.csv_text import csv_text
    from mmbench.records.files import json_text, write_text

    if args.markdown:
        write_text(args.markdown, "\n".join(report.pages))
    if args.csv:
        write_text(args.csv, csv_text(report.rows))
    if args.format == "json":
        sys.stdout.write(json_text(report.found))
    elif args.format == "csv":
        sys.stdout.write(csv_text(report.rows))
    else:
        print_view(Group(*report.views))
