"""`mmbench calibrate`: measure the running kernel's tear-downs and fit the cost table to them."""

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
  mmbench calibrate -o here.json
  mmbench calibrate --quick -o quick.json && mmbench compare --costs ./quick.json
  mmbench calibrate --samples here.samples.jsonl.gz -o again.json

Raw samples go beside the table (here.samples.jsonl.gz). Leave the machine alone meanwhile: a busy second CPU shifts
everything. Exit code 1 when the measurements scatter too much to conclude anything.
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "calibrate",
        description="Tear victims down for real (process_mrelease, exit, both at once), and fit the model's costs.",
        epilog=EXAMPLE,
    )
    parser.add_argument("-o", dest="output", metavar="FILE", required=True, help="write the cost table here (.json)")
    add_memory_option(parser)
    parser.add_argument("--budget", metavar="TIME", type=option(parse_budget_s), help="measure no longer than this")
    parser.add_argument("--samples", metavar="FILE", help="fit to the raw samples of an earlier run, measure nothing")
    parser.add_argument("--quick", action="store_true", help="smaller victims, fewer repetitions, about two minutes")
    parser.add_argument("--seed", metavar="N", type=option(parse_int), default=1, help="order of the victims (1)")
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, fit, write and print; 1 when inconclusive."""
    from mmbench.ask.calibrations import calibrate_here, fit_again, inconclusive, samples_path
    from mmbench.ask.measurements import effort_of, examine
    from mmbench.cli.measuring import Measuring, asked_memory_bytes, print_found
    from mmbench.report.text.measured import cost_table

    check_output(args.output)
    if args.samples:
        calibration = fit_again(args.samples, args.output)
        print(f"written: {args.output}", file=sys.stderr)
    else:
        machine, effort = examine(asked_memory_bytes(args), args.quick), effort_of(args.quick, args.budget)
        calibration = calibrate_here(machine, effort, args.seed, args.output, Measuring())
        print(f"written: {args.output}, raw samples in {samples_path(args.output)}", file=sys.stderr)
    table = calibration.table
    rows = [{"cost": name, **entry} for name, entry in table["costs"].items()]
    print_found(args.format, table, rows, lambda: cost_table(table, calibration.errors, calibration.spread))
    noisy = inconclusive(calibration)
    if noisy:
        print(f"mmbench: inconclusive: {noisy}.", file=sys.stderr)
    return EXIT_BAD_NEWS if noisy else EXIT_OK


def check_output(path: str) -> None:
    """Refuse a path that cannot be written before anything is measured. Raises InputError."""
    target = Path(path)
    if target.suffix != ".json":
        raise InputError(f"-o {path}: give a file name that ends with .json.")
    if target.is_dir() or not target.parent.is_dir():
        raise InputError(
            f"-o {path}: its folder does not exist, or it is a folder itself; create {target.parent} first."
        )
