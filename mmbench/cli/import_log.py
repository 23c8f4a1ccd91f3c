"""`mmbench import`: read a log of OOM kills into a record that compare and size take."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_format_option
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.victims.kernel_log.lines import LogLines
    from mmbench.victims.kernel_log.read import Progress

SLOW_S = 2.0
PACKED = (".gz", ".bz2", ".xz")
EXAMPLE = """\
examples:
  journalctl -k -o short-iso-precise | mmbench import - -o oom.kills.json
  mmbench import /var/log/kern.log.2.gz
  mmbench compare --victim oom.kills.json:1 --locked 0.9
  mmbench import oom.log --model --locked 0
"""


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "import",
        description="Read what dmesg, journalctl, syslog, logcat or ftrace say about OOM kills (kernel 4.6 on, memory "
        "control groups, earlyoom, oomd, systemd-oomd, lmkd) and write a record of victims, kills and observed reaps.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "log", metavar="LOG", help="the log, plain or packed by gzip, bzip2 or xz; - is the standard input"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the record to write (LOG's name with .kills.json, here)"
    )
    parser.add_argument(
        "--model", action="store_true", help="set the model's reap beside the observed one, for kernels that are known"
    )
    parser.add_argument("--locked", metavar="SHARE", help="with --model: share of each victim assumed mlocked")
    parser.add_argument("--shared", metavar="SHARE", help="with --model: share of file pages in shared mappings (0)")
    parser.add_argument("--costs", metavar="NAME|FILE", default="default", help="with --model: cost table (default)")
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, write, and say what was found."""
    from mmbench.ask.kills import predict, rows_of
    from mmbench.cli.measuring import print_found
    from mmbench.cli.output import terminal_width
    from mmbench.report.text.kills import kills_view
    from mmbench.victims.kernel_log import write_kills
    from mmbench.victims.kernel_log.read import read_log

    if not args.model and (args.locked or args.shared):
        raise InputError(
            "--locked and --shared belong to --model here; a kill used as a victim takes them in compare and run."
        )
    target = args.output or default_output(args.log)
    with progress_bar() as tick:
        imported = read_log(args.log, tick)
    predictions = None
    if args.model:
        predictions = predict(imported.record, args.locked, args.shared, args.costs)
    if not args.output:
        check_overwrite(target)
    write_kills(target, imported.record)
    rows = rows_of(imported.record, predictions)
    found = imported.record if predictions is None else imported.record | {"model": predictions}
    print_found(
        args.format,
        found,
        rows,
        lambda: kills_view(imported.record, imported.examples, target, predictions, terminal_width()),
    )
    print(f"written: {target}", file=sys.stderr)
    return 0


def default_output(log: str) -> str:
    """The record's name in the working folder: kern.log.2.gz -> kern.log.2.kills.json."""
    from mmbench.victims.kernel_log import SUFFIX

    name = "stdin" if log == "-" else Path(log).name
    for ending in (*PACKED, ".log", ".txt"):
        name = name.removesuffix(ending)
    return (name or "log") + SUFFIX


def check_overwrite(target: str) -> None:
    """Raise InputError when a name that nobody typed would replace something that is no record of kills."""
    from mmbench.victims.kernel_log import read_kills

    if os.path.lexists(target):
        try:
            read_kills(target)
        except InputError:
            raise InputError(f"{target!r} exists and is no record of kills; name the record with -o FILE.") from None


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """Show lines, kills and the share read, once reading takes more than two seconds and somebody is watching."""
    if not sys.stderr.isatty():
        yield None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    start = shown = monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None, visible=False, said="")

        def tick(lines: LogLines, n_kills: int) -> None:
            nonlocal shown
            now = monotonic()
            if now - start < SLOW_S or now - shown < 0.1:
                return
            shown, share = now, lines.share_read()
            said = f"{lines.n_bytes / 1e6:,.0f} MB, {n_kills:,} kills"
            bar.update(task, total=None if share is None else 1.0, completed=share or 0, visible=True, said=said)

        yield tick
