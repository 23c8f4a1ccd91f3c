"""`mmbench answer QUESTION`: every run behind a question that kernel developers asked, as a page or as records."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmbench.cli.inputs import add_format_option

EXAMPLE = """\
examples:
  mmbench answer exit-write
  mmbench answer exit-write --lab results/lab/designs/6.12.json -o exit-write.md
  mmbench answer mrelease --format csv

questions: exit-write, mrelease
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "answer",
        help="answer a question that was asked on linux-mm",
        description="Run all that a question needs and print its page in Markdown; all numbers are the model's.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question", metavar="QUESTION", help="exit-write, mrelease")
    parser.add_argument("-o", dest="output", metavar="FILE", help="write the page to a file")
    parser.add_argument(
        "--lab", nargs="+", metavar="RECORD", default=[], help="records of lab run --strategy beside it"
    )
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run, and print or write the page."""
    from mmbench.ask.answers import answered, find_answer, measured
    from mmbench.cli.watching import watching
    from mmbench.records.files import write_text
    from mmbench.report.text.answer_page import Page, answer_page
    from mmbench.report.text.export import to_csv, to_json

    asked = find_answer(args.question)
    rows = answered(asked, watching())
    if args.format != "table":
        records = [record for row in rows for record in row]
        sys.stdout.write(to_json(records) if args.format == "json" else to_csv(records))
        return 0
    situations = [(situation.name, situation.kind) for situation in asked.situations]
    seen = measured([Path(name) for name in args.lab])
    page = answer_page(
        Page(asked.name, asked.title, asked.asked, situations, rows, asked.unknown, seen, asked.against_situation)
    )
    if args.output:
        write_text(args.output, page)
        print(f"written: {args.output}", file=sys.stderr)
    else:
        sys.stdout.write(page)
    return 0
