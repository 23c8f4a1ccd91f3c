"""`mmbench`: parse the command line, run one verb, turn errors into a sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from mmbench import __version__
from mmbench.cli import help
from mmbench.cli.spelling import take_late_designs
from mmbench.cli.streams import drop_output, open_streams, refused, tell
from mmbench.cli.watching import telling
from mmbench.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_OK, MmbenchError
from mmbench.extras import require

VERBS = {
    "list": "list strategies, victims, scenarios, cost tables, ops",
    "show": "show one strategy step by step",
    "explain": "say what a word of the output means",
    "compare": "compare strategies on one victim",
    "answer": "answer a question that was asked on linux-mm",
    "run": "run one strategy in detail",
    "trace": "show who held, waited and worked when",
    "check": "search every interleaving for races and stalls",
    "size": "many kills: reaper latency with rare heavy victims, and how large one may be",
    "snapshot": "read a live process into a victim file",
    "import": "read OOM kills and reaps from a log",
    "doctor": "what can be measured here, and how to get the rest",
    "calibrate": "fit the cost table to the running kernel",
    "validate": "hold the model against the running kernel",
    "oom": "have the kernel kill a victim in a cgroup of its own",
    "lab": "boot other kernels and ask them",
    "bench": "measure commits with asv and compare them",
}
MODULES = {"import": "import_log"}  # a keyword is no name of a module

EPILOG = """\
exit codes: 0 done, 1 bad news (worse, unsafe), 2 bad input, 3 this machine or account cannot do it, 130 interrupted

example:
  mmbench compare --size 64GiB --scenario stuck-holder

completion of verbs and options in your shell (needs argcomplete: pip install 'mmbench[completion]'):
  eval "$(register-python-argcomplete mmbench)"
"""


LONG_WORD = re.compile(r"\S{120,}")


class Parser(argparse.ArgumentParser):
    """argparse's, which says nothing when its help cannot be written, and repeats a value whole, however long."""

    def error(self, message: str) -> NoReturn:
        super().error(LONG_WORD.sub(lambda found: f"{found[0][:80]}...", message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


class Verbs(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Sub-commands, each with its line of VERBS."""

    def add_parser(self, name: str, **about: Any) -> Any:
        """A verb's parser; the line is the same whether the verb has its options yet or not."""
        return super().add_parser(name, **{"help": VERBS.get(name), "formatter_class": Paragraphs} | about)


class Paragraphs(argparse.RawDescriptionHelpFormatter):
    """Lines stay as they were written; one that is wider than the terminal goes on below itself."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = super()._fill_text(text, width, indent).splitlines()
        return "\n".join(self._folded(line, self._width) for line in lines)

    @staticmethod
    def _folded(line: str, width: int) -> str:
        if len(line) <= width:
            return line
        import textwrap

        hanging = line[: len(line) - len(line.lstrip())]
        below = hanging + "    " * bool(hanging)
        return textwrap.fill(line, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def build_parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser with one sub-command per verb; verbs import heavy modules only when they run.

    argv: what was typed, so that only the verb it names is given its options; None gives every verb its own.
    """
    parser = Parser(
        prog="mmbench",
        description="Compare designs of how an OOM victim with a large mlocked address space gives its memory back.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("--version", action=Version)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, action=Verbs)
    named = next((word for word in argv or () if not word.startswith("-")), "")
    for verb in VERBS:
        if argv is None or named in (verb, "help"):
            importlib.import_module(f"mmbench.cli.{MODULES.get(verb, verb)}").add(verbs)
        else:
            verbs.add_parser(verb)
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
    open_streams()
    try:
        try:
            return run(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()  # here, where a full disk is a sentence, and not when Python ends
    except MmbenchError as error:
        tell(f"mmbench: {error}")
        return error.exit_code
    except MemoryError:
        tell("mmbench: out of memory: choose a smaller victim (--size), or fewer strategies.")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        tell("\nmmbench: interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        drop_output()  # the reader left: nothing more to say
        return EXIT_OK
    except OSError as error:
        return refused(error)


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = build_parser(None if "_ARGCOMPLETE" in os.environ else words)
    complete(parser)
    args, rest = parser.parse_known_args(words)
    if rest:
        take_late_designs(args, rest, parser)
    with telling():
        return int(args.run(args))


if __name__ == "__main__":
    raise SystemExit(main())
