"""Options that several verbs share: the victim, the scenario, the cost table, the output; and what they mean."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmbench.cli.values import option, parse_int, parse_pages, parse_ppm, parse_time_ps
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.scenarios import Scenario
    from mmbench.victims import Victim

DEFAULT_SIZE = "64GiB"

# Option -> (metavar, help, argparse type); the names are those of victims.synthetic.
SHARES = {
    "locked": "share of the memory in VM_LOCKED VMAs (0.9)",
    "thp": "share mapped by 2 MiB huge pages (0)",
    "shared": "share in shared mappings (0)",
    "elsewhere": "share that another process maps too (0)",
    "hugetlb": "share in hugetlb VMAs (0)",
    "resident": "share of the address space that is resident (1)",
}

OF_A_KILL = ("locked", "shared", "vmas")  # what a log does not tell of a victim

# Option -> (scenario field, metavar, parser)
SCENARIO_OPTIONS = {
    "exit-start": ("exit_start_ps", "TIME", parse_time_ps),
    "reaper-start": ("reaper_start_ps", "TIME|never", parse_time_ps),
    "mrelease-start": ("mrelease_start_ps", "TIME|never", parse_time_ps),
    "oom-victim": ("oom_victim", "0|1", parse_int),
    "exit-slowness": ("exit_slowness", "N", parse_int),
    "contended": ("contended_ppm", "SHARE", parse_ppm),
    "hold-mean": ("hold_mean_ps", "TIME", parse_time_ps),
    "holder-needs": ("holder_needs_pages", "SIZE", parse_pages),
    "holder-hold": ("holder_hold_ps", "TIME", parse_time_ps),
    "holder-at": ("holder_at_ppm", "SHARE", parse_ppm),
    "writer-hold": ("writer_hold_ps", "TIME", parse_time_ps),
    "need": ("need_pages", "SIZE", parse_pages),
    "batch-pages": ("batch_pages", "0|1|2", parse_int),
}


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
    from mmbench.scenarios.scenario import FIELDS, NAMED

    group = parser.add_argument_group("scenario", "a named one, or several joined by +, and single values of it")
    group.add_argument("--scenario", metavar="NAME", default="quiet", help=f"{', '.join(NAMED)} (quiet)")
    for name, (target, metavar, parse) in SCENARIO_OPTIONS.items():
        group.add_argument(
            f"--{name}", dest=target, metavar=metavar, type=option(parse), help=FIELDS[target].replace("%", "%%")
        )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Costs, seed and output format."""
    group = parser.add_argument_group("run and output")
    group.add_argument("--costs", metavar="NAME|FILE", default="default", help="cost table (default)")
    group.add_argument("--seed", metavar="N", type=option(parse_int), default=1, help="seed of the random numbers (1)")
    add_format_option(group)


def add_format_option(group: Any, formats: tuple[str, ...] = ("table", "json", "csv")) -> None:
    """--format."""
    group.add_argument("--format", choices=formats, default="table", help="how to print (table)")


@dataclass(frozen=True)
class Inputs:
    """What was asked for, as text and integers: enough to do the same run again.

    victim: NAME or FILE, or "" for a synthetic one described by `synthetic` (option -> text)
    scenario: NAME[+NAME], with `overrides` (scenario field -> integer)
    """

    victim: str
    synthetic: dict[str, str]
    scenario: str
    overrides: dict[str, int]
    costs: str = "default"
    seed: int = 1
    extra: dict[str, str] = field(default_factory=dict)

    def make_victim(self) -> Victim:
        """Build the victim's table of VMAs. Raises InputError."""
        from mmbench.victims import parse_share, parse_size, synthetic, victim
        from mmbench.victims.kernel_log import kill_victim, names_kills

        if self.victim and not names_kills(self.victim):
            return victim(self.victim)
        options: dict[str, Any] = {}
        for name, text in self.synthetic.items():
            if name in SHARES:
                options[name] = parse_share(text, name)
            elif name in ("vmas", "order"):
                options[name] = int(text)
            elif name != "size":
                options[name] = text
        if self.victim:
            return kill_victim(self.victim, **options)
        return synthetic(parse_size(self.synthetic.get("size", DEFAULT_SIZE)), **options)

    def make_scenario(self) -> Scenario:
        """Build the scenario. Raises InputError."""
        from mmbench.scenarios import scenario

        return scenario(self.scenario, self.overrides)


def inputs_from(args: argparse.Namespace) -> Inputs:
    """Collect the shared options. Raises InputError when a victim is named and described at once."""
    from mmbench.victims.kernel_log import names_kills

    names = ("size", "vmas", "kind", "order", *SHARES)
    described = {name: str(getattr(args, name)) for name in names if getattr(args, name) is not None}
    if args.victim and not (described.keys() <= set(OF_A_KILL) if names_kills(args.victim) else not described):
        given = ", ".join(f"--{name}" for name in described)
        raise InputError(f"--victim {args.victim} is complete in itself; leave out {given}.")
    if not -(1 << 62) < args.seed < 1 << 62:
        raise InputError(f"--seed {args.seed}: allowed are integers of at most 62 bits.")
    fields = {target for target, _, _ in SCENARIO_OPTIONS.values()}
    overrides = {name: getattr(args, name) for name in sorted(fields) if getattr(args, name) is not None}
    return Inputs(args.victim or "", described, args.scenario, overrides, args.costs, args.seed)
