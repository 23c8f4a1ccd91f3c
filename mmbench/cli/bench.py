"""`mmbench bench`: asv over commits, a comparison that knows which way is better, and the pages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.ask.values import parse_int
from mmbench.cli import bench_compare
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_INPUT, EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from mmbench.tracking.history import Outcome

EXAMPLE = """\
examples:
  mmbench bench smoke                       every benchmark once, on the code in front of you
  mmbench bench here                        measure the commit that is checked out
  mmbench bench history HEAD~10..HEAD       measure the commits that are missing
  mmbench bench compare HEAD~1 HEAD --markdown change.md
  mmbench bench compare HEAD                strategies against each other, in one commit
  mmbench bench publish                     the pages, below build/site

exit codes: 0 done, compare: nothing is worse; 1 a benchmark failed, compare: something is worse; 2 nothing was measured
"""


def add(verbs: Any) -> None:
    """Register the verb and its own verbs."""
    parser = verbs.add_parser(
        "bench",
        description="Benchmarks across commits. Deterministic series (track_) are the model's and compared exactly; "
        "the others time this machine.",
        epilog=EXAMPLE,
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    smoke = steps.add_parser("smoke", help="every benchmark once, on the code in front of you; records nothing")
    smoke.add_argument("--bench", metavar="REGEX", help="only benchmarks that match")
    smoke.set_defaults(run=run_smoke)
    here = steps.add_parser("here", help="measure the commit that is checked out")
    here.add_argument("--quick", action="store_true", help="run each timing once")
    here.set_defaults(run=run_here)
    bench_compare.add(steps)
    history = steps.add_parser("history", help="measure what is missing of the commits of a range")
    history.add_argument("span", metavar="A..B", help="the commits after A, up to and with B; or one commit")
    history.add_argument("--sample", metavar="N", type=option(parse_int), help="at most N of them, evenly spaced")
    history.add_argument("--quick", action="store_true", help="run each timing once")
    history.set_defaults(run=run_history)
    publish = steps.add_parser("publish", help="write the pages")
    publish.set_defaults(run=run_publish)


def run_smoke(args: argparse.Namespace) -> int:
    """Run every benchmark once in the present environment; 2 when nothing ran, 1 when one failed."""
    from mmbench.tracking.repository import find_root
    from mmbench.tracking.smoke import smoke

    n_ran, failed = smoke(find_root(), args.bench, lambda line: print(line, flush=True))
    if not n_ran:
        print("mmbench: nothing was measured: no benchmark ran. asv's messages are above.", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"benchmarks: {n_ran} ran, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    return EXIT_BAD_NEWS if failed else EXIT_OK


def run_here(args: argparse.Namespace) -> int:
    """Measure HEAD; 2 when nothing was measured, 1 when a benchmark failed."""
    from mmbench.tracking.repository import commit_of, find_root, refuse_dirty

    root = find_root()
    refuse_dirty(root)
    return measure_all(root, [commit_of(root, "HEAD")], args.quick)


def run_history(args: argparse.Namespace) -> int:
    """Measure what is missing of a range; what was measured stays, also after Ctrl-C."""
    from mmbench.tracking.history import spaced
    from mmbench.tracking.repository import commits_of, find_root, refuse_changed_suite

    if args.sample is not None and args.sample < 1:
        raise InputError(f"--sample {args.sample}: at least 1 commit.")
    root = find_root()
    commits = commits_of(root, args.span)
    refuse_changed_suite(root)
    return measure_all(root, spaced(commits, args.sample), args.quick)


def measure_all(root: Path, commits: list[str], quick: bool) -> int:
    """Measure commits, oldest first, with a line of progress each."""
    from mmbench.tracking.history import ALREADY, describe_machine, measure_commit, suite, title

    machine, wanted = describe_machine(root), suite(root)
    outcomes: list[Outcome] = []
    for i, commit in enumerate(commits, 1):
        left = _time_left([o.seconds for o in outcomes if o.what != ALREADY], len(commits) - i + 1)
        print(f"{i} of {len(commits)}{left}: {title(root, commit)}", file=sys.stderr, flush=True)
        log: list[str] = []
        try:
            outcome = measure_commit(root, machine, commit, wanted, quick, log.append)
        except KeyboardInterrupt:
            print("\nwhat was measured stays; the same command measures the rest.", file=sys.stderr)
            raise
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


def run_publish(args: argparse.Namespace) -> int:
    """Write the pages."""
    from mmbench.site import publish
    from mmbench.tracking.repository import find_root

    root = find_root()
    print(f"written: {publish(root / 'build' / 'site', root / 'results')}")
    return EXIT_OK
