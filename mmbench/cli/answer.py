"""`mmbench answer QUESTION`: everything behind a question of kernel developers, as a page or as records."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmbench.cli.inputs import add_format_option

EXAMPLE = """\
examples:
  mmbench answer exit-write
  mmbench answer exit-write --lab results/lab/designs/6.12.json -o exit-write.md
  mmbench answer mrelease --format csv
  mmbench answer memcg-exiting-victim
  mmbench answer rare-heavy -o rare-heavy.md

questions: exit-write, mrelease, memcg-exiting-victim, rare-heavy, reapers, designs
"""
Answered = tuple[str, list[Any]]  # a page in Markdown, and the records or rows behind it


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "answer",
        help="answer a question that was asked on linux-mm",
        description="Run or read all that a question needs and print its page, which in a pipe is Markdown.",
        epilog=EXAMPLE,
    )
    parser.add_argument("question", metavar="QUESTION", help="the question's name (see below)")
    parser.add_argument("-o", dest="output", metavar="FILE", help="write the page to a file")
    parser.add_argument("--lab", nargs="+", metavar="RECORD", default=[], help="records of lab run to answer with")
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer, and print or write the page."""
    from mmbench.ask.answers import ANSWERS
    from mmbench.errors import nearest
    from mmbench.records.files import write_text
    from mmbench.report.text.export import to_csv, to_json

    if args.question not in (*ANSWERS, *OTHERS):
        raise nearest(args.question, [*ANSWERS, *OTHERS], "answer")
    page, records = OTHERS.get(args.question, by_runs)(args)
    if args.format != "table":
        sys.stdout.write(to_json(records) if args.format == "json" else to_csv(records))
    elif args.output:
        write_text(args.output, page)
        print(f"written: {args.output}", file=sys.stderr)
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        from mmbench.cli.output import print_view

        print_view(Markdown(page))
    else:
        sys.stdout.write(page)
    return 0


def by_runs(args: argparse.Namespace) -> Answered:
    """A question that single runs of the model answer, with records of designs in real kernels beside it."""
    from mmbench.ask.answers import answered, find_answer, measured
    from mmbench.cli.watching import watching
    from mmbench.report.text.answer_page import Page, answer_page

    asked = find_answer(args.question)
    rows = answered(asked, watching())
    situations = [(situation.name, situation.kind) for situation in asked.situations]
    seen = measured([Path(name) for name in args.lab])
    page = Page(asked.name, asked.title, asked.asked, situations, rows, asked.unknown, seen, asked.against_situation)
    return answer_page(page), [record for row in rows for record in row]


def by_boots(args: argparse.Namespace) -> Answered:
    """Whom the OOM killer took beside an exiting victim, by records of booted kernels."""
    from mmbench.ask.exiting import exiting_records, summary
    from mmbench.report.text.exiting_page import Kernel, exiting_page

    kernels = [Kernel(**summary(record)) for record in exiting_records(args.lab)]
    return exiting_page(kernels), [{"release": kernel.release, **row} for kernel in kernels for row in kernel.rows]


def by_studies(args: argparse.Namespace) -> Answered:
    """A question that studies of many kills answer."""
    from mmbench.ask.many_kills import MANY, studied
    from mmbench.cli.watching import watching
    from mmbench.report.text.rare_page import Page, rare_page
    from mmbench.report.text.reapers_page import reapers_page

    asked = MANY[args.question]
    rows = studied(asked, watching())
    sides, studies = ([one.name for one in found] for found in (asked.sides, asked.studies))
    page = Page(asked.name, asked.title, asked.asked, sides, studies, rows, asked.unknown, f"{int(asked.n):,}")
    written = rare_page(page) if asked.name == "rare-heavy" else reapers_page(page)
    return written, [record for row in rows for record in row]


def by_files(args: argparse.Namespace) -> Answered:
    """What every shipped design does, by its strategy file."""
    from mmbench.ask.designs import facts, step_rows
    from mmbench.report.text.designs_page import Design, designs_page
    from mmbench.strategies import IDS, load

    designs = [Design(one.name, facts(one), step_rows(one)) for one in map(load, IDS)]
    return designs_page(designs), [{"strategy": design.name, **row} for design in designs for row in design.steps]


OTHERS: Mapping[str, Callable[[argparse.Namespace], Answered]] = {
    **{"memcg-exiting-victim": by_boots, "rare-heavy": by_studies, "reapers": by_studies},
    "designs": by_files,
}
