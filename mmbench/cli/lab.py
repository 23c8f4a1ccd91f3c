"""`mmbench lab`: other kernels, fetched, booted in QEMU and asked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.cli import lab_compare, lab_designs, lab_exiting
from mmbench.cli.inputs import add_format_option
from mmbench.cli.output import table_view
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.records.lab_types import LabRecord

EXAMPLE = """\
examples:
  mmbench lab run 5.10
  mmbench lab run 6.17 6.18 --set full -o results/lab
  mmbench lab run ./vmlinuz-6.9 --format json
  mmbench lab run 6.12 --strategy v6.1 ./mine.py
  mmbench lab run ./bzImage --strategy ./mine.py
  mmbench lab run 5.10 --schedule bad.json          (mmbench check v4.14 --save bad.json)
  mmbench lab run 7.3 --set exiting-victim
  mmbench lab doctor
  mmbench lab compare results/lab/6.12.json
  mmbench lab list

KERNEL is a version's beginning (5.10, 6.1, 7), fetched through apt's own configuration, or a path to a vmlinuz.
"""
SETS = ("quick", "full", "forced", "exiting-victim")


def add(verbs: Any) -> None:
    """Register the verb and its actions."""
    parser = verbs.add_parser(
        "lab",
        description="Boot real kernels in QEMU, where time counts instructions; record who frees what, and its cost.",
        epilog=EXAMPLE,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    fetch = actions.add_parser("fetch", help="get kernels from the archive that apt is set up for; installs nothing")
    fetch.add_argument("kernels", nargs="+", metavar="KERNEL")
    fetch.set_defaults(run=run_fetch)
    listing = actions.add_parser("list", help="show the kernels at hand")
    add_format_option(listing)
    listing.set_defaults(run=run_list)
    lab_compare.add(actions)
    lab_designs.add_doctor(actions)
    running = actions.add_parser("run", help="boot kernels and run the experiments")
    running.add_argument("kernels", nargs="+", metavar="KERNEL")
    running.add_argument(
        "--strategy",
        nargs="+",
        metavar="ID|FILE",
        help="run these designs inside the kernel, in place of its own code (all: each shipped one, each choice of "
        "its open points); of a kernel of yours, the one it has",
    )
    running.add_argument(
        "--set",
        dest="set_name",
        choices=SETS,
        default="quick",
        help="experiments to run (quick); forced: of designs only; exiting-victim: who is killed beside one",
    )
    running.add_argument(
        "--schedule",
        nargs="+",
        metavar="FILE",
        help="force these schedules, which mmbench check --save wrote, turn by turn, under the design that each is of",
    )
    running.add_argument("--boots", type=int, metavar="N", help="how many boots --set exiting-victim makes (20)")
    running.add_argument("--fresh", action="store_true", help="boot again even where the same boot was run before")
    running.add_argument(
        "-o", dest="output", metavar="FOLDER", help="write one record per series here, such as 6.1.json"
    )
    add_format_option(running)
    running.set_defaults(run=run_run)


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch, saying what happens."""
    from mmbench.lab import kernels

    for name in args.kernels:
        kernels.check_name(name)
        if kernels.is_path(name):
            raise InputError(f"{name!r} is a file already; give it to mmbench lab run.")
    for name in args.kernels:
        kernel = kernels.fetch(name, _say)
        print(f"{kernel.series}: {kernel.release}, {kernel.package} {kernel.package_version}, {kernel.vmlinuz}")
    return EXIT_OK


def run_list(args: argparse.Namespace) -> int:
    """List the cache."""
    from mmbench.cli.measuring import print_found
    from mmbench.lab.kernels import kept

    rows = [
        {"series": k.series, "release": k.release, "package": k.package, "version": k.package_version}
        | {"vmlinuz_sha256": k.vmlinuz_sha256, "path": str(k.vmlinuz)}
        for k in kept()
    ]
    print_found(args.format, rows, rows, lambda: table_view(("series", "release", "package", "version", "path"), rows))
    if not rows:
        print("no kernels yet: mmbench lab fetch 5.10 6.1 6.12 6.17 6.18 7", file=sys.stderr)
    return EXIT_OK


def run_run(args: argparse.Namespace) -> int:
    """Boot each kernel, write and print its record; 1 when an experiment failed for other reasons than its kernel's."""
    from mmbench.ask.labs import Watcher, run_own_code
    from mmbench.lab import exiting, kernels, summary

    if args.output is not None and not Path(args.output).is_dir():
        raise InputError(f"-o {args.output}: no such folder; make it first.")
    watcher = Watcher(_say, _progress)
    for name in args.kernels:
        kernels.check_name(name)
    if args.set_name == exiting.SET:
        return lab_exiting.run_exiting(args, watcher)
    if args.boots is not None:
        raise InputError(f"--boots counts the boots of --set {exiting.SET}; the set {args.set_name} has its own.")
    if args.schedule:
        return lab_designs.run_schedules(args, watcher)
    if args.strategy:
        patched = [kernels.is_path(name) for name in args.kernels]
        if any(patched) != all(patched):
            raise InputError("kernels of your own and of the archive in one run of designs; give one sort at a time.")
        runs = lab_designs.run_patched if all(patched) else lab_designs.run_designs
        return runs(args, watcher)
    records = run_own_code(args.kernels, args.set_name, args.fresh, args.output, watcher)
    _print(records, args.format)
    wrong = [error for record in records for error in summary.errors(record)]
    for error in wrong:
        print(f"mmbench: {error['kind']} of {error['victim']}: {error['error']}", file=sys.stderr)
    return EXIT_BAD_NEWS if wrong else EXIT_OK


def _print(records: list[LabRecord], how: str) -> None:
    from mmbench.cli.measuring import print_found
    from mmbench.lab.record import experiments

    rows = [{"release": record["release"], **entry} for record in records for entry in experiments(record)]
    print_found(how, records, rows, lambda: _views(records))


def _views(records: list[LabRecord]) -> RenderableType:
    from rich.console import Group

    from mmbench.lab import summary

    views: list[RenderableType] = []
    for record in records:
        order = {"up": "lowest VMA first", "down": "highest VMA first"}.get(
            summary.reap_order(record), "order not seen"
        )
        rows = [
            {"victim": row["victim"], "pages": _pages(row["before"])}
            | {party: _pages(row[party]) for party in ("reaper", "mrelease", "memcg")}
            for row in summary.truth_table(record)
        ]
        title = f"{record['release']}: pages left, of those in the locked part + the rest (the reaper goes {order})"
        views.append(table_view(("victim", "pages", "reaper", "mrelease", "memcg"), rows, title))
        for cost in summary.per_page(record):
            kind = "locked" if cost["locked"] else "unlocked"
            views.append(f"{cost['what']}: {cost['per_page']:,.0f} instructions per {kind} page")
    return Group(*views)


def _pages(found: Any) -> str:
    if found is None:
        return "-"
    return (
        f"{found[0]:,} + {found[1]:,}" if isinstance(found, list) else f"{found:,}" if isinstance(found, int) else found
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


@contextmanager
def _progress(release: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line per tenth elsewhere."""
    if not sys.stderr.isatty():
        said: set[tuple[str, int]] = set()

        def report_line(boot: str, done: int, total: int) -> None:
            tenth = 10 * done // total
            if (boot, tenth) not in said:
                said.add((boot, tenth))
                _say(f"{release} {boot}: {done} of {total} experiments")

        yield report_line
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(boot: str, done: int, total: int) -> None:
            if boot not in tasks:
                tasks[boot] = bar.add_task(f"{release} {boot}", total=total)
            bar.update(tasks[boot], completed=done)

        yield report
