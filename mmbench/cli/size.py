"""`mmbench size`: many kills, some of them heavy: what the rare ones do to everybody's reaper latency."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mmbench.ask.study_words import DEFAULT_STRATEGIES, OPTIONS, StudyWords
from mmbench.ask.values import parse_int
from mmbench.cli.inputs import add_format_option, add_scenario_options, overrides_from
from mmbench.cli.spelling import add_designs, add_pictures, designs, pictures
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from mmbench.records.study_types import PromiseRecord, StudyRecord

PLOTS = ("added", "ccdf", "spectrum", "causes", "heatmap")
EXAMPLE = """\
examples:
  mmbench size --heavy 64GiB --rarity 1/2400 --kills poisson:1/s
  mmbench size drop-oom-skip v6.18 --heavy seastar --rarity 1% --holds memory --over 1s
  mmbench size --heavy 64GiB --slo "added p99.9<100ms" --solve rarity
  mmbench size --format json > kept.json; mmbench size --read kept.json --plot causes=causes.png
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "size",
        description="Simulate many OOM kills that share one reaper thread. Times of single victims are the model's.",
        epilog=EXAMPLE,
    )
    add_designs(parser, "v6.18")
    add_laws(parser)
    add_answers(parser)
    add_effort(parser)
    add_scenario_options(parser)
    parser.set_defaults(run=run)


def add_laws(parser: argparse.ArgumentParser) -> None:
    """When kills happen, who dies, how long page locks are held."""
    group = parser.add_argument_group("laws", "of kills, of victims, of page-lock holds")
    group.add_argument("--kills", metavar="LAW|FILE", default="poisson:1/s",
                       help="poisson:RATE, bursts:RATE,size=N,gap=TIME or a record of kills (1/s)")  # fmt: skip
    group.add_argument("--ordinary", metavar="LAW", default="lognormal:256MiB,1.5",
                       help="a size, lognormal:MEDIAN,SIGMA, pareto:SMALLEST,ALPHA, a victim, a record")  # fmt: skip
    group.add_argument("--ordinary-locked", metavar="SHARE", help="share of an ordinary victim that is mlocked (0)")
    group.add_argument("--heavy", metavar="LAW", default="64GiB", help="heavy victims, like --ordinary (64GiB)")
    group.add_argument("--heavy-locked", metavar="SHARE", help="share of a heavy victim that is mlocked (0.9)")
    group.add_argument("--rarity", metavar="P", default="1/1000", help="share of kills that are heavy (1/1000)")
    group.add_argument("--holds", metavar="LAW", default="none",
                       help="page locks held against mlocked victims: none, memory (until memory comes), fixed:TIME, "
                            "exp:MEAN, pareto:SMALLEST,ALPHA (none)")  # fmt: skip
    group.add_argument("--held", metavar="P", default="1", help="share of mlocked victims with a held page (1)")
    group.add_argument("--from", dest="from_", metavar="FILE",
                       help="a record of kills (mmbench import): its gaps, and its sizes for --ordinary")  # fmt: skip
    group.add_argument("--reapers", metavar="N", type=option(parse_int), default=1,
                       help="reaper threads that share the list; the kernel has one (1)")  # fmt: skip
    group.add_argument("--order", choices=("newest", "oldest"), default="newest",
                       help="whom a free reaper takes; the kernel: newest")  # fmt: skip
    group.add_argument("--domains", metavar="N", type=option(parse_int), default=0,
                       help="memory cgroups: a kill is held back while the last victim of its own has no "
                            "MMF_OOM_SKIP; set too early, it costs a further victim (0: each in its own)")  # fmt: skip
    group.add_argument("--ram", metavar="SIZE", default="256GiB", help="no drawn victim is larger (256GiB)")


def add_answers(parser: argparse.ArgumentParser) -> None:
    """What to ask."""
    group = parser.add_argument_group("answers")
    group.add_argument("--over", metavar="TIME", default="1s", help="how often does it take longer than this? (1s)")
    group.add_argument("--tail", metavar="TIME",
                       help="how likely is longer than this, too rare for --n kills to see? (importance sampling of "
                            "holds, splitting of busy periods)")  # fmt: skip
    group.add_argument("--hosts", metavar="M", type=option(parse_int), help="say it for a fleet of M hosts")
    group.add_argument("--kills-per-day", metavar="K", default="1", help="kills a day on each host of the fleet (1)")
    group.add_argument(
        "--slo",
        metavar="pN<TIME",
        help='find the largest heavy victim for which this holds; "added pN<TIME": what they add',
    )
    group.add_argument("--solve", choices=("size", "rarity"), default="size", help="what --slo looks for (size)")
    group.add_argument("--detail", action="store_true", help="print every table that the study has")
    group.add_argument("--confidence", metavar="SHARE", default="95%", help="of all intervals (95%%)")
    add_pictures(group, PLOTS, "what heavy victims add")
    group.add_argument("--read", metavar="FILE", help="simulate nothing: show again what --format json kept")
    add_format_option(group)


