"""Odd values of every option of every verb that computes here: a documented exit code and a sentence, no traceback.

    make test-fuzz

The options are read off the parser, so a new one is asked, too. Verbs that need this machine's kernel are left out.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from mmbench.cli.main import build_parser
from mmbench.errors import EXIT_BAD_INPUT
from tests.fuzz.formats import FEW_STATES, LOG, SMALL, Said
from tests.fuzz.test_ring_fuzz import CODES, LONGEST

SECONDS = 6.0  # of one verb; most are through their values sooner
WORDS = {
    "compare": ("v6.1", "v6.18", *SMALL),
    "run": ("v6.18", *SMALL),
    "trace": ("v6.18", *SMALL),
    "check": ("v6.18", "--scope", "unlocked", *FEW_STATES),
    "size": ("v6.18", "--heavy", "64MiB", "--rarity", "1/10", "--n", "1k"),
    "import": (LOG,),
    "show": ("v6.18",),
    "list": (),
    "explain": ("I5",),
    "answer": ("memcg-exiting-victim",),
    "bench compare": ("a47c3214", "12473230"),
    "lab compare": ("results/lab/5.10.json",),
}
ODD = (
    *(
        "",
        " ",
        "0",
        "-1",
        "-0.5",
        "1e400",
        "nan",
        "inf",
        "1/0",
        "0x10",
        "9" * 40,
        "\uff11\uff12",
        "1,2",
        ",",
        "x" * 3000,
    ),
    *("=", "a=b", "a=", "=b", "p0", "p100", "p99.9<", "%", "100%", "101%", "1GiB", "-1GiB", "1XiB", "1s", "-1s", "+"),
    *(
        "poisson:0/s",
        "lognormal:,",
        "v6.18",
        "v6.18:",
        "v6.18:x=y",
        "default+",
        "quiet+quiet",
        "\u202e\u00e9",
        "\udcff",
    ),
    *("x" * 3000, "-", ".", "/dev/null", "/no/such/file.json", "no-such-name"),
)
TOO_LONG = {"--cluster", "--n", "--max-states", "--reapers", "--precision"}  # an odd value may be a real one, and large


def options_of(verb: str) -> list[str]:
    """The options of a verb that take a value."""
    parser: argparse.ArgumentParser = build_parser()
    for word in verb.split():
        actions = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = actions.choices[word]
    return [a.option_strings[-1] for a in parser._actions if a.option_strings and a.nargs != 0]


def asked(verb: str) -> Iterator[list[str]]:
    """Every option with every odd value, in a fixed order that mixes them."""
    pairs = [(option, odd) for option in options_of(verb) if option not in TOO_LONG for odd in ODD]
    random.Random(verb).shuffle(pairs)
    for option, odd in pairs:
        yield [*verb.split(), *WORDS[verb], f"{option}={odd}" if option.startswith("--") else f"{option}{odd}"]


@pytest.mark.fuzz
@pytest.mark.parametrize("verb", WORDS)
def test_an_odd_value_of_an_option_is_taken_or_refused_in_a_sentence(
    verb: str, say: Callable[[list[str]], Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results").symlink_to(Path(__file__).parents[2] / "results")
    (tmp_path / ".git").symlink_to(Path(__file__).parents[2] / ".git")
    monkeypatch.chdir(tmp_path)
    end, n = monotonic() + SECONDS, 0
    for words in asked(verb):
        try:
            said = say(words)
        except BaseException as error:
            raise AssertionError(words) from error
        assert said.code in CODES and "Traceback" not in said.err, words
        assert said.code != EXIT_BAD_INPUT or "mmbench" in said.err, words
        assert len(said.err) <= LONGEST + 2000 * (said.err.startswith("usage: ")), words
        n += 1
        if monotonic() > end:
            break
    print(f"{verb}: {n} odd values")
