"""`mmbench`: parse the command line, run one verb, turn errors into a sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

from mmbench import __version__
from mmbench.cli import help
from mmbench.cli.watching import telling
from mmbench.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, MmbenchError
from mmbench.extras import require

VERBS = (
    "list", "show", "explain", "compare", "run", "trace", "check", "size", "snapshot", "import",
    "doctor", "calibrate", "validate", "oom", "lab", "bench",
)  # fmt: skip
MODULES = {"import": "import_log"}  # a keyword is no name of a module

EPILOG = """\
exit codes: 0 done, 1 bad news (worse, unsafe), 2 bad input, 3 this machine or account cannot do it, 130 interrupted

example:
  mmbench compare --size 64GiB --scenario stuck-holder

completion of verbs and options in your shell (needs argcomplete: pip install 'mmbench[completion]'):
  eval "$(register-python-argcomplete mmbench)"
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with one sub-command per verb; verbs import heavy modules only when they run."""
    parser = argparse.ArgumentParser(
        prog="mmbench",
        description="Compare designs of how an OOM victim with a large mlocked address space gives its memory back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=Version)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        importlib.import_module(f"mmbench.cli.{MODULES.get(verb, verb)}").add(verbs)
    help.add(verbs, parser.format_help)
    return parser


class Version(argparse.Action):
    """Prints the version, and in a checkout its commit, which git is asked for only here."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="version, and the commit where there is one")

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        from mmbench.records.manifest import commit_of_checkout

        found = commit_of_checkout()
        changed = " and changes to it" if found["commit_modified"] == "yes" else ""
        print(f"mmbench {__version__}" + (f", commit {found['commit'][:12]}{changed}" if found["commit"] else ""))
        parser.exit()


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks how a command line goes on; otherwise nothing."""
    if "_ARGCOMPLETE" in os.environ:
        require("argcomplete", "completion needs")
        import argcomplete

        argcomplete.autocomplete(parser)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; never lets a traceback out for bad input."""
    try:
        parser = build_parser()
        complete(parser)
        args = parser.parse_args(argv)
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
