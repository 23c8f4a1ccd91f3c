"""`mmbench oom`: a real OOM kill, contained in a memory cgroup of its own, beside the model's prediction."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from mmbench.ask.values import parse_int
from mmbench.cli.inputs import add_format_option
from mmbench.cli.measuring import add_memory_option
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from mmbench.live.workload import VictimConfig

EXAMPLE = """\
examples:
  sudo mmbench oom
  sudo mmbench oom --size 512MiB --locked 1 --vmas 64 --yes --format json
  sudo mmbench oom --kind shmem --yes     (shared memory is not reaped, so somebody else dies, too)

Exit code 1 when the reaper frees other pages than the model says.
"""
KINDS = ("anon", "thp", "shmem")
DEFAULT_SIZE = "256MiB"


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "oom",
        description="Make a memory cgroup, let the kernel's OOM killer kill a mlocked hog in it, and show the kernel's "
        "events beside the model's.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--size", metavar="SIZE", default=DEFAULT_SIZE, help=f"of the victim ({DEFAULT_SIZE})")
    parser.add_argument("--locked", metavar="SHARE", default="1", help="share of it that is mlocked (1)")
    parser.add_argument("--vmas", metavar="N", type=option(parse_int), default=1, help="number of VMAs (1)")
    parser.add_argument("--kind", choices=KINDS, default="anon", help="kind of memory (anon)")
    parser.add_argument("--not-held", action="store_true", help="let the victim exit at once: it outruns the reaper")
    parser.add_argument("--costs", metavar="NAME|FILE", default="default", help="cost table of the model (default)")
    parser.add_argument("--yes", action="store_true", help="do not ask before the kill")
    add_memory_option(parser)
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, kill, predict, print; 1 when page counts differ."""
    from mmbench.ask.ooms import kill, planned
    from mmbench.cli.measuring import asked_memory_bytes, print_found
    from mmbench.report.text.measured import timeline_table

    memory = asked_memory_bytes(args)
    plan = planned(args.size, args.locked, args.vmas, args.kind, not args.not_held, args.costs, memory)
    if not args.yes and not agreed(plan.config):
        print("nothing was done", file=sys.stderr)
        return EXIT_OK
    record = kill(plan, lambda step: print(step, file=sys.stderr, flush=True))
    print_found(args.format, record, record["timeline"], lambda: timeline_table(record))
    return EXIT_OK if record["verdict"] == "pass" else EXIT_BAD_NEWS


def agreed(config: VictimConfig) -> bool:
    """Ask the person on the terminal. Raises InputError when there is nobody to ask."""
    if not sys.stdin.isatty():
        raise InputError("oom asks before it has the kernel kill a process, and there is no terminal: give --yes.")
    question = (
        f"The kernel will OOM-kill {config} (a child of this command) in a memory cgroup made for it. Go on? [y/N] "
    )
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
