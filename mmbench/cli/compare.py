"""`mmbench compare`: run all strategies, or some, on one victim and set them side by side."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from mmbench.cli.inputs import Inputs, add_run_options, add_scenario_options, add_victim_options, inputs_from
from mmbench.errors import InputError

EXAMPLE = """\
examples:
  mmbench compare --size 64GiB --scenario stuck-holder --plot stuck.png
  mmbench compare --victim eos-nodeos --strategy v6.1 v6.18 --scenario mrelease
  mmbench compare --strategy ./my_design.py v6.18 --format json
  mmbench compare --sweep locked --size 16GiB --scenario stuck-holder --plot heatmap.png
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "compare",
        description="Run strategies on one victim in one scenario; times and blocking are the model's.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--strategy", nargs="+", action="extend", metavar="ID|FILE", help="which, as ID[:param=value] (all)"
    )
    parser.add_argument("--baseline", metavar="ID", default="v6.18", help="the strategy that ratios are of (v6.18)")
    parser.add_argument("--history", action="store_true", help="rows in the order of history, not of the answer")
    parser.add_argument("--detail", action="store_true", help="every column: who freed what when, who waited for what")
    parser.add_argument("--tokens", action="store_true", help="the runs at the extremes, to be run again with --replay")
    parser.add_argument("--plot", metavar="FILE", help="draw the comparison into a .png, .svg or .pdf file")
    parser.add_argument(
        "--sweep",
        metavar="locked[=SHARE,..]",
        help="run each strategy with one locked share after another (0%% to 100%% by 10%%); --plot draws a heatmap",
    )
    add_victim_options(parser)
    add_scenario_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


def swept(args: argparse.Namespace) -> list[Inputs]:
    """The inputs of each share of --sweep. Raises InputError when the victim has a locked share of its own."""
    from mmbench.ask.runs import TENTHS, swept

    name, _, values = args.sweep.partition("=")
    if name != "locked":
        raise InputError(f"--sweep {args.sweep!r}: allowed is locked, or locked=SHARE,SHARE,.. as in locked=0%,50%,1.")
    return swept(inputs_from(args), [value.strip() for value in values.split(",")] if values else TENTHS)


def run(args: argparse.Namespace) -> int:
    """Compare and print; exit code 0 whatever the outcome of the strategies."""
    from mmbench.ask.runs import run_sweep
    from mmbench.cli.output import print_records, terminal_width
    from mmbench.cli.watching import watching
    from mmbench.report.pictures.picture import picture_suffix
    from mmbench.report.text.ranked import Wanted, compare_view
    from mmbench.report.text.sweep import sweep_view
    from mmbench.strategies import IDS, load

    if args.plot:
        picture_suffix(args.plot)
    loaded = [load(spec) for spec in args.strategy or IDS]
    wanted = Wanted(args.baseline, args.history, args.detail, args.tokens)
    records = run_sweep(swept(args) if args.sweep else [inputs_from(args)], loaded, watching())
    print_records(
        records,
        args.format,
        lambda found: (
            sweep_view(found, terminal_width()) if args.sweep else compare_view(found, terminal_width(), wanted)
        ),
    )
    if args.plot:
        from mmbench.report.pictures.heatmap import heatmap
        from mmbench.report.pictures.plots import compare_figure

        (heatmap if args.sweep else compare_figure)(records, args.plot)
        print(f"drawn: {args.plot}", file=sys.stderr)
    return 0
