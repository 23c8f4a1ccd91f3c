"""`mmbench validate`: predict victims that nothing was fitted to, then measure them: is the model true here?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmbench.ask.values import parse_budget_s, parse_int
from mmbench.cli.inputs import add_format_option
from mmbench.cli.measuring import add_memory_option
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

EXAMPLE = """\
examples:
  mmbench validate --quick
  mmbench validate -o here.json --plot here.png
  mmbench validate --costs ./here.json --held-out 40 --format json

Without --costs it calibrates first, in the same session: times drift by a
tenth between sessions. Predictions are on disk, with a digest, before the
victims they speak of are measured. It measures on, twice as many victims each
time, until the intervals tell or time is up. Exit code 0 for pass, 1 for fail
or undecided.
"""
N_HELD_OUT, QUICK_HELD_OUT = 25, 13  # at the first look; up to three more, each twice as many


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "validate",
        description="Predict held-out victims with the model, freeze the predictions, measure, and judge.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--costs", metavar="FILE", help="cost table of mmbench calibrate (calibrates first)")
    parser.add_argument("-o", dest="output", metavar="FILE", help="write the record here (.json), its parts beside it")
    parser.add_argument("--plot", metavar="FILE", help="draw model against measured into a .png, .svg or .pdf file")
    parser.add_argument("--detail", action="store_true", help="print a row for each victim and kind of tear-down, too")
    parser.add_argument("--quick", action="store_true", help="smaller victims, fewer of them, done in five minutes")
    parser.add_argument(
        "--held-out", metavar="N", type=option(parse_int), help=f"victims before the first look ({N_HELD_OUT})"
    )
    parser.add_argument(
        "--budget", metavar="TIME", type=option(parse_budget_s), help="measure no longer than this, each half"
    )
    parser.add_argument(
        "--seed", metavar="N", type=option(parse_int), default=1, help="which victims, in what order (1)"
    )
    add_memory_option(parser)
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, freeze, measure until the intervals tell, and print; 0 for pass, 1 for fail or undecided."""
    from mmbench.ask.measurements import effort_of, examine
    from mmbench.ask.validations import Asked, validate_here
    from mmbench.cli.measuring import Measuring, asked_memory_bytes, print_found
    from mmbench.report.text.measured import validation_view
    from mmbench.validation.looks import what_more_would_buy

    check(args)
    machine, effort = examine(asked_memory_bytes(args), args.quick), effort_of(args.quick, args.budget)
    n_first = args.held_out or (QUICK_HELD_OUT if args.quick else N_HELD_OUT)
    done = validate_here(Asked(n_first, args.seed, args.costs, args.output), machine, effort, say_frozen, Measuring())
    record = done.record
    if args.plot:
        from mmbench.report.pictures.scatter import scatter_figure

        scatter_figure(record, args.plot)
        print(f"drawn: {args.plot}", file=sys.stderr)
    print_found(args.format, record, record["rows"], lambda: validation_view(record, detail=args.detail))
    if more := what_more_would_buy(record, done.seconds):
        print(f"mmbench: {more}", file=sys.stderr)
    return EXIT_OK if record["verdict"] == "pass" else EXIT_BAD_NEWS


def say_frozen(n_victims: int, digest: str) -> None:
    """Tell the digest while nothing is measured yet."""
    print(f"{n_victims} victims predicted and frozen, sha256 {digest}", file=sys.stderr)


def check(args: argparse.Namespace) -> None:
    """Refuse bad input before anything is measured. Raises InputError."""
    from mmbench.ask.validations import bases_of
    from mmbench.cli.calibrate import check_output
    from mmbench.report.pictures.picture import picture_suffix

    if args.output:
        check_output(args.output)
    if args.plot:
        picture_suffix(args.plot)
        if not Path(args.plot).parent.is_dir():
            raise InputError(f"--plot {args.plot}: its folder does not exist; create {Path(args.plot).parent} first.")
    if args.held_out is not None and not 1 <= args.held_out <= 500:
        raise InputError(f"--held-out {args.held_out}: allowed are 1 to 500 victims.")
    if args.costs:
        bases_of(args.costs)
