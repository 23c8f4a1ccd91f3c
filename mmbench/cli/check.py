"""`mmbench check`: run strategies through every interleaving of a small world; safe, or the schedule that breaks it."""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.ask.checks import MAX_MEMORY, MAX_STATES
from mmbench.ask.values import parse_int
from mmbench.cli.inputs import add_format_option
from mmbench.cli.streams import tell
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError, short

if TYPE_CHECKING:
    from mmbench.ask.timed_replay import Retaken
    from mmbench.checker.counterexample import Counterexample
    from mmbench.checker.judgement import Judgement
    from mmbench.checker.verdict import Verdict

EXAMPLE = """\
examples:
  mmbench check
  mmbench check v4.14 drop-oom-skip --save v4.14.json
  mmbench check ./my_design.py --scope two-callers --property ./my_property.py
  mmbench check --replay v4.14.json --trace v4.14.trace.json
  mmbench check --record verdicts.json; mmbench check --expect verdicts.json

exit code 1 when a strategy fails or stalls, or a search is incomplete; with --expect, when a verdict is not as recorded
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "check",
        description="Explore every interleaving of a strategy in a small world: safe, fails or stalls, with the "
        "shortest schedule that shows it.",
        epilog=EXAMPLE,
    )
    parser.add_argument("strategies", nargs="*", metavar="ID|FILE", help="which, as ID[:param=value] (all built in)")
    parser.add_argument("--scope", metavar="NAME|FILE", help="one small world (all named ones)")
    parser.add_argument("--property", metavar="FILE", help="a property of your own: NAME and def holds(v)")
    parser.add_argument("--max-states", metavar="N", type=option(parse_int), default=MAX_STATES, help=f"({MAX_STATES})")
    parser.add_argument("--max-memory", metavar="SIZE", default=MAX_MEMORY, help=f"memory of one search ({MAX_MEMORY})")
    parser.add_argument("--unreduced", action="store_true", help="search without the reductions")
    parser.add_argument("--anyway", action="store_true", help="search a scope that is far too large, up to the limits")
    parser.add_argument(
        "--save", metavar="FILE", help="write the first counterexample to a file, or all to a folder, for --replay"
    )
    parser.add_argument("--trace", metavar="FILE", help="write the first counterexample as a Chrome trace")
    parser.add_argument("--replay", metavar="FILE", help="take the schedule of a saved counterexample again")
    parser.add_argument("--record", metavar="FILE", help="write the verdicts to a file, for --expect")
    parser.add_argument("--expect", metavar="FILE", help="exit code 0 when the verdicts are those of the file, else 1")
    add_format_option(parser)
    parser.set_defaults(run=run)


def file_name(c: Counterexample) -> str:
    """A file for each schedule of a folder: design, scope, property; only letters that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", f"{c.strategy}-{c.scope.name}-{c.property.name}") + ".json"


def make_folder(name: str) -> None:
    """Make a folder unless it is there. Raises InputError where it cannot be."""
    try:
        Path(name).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {short(name)}: {error.strerror}.") from error


def write_files(args: argparse.Namespace, found: list[Counterexample]) -> None:
    """Write what --save and --trace ask for."""
    from mmbench.checker.counterexample import to_json
    from mmbench.checker.show import chrome_trace
    from mmbench.records.files import write_json

    if (args.save or args.trace) and not found:
        print("mmbench: no counterexample, so nothing is written.", file=sys.stderr)
        return
    if args.save and (args.save.endswith("/") or Path(args.save).is_dir()):
        make_folder(args.save)
        for c in found:
            write_json(str(Path(args.save) / file_name(c)), to_json(c))
    elif args.save:
        write_json(args.save, to_json(found[0]))
        if len(found) > 1:
            print(
                f"mmbench: {args.save} has the first of {len(found)} counterexamples; a folder, "
                f"--save {args.save.removesuffix('.json')}/, takes them all.",
                file=sys.stderr,
            )
    if args.trace:
        write_json(args.trace, chrome_trace(found[0]))


