"""`mmbench trace`: one run as a Chrome trace, as a picture of its timeline, or as a table of its events."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mmbench.ask.values import parse_int
from mmbench.cli.inputs import add_scenario_options, add_victim_options
from mmbench.cli.spelling import OldSpelling, add_pictures, pictures
from mmbench.cli.values import option

if TYPE_CHECKING:
    from mmbench.records.types import RunRecord

EXAMPLE = """\
examples:
  mmbench trace drop-oom-skip --scenario stuck-holder -o trace.json --plot timeline.png
  mmbench trace v6.18 --size 4GiB --vmas 8 --scenario mrelease
  mmbench run v5.17 --format json > run.json; mmbench trace run.json --plot timeline.png
  mmbench trace --replay TOKEN -o trace.json

Open trace.json in Perfetto (ui.perfetto.dev, or a copy of your own) or in chrome://tracing.
"""
PLOTS = ("timeline",)


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "trace",
        description="Run one strategy, or read a record of a run, and show its timeline: lock holds, waits and work "
        "of every task, and events by their names in the kernel. Times are the model's.",
        epilog=EXAMPLE,
    )
    parser.add_argument("strategy", nargs="?", metavar="ID|FILE", help="a strategy as for run, or a record (.json)")
    parser.add_argument("--replay", metavar="TOKEN", help="trace exactly the run that printed this token")
    parser.add_argument("-o", "--output", metavar="FILE", help="write Chrome-trace JSON (a name in .gz zips it)")
    add_pictures(parser, PLOTS, "the timeline")
    parser.add_argument("--png", action=OldSpelling, dest="plot", now="--plot")
    parser.add_argument("--tokens", action="store_true", help="print the token that repeats the run")
    add_victim_options(parser)
    add_scenario_options(parser)
    group = parser.add_argument_group("run and output")
    group.add_argument("--costs", metavar="NAME|FILE[+SWITCH]", default="default", help="cost table (default)")
    group.add_argument("--seed", metavar="N", type=option(parse_int), default=1, help="seed of the random numbers (1)")
    group.add_argument(
        "--format", choices=("text", "json", "csv"), help="print the events (text, when no file is asked for)"
    )
    parser.set_defaults(run=run)


def the_record(args: argparse.Namespace) -> RunRecord:
    """Read the record asked for, or make it by a run."""
    from mmbench.records.run_record import read_run

    if args.strategy and args.strategy.endswith((".json", ".json.gz")) and not args.replay:
        return read_run(args.strategy)
    from mmbench.ask.runs import run_all
    from mmbench.cli.run import asked
    from mmbench.cli.watching import watching
    from mmbench.strategies import load

    spec, inputs = asked(args)
    return run_all(inputs, [load(spec)], watching())[0]


def run(args: argparse.Namespace) -> int:
    """Trace one run: files first, then what is printed."""
    from mmbench.report.text.events import event_rows, event_view

    wanted = pictures(args.plot, PLOTS)
    record = the_record(args)
    if args.output:
        from mmbench.report.story.chrome import write_trace

        write_trace(record, args.output)
        print(f"written: {args.output}", file=sys.stderr)
    for _, path in wanted:
        from mmbench.report.pictures.timeline import timeline

        timeline(record, path)
        print(f"drawn: {path}", file=sys.stderr)
    if args.format == "json":
        json.dump(event_rows(record), sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif args.format == "csv":
        from mmbench.records.csv_text import csv_text

        sys.stdout.write(csv_text(event_rows(record)))
    elif args.format == "text" or not (args.output or wanted):
        from mmbench.cli.output import print_view

        print_view(event_view(record, tokens=args.tokens))
    return 0
