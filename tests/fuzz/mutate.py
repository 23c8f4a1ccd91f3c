"""Seeded damage to a file: one value, name or byte of it is not what a reader expects."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

LONG = "x" * 5000
DIGITS = 10**18  # stands for a number of 5,000 digits, which json.dumps refuses to write
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 7, 1 << 31, 1 << 62, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 64, DIGITS),
    *(0.0, -0.5, 1.5, 1e308, float("inf"), float("nan")),
    *("", "a", "-1", "\0", "\ud800", "µ", "a/b", "../x", ":", LONG),
    *([], [0], [-1], ["a"], [[]], {}, {"a": 1}, {"": None}),
]


def odd(choose: random.Random) -> Any:
    """One of ODD, a copy: what is put into a list of it later must not be in the next mutant."""
    return copy.deepcopy(choose.choice(ODD))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside a value: names of objects and indices of lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((*path, key), *places(item, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is at a path."""
    for key in path:
        value = value[key]
    return value


def damaged(value: Any, choose: random.Random) -> Any:
    """A copy of a JSON value in which one thing, or two, are replaced, missing, too much or elsewhere."""
    value = copy.deepcopy(value)
    for _ in range(choose.choice((1, 1, 1, 2))):
        found = places(value)
        # As often near the root as deep inside: most places are deep.
        depth = choose.choice(sorted({len(path) for path in found}) or [0])
        path = choose.choice([path for path in found if len(path) == depth] or [()])
        if not path:
            return odd(choose)
        parent, key = at(value, path[:-1]), path[-1]
        match choose.randrange(8):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[choose.choice(("", "more", LONG, "format"))] = parent[key]
            case 1:
                parent.insert(key, parent[key])
            case 2:
                parent[key] = copy.deepcopy(at(value, choose.choice(places(value))))
            case 3 if type(parent[key]) is int:
                parent[key] = choose.choice((parent[key] + 1, parent[key] - 1, -parent[key], parent[key] * 1000))
            case _:
                parent[key] = odd(choose)
    return value


def damaged_text(text: bytes, choose: random.Random) -> bytes:
    """Bytes that are cut short, changed, doubled or mixed up in one place."""
    first = choose.randrange(len(text) + 1)
    last = min(len(text), first + choose.choice((1, 1, 2, 8, 100)))
    match choose.randrange(6):
        case 0:
            return text[:first]
        case 1:
            return text[:first] + text[last:]
        case 2:
            return text[:last] + text[first:]
        case 3:
            return text[:first] + bytes(choose.randrange(256) for _ in range(last - first)) + text[last:]
        case 4:
            return text[:first] + choose.choice((b"9" * 5000, b"-1", b"\0", b"[" * 5000, b"NaN", b"\xff")) + text[last:]
    return damaged_words(text, choose)


def damaged_words(text: bytes, choose: random.Random) -> bytes:
    """A line-by-line file with one word replaced."""
    lines = text.split(b"\n")
    k = choose.randrange(len(lines))
    words = lines[k].split(b" ")
    words[choose.randrange(len(words))] = choose.choice(
        (b"", b"0", b"-1", b"9" * 19, b"x" * 5000, b"1e9", b"0x0", b"-")
    )
    return b"\n".join([*lines[:k], b" ".join(words), *lines[k + 1 :]])


def json_mutant(value: Any, choose: random.Random) -> bytes:
    """A JSON file with damage to its values, or one time in four to its bytes."""
    if choose.randrange(4):
        changed = json.dumps(damaged(value, choose)).encode()
        return changed.replace(str(DIGITS).encode(), b"9" * 5000)
    return damaged_text(json.dumps(value).encode(), choose)
