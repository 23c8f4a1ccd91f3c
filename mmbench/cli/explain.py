"""`mmbench explain WORD`: what a word of the output means."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from mmbench.cli.inputs import add_format_option

EXAMPLE = """\
examples:
  mmbench explain MMF_OOM_SKIP
  mmbench explain I5
  mmbench explain stuck-holder
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "explain",
        description="Explain a kernel flag, a rule of the checker, a design, a scenario, an op or a work item.",
        epilog=EXAMPLE,
    )
    parser.add_argument("word", nargs="*", metavar="WORD", help="which (lists the glossary's terms)")
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the meanings of one word, or the words of the glossary."""
    from mmbench.ask.explain import Meaning, explain
    from mmbench.glossary import terms
    from mmbench.records.csv_text import csv_text
    from mmbench.records.files import json_text

    if args.word:
        found = explain(" ".join(args.word))
    else:
        found = [Meaning(term.names[0], "term", ", ".join(term.names[1:])) for term in terms()]
    rows = [asdict(meaning) for meaning in found]
    if args.format == "json":
        sys.stdout.write(json_text(rows))
    elif args.format == "csv":
        sys.stdout.write(csv_text(rows))
    else:
        print_meanings(found, is_list=not args.word)
    return 0


def print_meanings(found: list[Any], is_list: bool) -> None:
    """For people: a heading and a paragraph each, or the list of terms with their other names."""
    from rich.console import Group
    from rich.text import Text

    from mmbench.cli.output import print_view

    parts = []
    for meaning in found:
        heading = Text(meaning.word, style="bold").append(
            f"  {meaning.text if is_list else meaning.kind}", "not bold dim"
        )
        parts.append(heading)
        if not is_list:
            parts.append(Text(meaning.text))
    print_view(Group(*parts))
