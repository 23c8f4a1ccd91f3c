"""`mmbench list`: what there is to choose from."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mmbench.cli.inputs import add_format_option

EXAMPLE = """\
example:
  mmbench list strategies
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "list",
        description="List what the other verbs can be given.",
        epilog=EXAMPLE,
    )
    parser.add_argument("what", nargs="?", choices=tuple(LISTS), help="only these (all)")
    add_format_option(parser)
    parser.set_defaults(run=run)


def strategies() -> list[dict[str, str]]:
    """Every design: id, status, what it does, its open points."""
    from mmbench.strategies import load_all

    return [
        {
            "id": one.strategy.id,
            "status": one.strategy.status,
            "design": one.strategy.title,
            "parameters": "; ".join(f"{k}={'|'.join(p.choices)}" for k, p in one.strategy.params.items()),
        }
        for one in load_all()
    ]


def victims() -> list[dict[str, str]]:
    """Named profiles and recorded programs."""
    from mmbench.victims import PROFILES, read_victim, recorded_victims

    rows = [{"name": p.name, "kind": "profile", "what": p.summary, "source": p.source} for p in PROFILES.values()]
    for name, path in recorded_victims().items():
        victim = read_victim(path)
        rows.append(
            {"name": name, "kind": "recorded", "what": victim.facts.get("program", ""), "source": victim.source}
        )
    return rows


def scenarios() -> list[dict[str, str]]:
    """Named scenarios."""
    from mmbench.report.reading import setting
    from mmbench.scenarios import NAMED

    return [
        {"name": name, "what": text, "values": ", ".join(setting(k, v) for k, v in values.items())}
        for name, (text, values) in NAMED.items()
    ]


def costs() -> list[dict[str, str]]:
    """Cost tables and how their entries were found."""
    from collections import Counter

    from mmbench.cost.table import load_table, table_names

    rows = []
    for name in table_names():
        table = load_table(name)
        found = Counter(str(entry["provenance"]) for entry in table.entries.values())
        rows.append(
            {"name": name, "machine": table.machine, "entries": ", ".join(f"{n} {k}" for k, n in found.items())}
        )
    return rows


def ops() -> list[dict[str, str]]:
    """Every op that a step may use."""
    from mmbench.machine.ops import Op

    return [{"name": op.name.lower(), "arguments": ", ".join(op.spec.args), "what": op.spec.meaning} for op in Op]


def switches() -> list[dict[str, str]]:
    """Switches of a cost table, as in --costs default+NAME."""
    from mmbench.cost.switches import SWITCHES

    return [{"name": name, "what": one.what, "changes": ", ".join(one.items)} for name, one in SWITCHES.items()]


LISTS = {
    "strategies": strategies,
    "victims": victims,
    "scenarios": scenarios,
    "costs": costs,
    "switches": switches,
    "ops": ops,
}


def run(args: argparse.Namespace) -> int:
    """Print one list, or all of them."""
    chosen = {args.what: LISTS[args.what]()} if args.what else {name: make() for name, make in LISTS.items()}
    if args.format == "json":
        json.dump(chosen, sys.stdout, indent=1)
        print()
    elif args.format == "csv":
        from mmbench.records.csv_text import csv_text

        sys.stdout.write(csv_text({"list": name, **row} for name, rows in chosen.items() for row in rows))
    else:
        print_tables(chosen)
    return 0


def print_tables(chosen: dict[str, list[dict[str, str]]]) -> None:
    """One table per list."""
    from rich import box
    from rich.table import Table

    from mmbench.cli.output import print_view

    for name, rows in chosen.items():
        table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for key in rows[0]:
            table.add_column(key, no_wrap=key in ("id", "name", "status", "kind"), overflow="fold")
        for row in rows:
            table.add_row(*row.values())
        print_view(table)
