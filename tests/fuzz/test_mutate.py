"""A mutant is the same whichever were made before it: a failure that names its number can be seen again."""

from __future__ import annotations

import random

from tests.fuzz.mutate import json_mutant

VALUE = {"a": [1, {"b": "c"}], "d": [[], {}], "e": {"f": [1.5, None, True]}}


def test_a_mutant_does_not_depend_on_those_before_it() -> None:
    def made(k: int) -> bytes:
        return json_mutant(VALUE, random.Random(k))

    first = [made(k) for k in range(2000)]
    assert [made(k) for k in reversed(range(2000))] == first[::-1]
    assert len(set(first)) > 700
