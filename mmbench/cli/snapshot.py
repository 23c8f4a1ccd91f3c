"""`mmbench snapshot`: read a live process into a victim file."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from mmbench.ask.values import parse_int
from mmbench.cli.values import option

EXAMPLE = """\
example:
  mmbench snapshot 1234 -o redis.victim && mmbench compare --victim redis.victim
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "snapshot",
        description="Read /proc/PID/smaps (and pagemap where permitted). No names, paths or contents are kept.",
        epilog=EXAMPLE,
    )
    parser.add_argument("pid", metavar="PID", type=option(parse_int), help="the process to read")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the victim file to write")
    parser.add_argument("--name", metavar="NAME", help="name of the victim (its command name)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Snapshot, write, and say what was found."""
    from mmbench.victims import format_size, snapshot, write_victim

    victim = snapshot(args.pid, name=args.name)
    write_victim(victim, args.output)
    t = victim.vmas
    print(
        f"{args.output}: {victim.name}, {t.n_vmas:,} VMAs, {format_size(t.resident_pages * 4096)} resident, "
        f"{format_size(t.locked_pages * 4096)} of it locked",
        file=sys.stderr,
    )
    return 0