def run(args: argparse.Namespace) -> int:
    """Check and print; 1 when any strategy is not shown to be safe, or any verdict is not as expected."""
    if args.replay:
        return run_replay(args)
    from mmbench.ask.checks import judge_all, limits_of, read_recorded, recorded
    from mmbench.checker.scope import NAMED
    from mmbench.records.files import write_json
    from mmbench.strategies import IDS

    expected = read_recorded(args.expect) if args.expect else None
    limits = limits_of(args.max_states, args.max_memory)
    options = {"reduce": not args.unreduced, "anyway": args.anyway}
    scopes = [args.scope] if args.scope else list(NAMED)
    found = []
    for judgement in judge_all(args.strategies or IDS, scopes, limits, args.property, **options):
        found.append(judgement)
        if args.format == "table":
            print_judgement(judgement)
    verdicts = [v for judgement in found for v in judgement.verdicts]
    print_all(args.format, found, verdicts)
    write_files(args, [c for judgement in found for c in judgement.counterexamples])
    if args.record:
        write_json(args.record, recorded(found))
    if expected is not None:
        return compare_with(expected, found, everything=not (args.scope or args.strategies))
    return EXIT_OK if all(v.verdict == "safe" for v in verdicts) else EXIT_BAD_NEWS


def print_judgement(judgement: Judgement) -> None:
    """What is said of a design, and the schedules."""
    from mmbench.checker.judgement import lines
    from mmbench.checker.show import text
    from mmbench.checker.verdict import line
    from mmbench.cli.output import terminal_width

    several = len(judgement.verdicts) > 1
    for said in lines(judgement) if several else line(judgement.verdicts[0]).splitlines():
        print(textwrap.fill(said, terminal_width(), subsequent_indent="    "))
    for c in judgement.counterexamples:
        where = f"scope {c.scope.name}:\n" if several else ""
        print("\n" + where + folded(text(c, terminal_width())) + "\n")
    sys.stdout.flush()


def folded(schedule: str) -> str:
    """A schedule whose sentences are as wide as the terminal; its table stays as it is."""
    from mmbench.cli.output import terminal_width

    width = terminal_width()
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, width, subsequent_indent="  ")
        for line in schedule.splitlines()
    )


def print_all(how: str, found: list[Judgement], verdicts: list[Verdict]) -> None:
    """The closing summary for people; for programs, every verdict."""
    from mmbench.checker.judgement import summary
    from mmbench.records.csv_text import csv_text

    if how == "json":
        json.dump([v.as_dict() for v in verdicts], sys.stdout, indent=1)
        print()
    elif how == "csv":
        sys.stdout.write(csv_text(v.as_row() for v in verdicts))
    elif len(found) > 1:
        print("\n" + "\n".join(summary(found)))


def compare_with(expected: dict[str, dict[str, str]], found: list[Judgement], *, everything: bool) -> int:
    """Say on stderr what is not as expected; 0 when nothing is, else 1."""
    from mmbench.ask.checks import changed

    lines = changed(expected, found, everything=everything)
    for text in lines:
        tell(f"mmbench: changed: {text}")
    if not lines:
        print(f"mmbench: all {sum(len(j.verdicts) for j in found)} verdicts are as expected", file=sys.stderr)
    return EXIT_BAD_NEWS if lines else EXIT_OK


def timed(again: Retaken) -> str:
    """What the same schedule comes to in the timed engine."""
    from mmbench.report.units import format_time

    what = ", ".join(again.broken_timed)
    name = again.schedule.property.name
    says = f"breaks {what}" if what else f"ends where {name} is broken, which only the checker judges"
    return f"\nthe same schedule in the timed engine takes {format_time(again.end_ps)} (model) and {says}"


def run_replay(args: argparse.Namespace) -> int:
    """Take a saved schedule again; exit code 1 because it breaks what it says."""
    from mmbench.ask.timed_replay import retaken
    from mmbench.checker.counterexample import to_json
    from mmbench.checker.show import text

    if args.format == "csv":
        raise InputError("--replay prints one schedule: --format table or json.")
    again = retaken(Path(args.replay), args.strategies, args.property)
    schedule = again.schedule
    if args.format == "json":
        json.dump(to_json(schedule), sys.stdout, indent=1)
        print()
    else:
        print(f"{schedule.strategy}, scope {schedule.scope.name}: the schedule breaks {schedule.property.name} again\n")
        print(text(schedule))
        print(timed(again))
    write_files(args, [schedule])
    return EXIT_BAD_NEWS
