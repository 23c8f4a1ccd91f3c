"""What the verbs that ask the running kernel share: what may be measured, progress with time left, where it ran."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from mmbench.errors import CannotError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.live.workload import VictimConfig

ESSENTIAL = ("process_mrelease", "ptrace exit stop", "pagemap")
QUICK_MEMORY_BYTES, FULL_MEMORY_BYTES = 640 << 20, 1536 << 20


class Machine(NamedTuple):
    """What can be measured here: memory a victim may take, bytes that may be locked, kinds of memory, ways."""

    max_memory_bytes: int
    max_locked_bytes: int | None
    has_thp: bool
    modes: tuple[str, ...]
    kernel: str


def add_memory_option(parser: Any) -> None:
    """--max-memory."""
    parser.add_argument("--max-memory", metavar="SIZE", help="largest victim (a quarter of what is free, or less)")


def asked_memory_bytes(args: argparse.Namespace) -> int | None:
    """--max-memory in bytes, None when it was not given. Raises InputError."""
    from mmbench.victims.sizes import parse_size

    return None if args.max_memory is None else parse_size(args.max_memory, "--max-memory")


def examine(args: argparse.Namespace) -> Machine:
    """Find out what can be measured here. Raises CannotError with what is missing and how to get it."""
    from mmbench.live import experiment, proc
    from mmbench.live.doctor import doctor

    checks = {check.name: check for check in doctor()}
    missing = [checks[name] for name in ESSENTIAL if name in checks and not checks[name].ok]
    missing += [check for name, check in checks.items() if name == "session" and not check.ok]
    if missing:
        raise CannotError("; ".join(f"{c.name}: {c.reason}. To get it: {c.how}" for c in missing))
    allowed = experiment.allowed_memory_bytes(asked_memory_bytes(args))
    if args.max_memory is None:
        allowed = min(allowed, QUICK_MEMORY_BYTES if args.quick else FULL_MEMORY_BYTES)
    modes = ("exit", "mrelease", "race") if len(os.sched_getaffinity(0)) > 1 else ("exit", "mrelease")
    return Machine(allowed, proc.memlock_bytes(), checks["THP"].ok, modes, os.uname().release)


class Effort(NamedTuple):
    """How long to measure: repetitions, victims in each, seconds at most (None: as long as it takes)."""

    n_reps: int
    n_victims: int
    budget_s: float | None


FULL, QUICK = Effort(7, 3, None), Effort(5, 2, 120.0)


def effort_of(args: argparse.Namespace) -> Effort:
    """What --quick and --budget ask for."""
    effort = QUICK if args.quick else FULL
    return effort._replace(budget_s=args.budget or effort.budget_s)


def measure(
    what: str, configs: list[VictimConfig], machine: Machine, effort: Effort, seed: int
) -> list[dict[str, Any]]:
    """Measure configurations in every way there is, with progress on stderr."""
    from mmbench.live import experiment

    with progress(what) as report:
        return experiment.measure(
            configs,
            machine.modes,
            n_reps=effort.n_reps,
            n_victims=effort.n_victims,
            budget_s=effort.budget_s,
            max_memory_bytes=machine.max_memory_bytes,
            seed=seed,
            progress=report,
        )


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, float], None]]:
    """Show done, total and time left on stderr: a bar on a terminal, a line per tenth elsewhere."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, left="")

        def report(done: int, total: int, left_s: float) -> None:
            bar.update(task, completed=done, total=total, left=f"{left_s:.0f} s left")

        yield report


def _lines(what: str) -> Callable[[int, int, float], None]:
    said = [-1]

    def report(done: int, total: int, left_s: float) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth != said[0]:
            said[0] = tenth
            print(f"{what}: {done} of {total} victims, {left_s:.0f} s left", file=sys.stderr, flush=True)

    return report


def where(manifest: dict[str, Any]) -> str:
    """Kernel and machine in a few words, from a manifest."""
    n_cpus, ram = manifest["n_cpus"], manifest.get("ram_bytes")
    memory = f", {ram / 2**30:.0f} GiB" if ram else ""
    return f"{manifest['kernel']}, {n_cpus} x {manifest['cpu_model']}{memory}"


def today() -> str:
    """The date, UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%d")


def print_found(how: str, found: Any, rows: list[dict[str, Any]], view: Callable[[], RenderableType]) -> None:
    """Print as asked for (--format): everything found as JSON, its rows as CSV, or a table for people."""
    from mmbench.cli.output import print_view
    from mmbench.records.csv_text import csv_text
    from mmbench.records.files import json_text

    if how == "json":
        sys.stdout.write(json_text(found))
    elif how == "csv":
        sys.stdout.write(csv_text(rows))
    else:
        print_view(view())
