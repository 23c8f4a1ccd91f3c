"""`mmbench help VERB`: the page of one verb, or of all in one sentence each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add(verbs: Any, whole: Callable[[], str]) -> None:
    """Register the verb; whole: the page of mmbench itself."""
    parser = verbs.add_parser("help", help="the page of one verb", description="Print the page of one verb, or of all.")
    parser.add_argument("about", nargs="?", metavar="VERB", choices=tuple(verbs.choices), help="which (all)")

    def run(args: argparse.Namespace) -> int:
        print(verbs.choices[args.about].format_help() if args.about else whole(), end="")
        return 0

    parser.set_defaults(run=run)
