"""Damage that once ended in a traceback, or in a message of five thousand characters: one short sentence each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import EXIT_BAD_INPUT, InputError
from mmbench.records.files import parse_json
from mmbench.validation.forced import told
from tests.fuzz.formats import FORMATS, Said
from tests.fuzz.mutate import DIGITS, LONG, at

GONE = object()
FIRST = ("boots", 0, "experiments", 0)
CASES = [
    ("replay token", ("files",), "a", "'files' is 'a'; allowed: an object"),
    ("replay token", ("synthetic",), 1, "'synthetic' is 1; allowed: an object"),
    ("replay token", ("synthetic", "vmas"), "a", "'a' is not a whole number"),
    ("replay token", ("synthetic", LONG), "1", "unknown option of a victim"),
    ("replay token", ("overrides",), [1], "'overrides' is [1]"),
    ("replay token", ("overrides", "exit_start_ps"), 1 << 70, "an integer of at most 63 bits"),
    ("replay token", ("costs",), 1.5, "'costs' is 1.5"),
    ("replay token", ("seed",), DIGITS, "more than 4,300 digits"),
    ("lab record", ("boots",), 1.5, "'boots' is 1.5; allowed: a list"),
    ("lab record", (*FIRST, "victim"), True, "victim' is true"),
    ("lab record", (*FIRST, "victim", "span_bytes"), 1 << 62, "span_bytes' is 4611686018427387904; allowed: at most"),
    ("lab record", (*FIRST, "ns"), [0], "ns[0]' is 0; allowed: an integer of at least 1"),
    ("lab record of designs", ("programs", "v4.17"), 1, "allowed: a list"),
    ("lab record of designs", ("programs", "v4.17", 2), "row EXIT_MM 0 0 0 1 99", "is no row"),
    ("lab record of designs", (*FIRST, "design"), "v9", "the design 'v9', which has no program"),
    ("lab record of designs", (*FIRST, "kind"), [], "kind' is []"),
    ("lab record of designs", FIRST, "a", "allowed: an object"),
    ("cost table", ("costs", "zap_anon_folio", "ps"), DIGITS, "more than 4,300 digits"),
    ("cost table", ("costs", "zap_anon_folio", "provenance"), LONG, "provenance' is"),
    ("verdicts", ("verdicts", "v6.18"), [], "allowed: an object"),
    ("studies", (0, "latency", "skip"), GONE, "missing: skip"),
    ("studies", (0, "target"), "p98", "with 'target' among them"),
    ("promises", (0, "steps", 0, "high_ps"), GONE, "high_ps' is missing"),
    (
        "run record",
        ("timeline", 0, "n"),
        GONE,
        "'timeline[0]' has no 'n'; an entry of kind 'step' has n, last_ps, total_ps",
    ),
    ("run record", ("timeline", 0, "last_ps"), None, "last_ps' is null; allowed: when the step was last entered"),
]


def refused(name: str, text: bytes, say: Callable[[list[str]], Said], folder: Path) -> str:
    """What a verb says of a damaged file; it is one sentence and exit code 2."""
    path = folder / f"damaged{FORMATS[name].suffix}"
    path.write_bytes(FORMATS[name].wrap(text))
    said = say(FORMATS[name].command(path))
    assert (said.code, said.err.count("\n")) == (EXIT_BAD_INPUT, 1) and len(said.err) < 1000
    return said.err


@pytest.mark.parametrize(("name", "place", "value", "sentence"), CASES)
def test_one_wrong_value_is_named(
    name: str,
    place: tuple[Any, ...],
    value: Any,
    sentence: str,
    say: Callable[[list[str]], Said],
    ask: Callable[..., str],
    tmp_path: Path,
) -> None:
    whole = FORMATS[name].whole(ask)
    at(whole, place[:-1])[place[-1]] = value
    if value is GONE:
        del at(whole, place[:-1])[place[-1]]
    text = json.dumps(whole).replace(str(DIGITS), "9" * 5000)
    assert sentence in refused(name, text.encode(), say, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'"n_thps":', b'"n_thp":', "field 'facts' is"),
        (b'"rep":0', b'"rep":' + b"9" * 5000, "line 1 is not JSON that can be read"),
        (b'"ns":', b'"ns":-', "line 1: field 'ns' is -"),
        (b'{"config":{', b"[{", "line 1 is not JSON"),
    ],
)
def test_a_wrong_sample_is_named_by_its_line(
    old: bytes, new: bytes, sentence: str, say: Callable[[list[str]], Said], ask: Callable[..., str], tmp_path: Path
) -> None:
    whole = FORMATS["samples"].whole(ask)
    assert sentence in refused("samples", whole.replace(old, new, 1), say, tmp_path)


def test_a_program_whose_exit_goes_in_circles_comes_to_an_end() -> None:
    rows = [["GOTO", "0", "0", "0", "0", "0"], ["END", "0", "0", "0", "2", "2"]]
    with pytest.raises(InputError, match="exit never comes to row 1"):
        told(rows, 1, 1)


def test_numbers_that_no_array_holds_are_refused_when_json_allows_them() -> None:
    assert parse_json("[1e999]", "x") == [float("inf")]  # the schema says the rest
    with pytest.raises(InputError, match=r"x is not JSON that can be read: a number has more than 4,300 digits\."):
        parse_json("9" * 5000, "x")


def test_a_verdict_of_five_thousand_letters_is_not_repeated_whole(
    say: Callable[[list[str]], Said], ask: Callable[..., str], tmp_path: Path
) -> None:
    text = json.dumps(FORMATS["verdicts"].whole(ask)).replace('"safe', f'"safe{LONG}').replace('"inc', f'"inc{LONG}')
    (tmp_path / "verdicts.json").write_text(text)
    said = say(FORMATS["verdicts"].command(tmp_path / "verdicts.json"))
    assert said.code == 1 and "expected: " in said.err and len(said.err) < 300
