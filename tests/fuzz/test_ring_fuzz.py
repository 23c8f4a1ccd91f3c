"""Damaged files of every format: an exit code that is documented and one short sentence, never a traceback.

    make test-fuzz

Mutant k of a format is the same in every run, for as long as the format's own file is; a failure names k and keeps the
file. Each format has its share of two minutes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from mmbench.errors import EXIT_BAD_INPUT, EXIT_BAD_NEWS, EXIT_CANNOT, EXIT_OK
from tests.fuzz.formats import FORMATS, Said

SECONDS = 6.0  # of one format; odd values of options have 40 s
LEAST, MOST = 20, 2000  # mutants of one format
LONGEST = 1000  # characters of a message: lists of what is allowed are the longest part
CODES = (EXIT_OK, EXIT_BAD_NEWS, EXIT_BAD_INPUT, EXIT_CANNOT)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(
    name: str, say: Callable[[list[str]], Said], ask: Callable[..., str], tmp_path: Path
) -> None:
    form, path = FORMATS[name], tmp_path / f"damaged{FORMATS[name].suffix}"
    whole = form.whole(ask)
    path.write_bytes(form.wrap(whole if isinstance(whole, bytes) else json.dumps(whole).encode()))
    assert say(form.command(path)).code in (EXIT_OK, EXIT_BAD_NEWS), "the whole file is not read"
    end, n = monotonic() + SECONDS, 0
    while n < LEAST or (n < MOST and monotonic() < end):
        path.write_bytes(form.mutant(whole, random.Random(f"{name} {n}")))
        where = f"{name}, mutant {n}: {path}"
        try:
            said = say(form.command(path))
        except BaseException as error:
            raise AssertionError(where) from error
        assert said.code in CODES and "Traceback" not in said.err, where
        assert said.code != EXIT_BAD_INPUT or said.err.startswith("mmbench: "), where
        assert len(said.err) <= LONGEST, f"{where}: {len(said.err)} characters: {said.err[:200]}"
        n += 1
    print(f"{name}: {n} mutants")
