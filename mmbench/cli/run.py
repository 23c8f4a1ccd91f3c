"""`mmbench run`: run one strategy and show everything it measured; or repeat a run from its token."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_run_options, add_scenario_options, add_victim_options, inputs_from
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.ask.runs import Inputs

EXAMPLE = """\
examples:
  mmbench run v5.17 --size 1TiB --scenario contended
  mmbench run trylock:bail_out=vma --scenario stuck-holder
  mmbench run --replay TOKEN
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "run",
        description="Run one strategy and show pages, times and blocking in full.",
        epilog=EXAMPLE,
    )
    parser.add_argument("strategy", nargs="?", metavar="ID|FILE", help="which, as ID[:param=value]")
    parser.add_argument("--replay", metavar="TOKEN", help="do exactly the run that printed this token")
    parser.add_argument("--tokens", action="store_true", help="print the token that repeats the run")
    add_victim_options(parser)
    add_scenario_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run)


def asked(args: argparse.Namespace) -> tuple[str, Inputs]:
    """The strategy and inputs, from the options or from a token. Raises InputError when both or neither is given."""
    if bool(args.strategy) == bool(args.replay):
        raise InputError("give a strategy (mmbench list strategies) or --replay TOKEN, one of the two.")
    if args.strategy:
        return args.strategy, inputs_from(args)
    from mmbench.ask.runs import replayed

    return replayed(args.replay)


def run(args: argparse.Namespace) -> int:
    """Run and print one record."""
    from mmbench.ask.runs import run_all
    from mmbench.cli.output import print_records
    from mmbench.cli.watching import watching
    from mmbench.report.text.detail import run_view
    from mmbench.strategies import load

    spec, inputs = asked(args)
    records = run_all(inputs, [load(spec)], watching())
    print_records(records, args.format, lambda found: run_view(found[0], tokens=args.tokens))
    return 0