def add_effort(parser: argparse.ArgumentParser) -> None:
    """How much work, and where."""
    group = parser.add_argument_group("effort")
    group.add_argument("--n", metavar="KILLS", default="2000000", help="kills to simulate, at most (2000000)")
    group.add_argument("--precision", metavar="SHARE", help="stop when half the interval of --target is this narrow")
    group.add_argument("--target", metavar="pN", default="p99.9", help="what --precision and the ranking go by (p99.9)")
    group.add_argument("--workers", metavar="N", type=option(parse_int), default=1, help="how many at once (1)")
    group.add_argument("--backend", choices=("threads", "processes", "dask"), default="threads", help="(threads)")
    group.add_argument("--cluster", metavar="ADDRESS", help="a dask scheduler (with --backend dask: a local one)")
    group.add_argument("--ledger", metavar="FOLDER",
                       help="keep finished chunks in files of this folder; an interrupted study resumes")  # fmt: skip
    group.add_argument("--costs", metavar="NAME|FILE[+SWITCH]", default="default", help="cost table (default)")
    group.add_argument("--seed", metavar="N", type=option(parse_int), default=1, help="seed of the random numbers (1)")


def words_from(args: argparse.Namespace) -> StudyWords:
    """The question that was typed."""
    given = {option.name: getattr(args, option.name) for option in OPTIONS}
    return StudyWords(tuple(designs(args) or DEFAULT_STRATEGIES), overrides=overrides_from(args), **given)


def run(args: argparse.Namespace) -> int:
    """Run the study and print; 0 done, 1 when an SLO was asked for and nothing meets it."""
    from mmbench.ask.ladder import solve
    from mmbench.ask.plan import plan_from
    from mmbench.ask.studies import answer_all
    from mmbench.cli.sizing_plots import draw_plots
    from mmbench.cli.watching import watching

    if args.read:
        return read_again(args)
    plan, plots, watch = plan_from(words_from(args)), pictures(args.plot, PLOTS), watching()
    if args.slo:
        found = solve(plan, args.slo, args.solve, watch)
        print_solutions(found, args.format)
        return EXIT_OK if all(record["answer"] is not None for record in found) else EXIT_BAD_NEWS
    records = answer_all(plan, watch)
    print_answers(records, args.format, args.detail)
    draw_plots(plots, records, plan, watch)
    return EXIT_OK


def read_again(args: argparse.Namespace) -> int:
    """Print and draw what a file holds."""
    from mmbench.cli.sizing_plots import draw_plots
    from mmbench.records.study_record import read_studies

    plots, kept = pictures(args.plot, PLOTS), read_studies(args.read)
    if plots and (kept.promises or "heatmap" in dict(plots)):
        raise InputError("--read draws the pictures of a study but heatmap, which runs a study for each of its cells.")
    if kept.promises:
        print_solutions(kept.promises, args.format)
    else:
        print_answers(kept.studies, args.format, args.detail)
        draw_plots(plots, kept.studies)
    return EXIT_OK


def print_answers(records: list[StudyRecord], how: str, detail: bool) -> None:
    """Print as asked for (--format, --detail)."""
    from mmbench.ask.study_words import brief
    from mmbench.cli.output import print_view
    from mmbench.report.text.size_answer import size_answer
    from mmbench.report.text.size_tables import size_tables, to_csv, to_json

    if how == "table":
        print_view(size_answer(records, everybody=detail, again=brief(records[0]["made_from"]["command"])))
        if detail:
            print_view(size_tables(records))
    else:
        sys.stdout.write(to_json(records) if how == "json" else to_csv(records))


def print_solutions(records: list[PromiseRecord], how: str) -> None:
    """Print as asked for (--format)."""
    from mmbench.cli.output import print_view
    from mmbench.report.text.size_tables import slo_view, to_csv

    if how == "table":
        print_view(slo_view(records))
    elif how == "csv":
        sys.stdout.write(to_csv(records))
    else:
        sys.stdout.write(json.dumps(records, indent=1) + "\n")
