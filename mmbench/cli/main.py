"""`mmbench`: parse the command line, run one verb, turn errors into a sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from mmbench import __version__
from mmbench.cli.watching import telling
from mmbench.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, MmbenchError

VERBS = (
    "list", "show", "compare", "run", "trace", "check", "size", "snapshot", "import",
    "doctor", "calibrate", "validate", "oom", "lab", "bench",
)  # fmt: skip
MODULES = {"import": "import_log"}  # a keyword is no name of a module

EPILOG = """\
exit codes: 0 done, 1 bad news (worse, unsafe), 2 bad input, 3 this machine or account cannot do it, 130 interrupted

example:
  mmbench compare --size 64GiB --scenario stuck-holder
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with one sub-command per verb; verbs import heavy modules only when they run."""
    parser = argparse.ArgumentParser(
        prog="mmbench",
        description="Compare designs of how an OOM victim with a large mlocked address space gives its memory back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mmbench {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        importlib.import_module(f"mmbench.cli.{MODULES.get(verb, verb)}").add(verbs)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; never lets a traceback out for bad input."""
    args = build_parser().parse_args(argv)
    try:
        with telling():
            return int(args.run(args))
    except MmbenchError as error:
        print(f"mmbench: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print("mmbench: out of memory: choose a smaller victim (--size), or fewer strategies.", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("\nmmbench: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
