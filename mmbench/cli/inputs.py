"""Options that several verbs share: the victim, the scenario, the cost table, the output; and what they mean."""

from __future__ import annotations

import argparse
from typing import Any

from mmbench.ask.runs import DEFAULT_SIZE, OF_A_VICTIM, SHARES, Inputs
from mmbench.ask.values import SCENARIO_OPTIONS, parse_int
from mmbench.cli.values import option


def add_victim_options(parser: argparse.ArgumentParser) -> None:
    """Who dies: --victim, or the shares of a synthetic one."""
    group = parser.add_argument_group("victim", "a named one, a file, or a synthetic one made to measure")
    named = "a profile, a recorded program, a victim file, or a kill of a log: FILE.kills.json:N with --locked"
    group.add_argument("--victim", metavar="NAME|FILE", help=named)
    group.add_argument("--size", metavar="SIZE", help=f"size of a synthetic victim, as in 1.5TiB ({DEFAULT_SIZE})")
    group.add_argument("--vmas", metavar="N", type=option(parse_int), help="number of VMAs (1000)")
    group.add_argument("--kind", choices=("anon", "file", "shmem"), help="kind of memory (anon)")
    group.add_argument("--order", metavar="N", type=option(parse_int), help="folio order of PTE-mapped pages (0)")
    for name, text in SHARES.items():
        group.add_argument(f"--{name}", metavar="SHARE", help=text)


def add_scenario_options(parser: argparse.ArgumentParser) -> None:
    """What happens around it: --scenario and overrides of single fields."""
    from mmbench.scenarios import NAMED, OPTIONS

    group = parser.add_argument_group("scenario", "a named one, or several joined by +, and single values of it")
    group.add_argument(
        "--scenario", metavar="NAME|FILE", default="quiet", help=f"{', '.join(NAMED)}, or a .py file (quiet)"
    )
    for name, (target, word) in SCENARIO_OPTIONS.items():
        text = OPTIONS[target].help.replace("%", "%%")
        group.add_argument(f"--{name}", dest=target, metavar=word.metavar, type=option(word.parse), help=text)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Costs, seed and output format."""
    group = parser.add_argument_group("run and output")
    group.add_argument("--costs", metavar="NAME|FILE[+SWITCH]", default="default", help="cost table (default)")
    group.add_argument("--seed", metavar="N", type=option(parse_int), default=1, help="seed of the random numbers (1)")
    add_format_option(group)


def add_format_option(group: Any, formats: tuple[str, ...] = ("table", "json", "csv")) -> None:
    """--format."""
    group.add_argument("--format", choices=formats, default="table", help="how to print (table)")


def inputs_from(args: argparse.Namespace) -> Inputs:
    """Collect the shared options. Raises InputError."""
    described = {name: str(getattr(args, name)) for name in OF_A_VICTIM if getattr(args, name) is not None}
    return Inputs(args.victim or "", described, args.scenario, overrides_from(args), args.costs, args.seed)


def overrides_from(args: argparse.Namespace) -> dict[str, int]:
    """The single values of a scenario that were given."""
    given = {target: getattr(args, target) for target, _ in SCENARIO_OPTIONS.values()}
    return {name: value for name, value in sorted(given.items()) if value is not None}
