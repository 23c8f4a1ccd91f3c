"""`mmbench compare`: run all strategies, or some, on one victim and set them side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import Inputs, add_run_options, add_scenario_options, add_victim_options, inputs_from
from mmbench.cli.spelling import add_designs, add_pictures, designs, pictures
from mmbench.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.report.reading import Record

EXAMPLE = """\
examples:
  mmbench compare --size 64GiB --scenario stuck-holder --plot stuck.png
  mmbench compare v6.1 v6.18 --victim eos-nodeos --scenario mrelease
  mmbench compare ./my_design.py v6.18 --format json
  mmbench compare --sweep locked --size 16GiB --scenario stuck-holder --plot heatmap.png
  mmbench compare --sweep size=1GiB,64GiB --plot bars=sizes.png
"""
PLOTS = ("freed", "bars", "pareto")
SWEEP_PLOTS = ("heatmap", "bars")


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "compare",
        description="Run strategies on one victim in one scenario; times and blocking are the model's.",
        epilog=EXAMPLE,
    )
    add_designs(parser, "all")
    parser.add_argument("--baseline", metavar="ID", help="the strategy that ratios are of (v6.18, or the first)")
    parser.add_argument("--history", action="store_true", help="rows in the order of history, not of the answer")
    parser.add_argument("--detail", action="store_true", help="every column: who freed what when, who waited for what")
    parser.add_argument("--tokens", action="store_true", help="the runs at the extremes, to be run again with --replay")
    add_pictures(parser, (*PLOTS, *SWEEP_PLOTS[:1]), "memory freed over time and blocking")
    parser.add_argument(
        "--sweep",
        metavar="WHAT[=VALUE,..]",
        help="run each strategy on one victim after another: locked (0%% to 100%% by 10%%) or size (1GiB to 256GiB); "
        "--plot draws a heatmap",
    )
    add_victim_options(parser)
    add_scenario_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


def swept(args: argparse.Namespace) -> list[Inputs]:
    """The inputs of each victim of --sweep. Raises InputError when a victim is said otherwise, too."""
    from mmbench.ask.runs import SWEEPS, swept

    name, _, values = args.sweep.partition("=")
    if name not in SWEEPS:
        raise InputError(
            f"--sweep {args.sweep!r}: allowed are locked and size, also locked=0%,50%,1 or size=1GiB,64GiB."
        )
    return swept(inputs_from(args), name, [value.strip() for value in values.split(",")] if values else None)


def run(args: argparse.Namespace) -> int:
    """Compare and print; exit code 0 whatever the outcome of the strategies."""
    from mmbench.ask.runs import baseline_of, run_sweep
    from mmbench.cli.output import print_records, terminal_width
    from mmbench.cli.watching import watching
    from mmbench.report.pictures.kinds import draw_runs
    from mmbench.report.text.ranked import BASELINE, Wanted, compare_view
    from mmbench.report.text.sweep import sweep_view
    from mmbench.strategies import IDS, load

    wanted_pictures = pictures(args.plot, SWEEP_PLOTS if args.sweep else PLOTS)
    loaded = [load(spec) for spec in designs(args) or IDS]
    wanted = Wanted(baseline_of(loaded, args.baseline, BASELINE), args.history, args.detail, args.tokens)
    records = run_sweep(swept(args) if args.sweep else [inputs_from(args)], loaded, watching())

    def view(found: Sequence[Record]) -> RenderableType:
        width = terminal_width()
        return sweep_view(found, width, tokens=args.tokens) if args.sweep else compare_view(found, width, wanted)

    print_records(records, args.format, view)
    for kind, path in wanted_pictures:
        draw_runs(kind, records, path, wanted.baseline)
        print(f"drawn: {path}", file=sys.stderr)
    return 0
