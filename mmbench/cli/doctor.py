"""`mmbench doctor`: what can be measured on this machine, and how to get the rest."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from mmbench.cli.inputs import add_format_option
from mmbench.errors import EXIT_CANNOT, EXIT_OK

EXAMPLE = """\
examples:
  mmbench doctor
  sudo mmbench doctor --format json

exit code 3 when calibrate and validate cannot work here
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "doctor",
        description="Try everything that calibrate, validate and oom need, for real and small.",
        epilog=EXAMPLE,
    )
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check and print; 3 when a measurement is impossible here."""
    from mmbench.ask.measurements import ESSENTIAL
    from mmbench.cli.measuring import print_found
    from mmbench.live.doctor import doctor
    from mmbench.report.text.measured import doctor_table

    checks = [asdict(check) for check in doctor()]
    print_found(args.format, checks, checks, lambda: doctor_table(checks))
    essential = {*ESSENTIAL, "session"}
    return EXIT_CANNOT if any(c["name"] in essential and not c["ok"] for c in checks) else EXIT_OK
