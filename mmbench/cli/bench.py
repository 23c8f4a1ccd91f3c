"""`mmbench bench`: asv over commits, a comparison that knows which way is better, and the pages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_format_option
from mmbench.cli.values import option, parse_int
from mmbench.errors import EXIT_BAD_INPUT, EXIT_BAD_NEWS, EXIT_OK, CannotError, InputError

if TYPE_CHECKING:
    from mmbench.tracking.history import Outcome
    from mmbench.tracking.series import Measured

EXAMPLE = """\
examples:
  mmbench bench smoke                       every benchmark once, on the code in front of you
  mmbench bench here                        measure the commit that is checked out
  mmbench bench history HEAD~10..HEAD       measure the commits that are missing
  mmbench bench compare HEAD~1 HEAD --markdown change.md
  mmbench bench compare HEAD                strategies against each other, in one commit
  mmbench bench publish                     the pages, below .asv/html

exit codes of compare: 0 nothing is worse, 1 something is, 2 nothing was measured
"""
RESULTS = "results/asv"


def add(verbs: Any) -> None:
    """Register the verb and its own verbs."""
    parser = verbs.add_parser(
        "bench",
        help="measure commits with asv and compare them",
        description="Benchmarks across commits. Deterministic series (track_) are the model's and compared exactly; "
        "the others time this machine.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    smoke = steps.add_parser("smoke", help="every benchmark once, on the code in front of you; records nothing")
    smoke.add_argument("--bench", metavar="REGEX", help="only benchmarks that match")
    smoke.set_defaults(run=run_smoke)
    here = steps.add_parser("here", help="measure the commit that is checked out")
    here.add_argument("--quick", action="store_true", help="run each timing once")
    here.set_defaults(run=run_here)
    compare = steps.add_parser("compare", help="compare two commits, or the strategies inside one")
    compare.add_argument("a", metavar="A", help="a commit, branch or tag")
    compare.add_argument("b", metavar="B", nargs="?", help="another; without it, strategies are compared inside A")
    compare.add_argument("--markdown", metavar="FILE", help="write the comparison as Markdown, too")
    compare.add_argument("--csv", metavar="FILE", help="write every value as CSV, too")
    add_format_option(compare)
    compare.set_defaults(run=run_compare)
    history = steps.add_parser("history", help="measure the commits of a range that are missing")
    history.add_argument("span", metavar="A..B", help="the commits after A, up to and with B")
    history.add_argument("--sample", metavar="N", type=option(parse_int), help="at most N of them, evenly spaced")
    history.add_argument("--quick", action="store_true", help="run each timing once")
    history.set_defaults(run=run_history)
    publish = steps.add_parser("publish", help="write the pages")
    publish.set_defaults(run=run_publish)


def run_smoke(args: argparse.Namespace) -> int:
    """Run every benchmark once in the present environment; 2 when nothing ran, 1 when one failed."""
    from mmbench.tracking.repository import asv, find_root

    root, lines = find_root(), list[str]()
    chosen = ["--bench", args.bench] if args.bench else []

    def show(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    code = asv(root, "run", "--quick", "--dry-run", "--environment", "existing", *chosen, on_line=show)
    if not any("%]" in line and "···" in line for line in lines):
        print("mmbench: nothing was measured: no benchmark ran. asv's messages are above.", file=sys.stderr)
        return EXIT_BAD_INPUT
    return EXIT_BAD_NEWS if code or any(line.rstrip().endswith("failed") for line in lines) else EXIT_OK


def run_here(args: argparse.Namespace) -> int:
    """Measure HEAD; 2 when nothing was measured, 1 when a benchmark failed."""
    from mmbench.tracking.repository import commit_of, find_root, refuse_dirty

    root = find_root()
    refuse_dirty(root)
    return measure_all(root, [commit_of(root, "HEAD")], args.quick)


def run_history(args: argparse.Namespace) -> int:
    """Measure what is missing of a range; what was measured stays, also after Ctrl-C."""
    from mmbench.tracking.history import spaced
    from mmbench.tracking.repository import commits_of, find_root

    if args.sample is not None and args.sample < 1:
        raise InputError(f"--sample {args.sample}: at least 1 commit.")
    root = find_root()
    return measure_all(root, spaced(commits_of(root, args.span), args.sample), args.quick)


def measure_all(root: Path, commits: list[str], quick: bool) -> int:
    """Measure commits, oldest first, with a line of progress each."""
    from mmbench.tracking.history import ALREADY, describe_machine, measure_commit, title

    describe_machine(root)
    outcomes: list[Outcome] = []
    for i, commit in enumerate(commits, 1):
        left = _time_left([o.seconds for o in outcomes if o.what != ALREADY], len(commits) - i + 1)
        print(f"{i} of {len(commits)}{left}: {title(root, commit)}", file=sys.stderr, flush=True)
        log: list[str] = []
        outcome = measure_commit(root, commit, quick, log.append)
        outcomes.append(outcome)
        print(f"    {told(outcome)}", file=sys.stderr, flush=True)
        if not outcome.n_values:
            print("\n".join(f"    | {line}" for line in log[-12:]), file=sys.stderr)
    return verdict_of(outcomes)


def verdict_of(outcomes: list[Outcome]) -> int:
    """Exit code and last sentence of a measurement."""
    if not any(outcome.n_values for outcome in outcomes):
        print("mmbench: nothing was measured; asv's last words are above.", file=sys.stderr)
        return EXIT_BAD_INPUT
    bad = [outcome.commit[:8] for outcome in outcomes if not outcome.n_values or outcome.n_failed]
    if bad:
        print(f"mmbench: failed, or with failed values: {', '.join(bad)}; the others are complete.", file=sys.stderr)
    return EXIT_BAD_NEWS if bad else EXIT_OK


def told(outcome: Outcome) -> str:
    """What became of one commit, in words."""
    failed = f", {outcome.n_failed} failed" if outcome.n_failed else ""
    return f"{outcome.what}: {outcome.n_values} values{failed}, {outcome.seconds:.0f} s"


def _time_left(seconds: list[float], n_left: int) -> str:
    return f" (about {sum(seconds) / len(seconds) * n_left / 60:.0f} min left)" if seconds else ""


def run_compare(args: argparse.Namespace) -> int:
    """Compare two commits, or strategies inside one."""
    from mmbench.tracking.repository import commit_of, find_root
    from mmbench.tracking.series import units

    root = find_root()
    a = measured(root, commit_of(root, args.a))
    unit = units(root / RESULTS)
    if args.b is None:
        return compare_strategies(args, a, unit)
    return compare_commits(args, a, measured(root, commit_of(root, args.b)), unit)


def measured(root: Path, commit: str) -> Measured:
    """What was measured of a commit. Raises NothingMeasuredError, exit code 2, saying how to measure it."""
    from mmbench.tracking.series import results_of_commit

    found = results_of_commit(root / RESULTS, commit)
    if found is None or all(value.number is None for value in found.values.values()):
        raise InputError(
            f"nothing was measured of {commit[:8]}: {RESULTS} has no value of it. "
            f"Measure it: mmbench bench history {commit[:8]}^..{commit[:8]}"
        )
    return found


def compare_commits(args: argparse.Namespace, a: Measured, b: Measured, unit: dict[str, str]) -> int:
    """Print and write what changed; 0 not worse, 1 worse, 2 nothing in common."""
    from mmbench.tracking import tables
    from mmbench.tracking.change import changes, is_worse, n_measured

    found = changes(a, b)
    n = n_measured(found)
    title = f"A = {a.commit[:8]} on {a.machine}, B = {b.commit[:8]} on {b.machine}: {n} values in both"
    rows = tables.rows_of(found, unit)
    both = [
        (tables.SUMMARY_HEADS, tables.summary_cells(found)),
        (tables.DETAIL_HEADS, tables.detail_cells(found, unit)),
    ]
    write_files(args, lambda: tables.markdown(title, both), lambda: tables.csv_of(rows))
    output(args.format, {"a": a.commit, "b": b.commit, "n": n, "values": rows}, rows,
           lambda: tables.changes_view(title, found, unit))  # fmt: skip
    if not n:
        print("mmbench: nothing was measured of both commits; nothing can be compared.", file=sys.stderr)
        return EXIT_BAD_INPUT
    return EXIT_BAD_NEWS if is_worse(found) else EXIT_OK


def compare_strategies(args: argparse.Namespace, a: Measured, unit: dict[str, str]) -> int:
    """Print the strategies of one commit side by side, the best of each column marked."""
    from rich.console import Group
    from rich.text import Text

    from mmbench.tracking import tables

    found = tables.strategy_tables(a, unit)
    if not found:
        raise CannotError(f"{a.commit[:8]} has no series by strategy.")
    title = f"strategies in {a.commit[:8]} (model; * best of its column)"
    rows = [
        {"series": heads[0], "strategy": row[0], **dict(zip(heads[1:], (c.rstrip("* ") for c in row[1:]), strict=True))}
        for heads, group in found
        for row in group
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    rows = [{name: row.get(name, "") for name in names} for row in rows]
    write_files(args, lambda: tables.markdown(title, found), lambda: tables.csv_of(rows))
    parts = [part for heads, group in found for part in (Text(""), tables.grid(heads, group))]
    output(args.format, {"commit": a.commit, "strategies": rows}, rows, lambda: Group(Text(title), *parts))
    return EXIT_OK


def write_files(args: argparse.Namespace, as_markdown: Callable[[], str], as_csv: Callable[[], str]) -> None:
    """--markdown and --csv."""
    from mmbench.records.files import write_text

    if args.markdown:
        write_text(args.markdown, as_markdown())
    if args.csv:
        write_text(args.csv, as_csv())


def output(how: str, found: Any, rows: list[dict[str, Any]], view: Callable[[], Any]) -> None:
    """Print as asked for (--format)."""
    from mmbench.cli.output import print_view
    from mmbench.records.files import json_text
    from mmbench.tracking.tables import csv_of

    if how == "json":
        sys.stdout.write(json_text(found))
    elif how == "csv":
        sys.stdout.write(csv_of(rows))
    else:
        print_view(view())


def run_publish(args: argparse.Namespace) -> int:
    """Write the pages."""
    from mmbench.site import publish
    from mmbench.tracking.repository import find_root

    root = find_root()
    publish(root / ".asv" / "html", root / RESULTS)
    print(f"pages: {root / '.asv' / 'html' / 'index.html'}")
    return EXIT_OK
