"""`mmbench compare`: run all strategies, or some, on one victim and set them side by side."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from mmbench.cli.inputs import add_run_options, add_scenario_options, add_victim_options, inputs_from

EXAMPLE = """\
examples:
  mmbench compare --size 64GiB --scenario stuck-holder --plot stuck.png
  mmbench compare --victim eos-nodeos --strategy v6.1 v6.18 --scenario mrelease
  mmbench compare --strategy ./my_design.py v6.18 --format json
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "compare",
        help="compare strategies on one victim",
        description="Run strategies on one victim in one scenario; times and blocking are the model's.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--strategy", nargs="+", action="extend", metavar="ID|FILE", help="which, as ID[:param=value] (all ten)"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the comparison into a .png, .svg or .pdf file")
    add_victim_options(parser)
    add_scenario_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print; exit code 0 whatever the outcome of the strategies."""
    from mmbench.cli.output import print_records, terminal_width
    from mmbench.cli.running import run_all
    from mmbench.report.tables import compare_tables
    from mmbench.strategies import IDS, load

    records = run_all(inputs_from(args), [load(spec) for spec in args.strategy or IDS])
    print_records(records, args.format, lambda found: compare_tables(found, terminal_width()))
    if args.plot:
        from mmbench.report.plots import compare_figure

        compare_figure(records, args.plot)
        print(f"drawn: {args.plot}", file=sys.stderr)
    return 0
