"""A record's schema is data: a tree of rules, and one function that holds a value against it.

Validation is strict on purpose: an unknown field is an error, a bool is not an integer, NaN is not a number.
A record that passes can be read years later without guessing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import InputError, nearest, short
from mmbench.records.files import read_json

Raw = dict[str, Any]  # an object of JSON before a rule has been held against it


@dataclass(frozen=True)
class Int:
    """A JSON integer, not below `minimum` and of at most 63 bits; `nullable` admits null ("never happened")."""

    minimum: int | None = 0
    nullable: bool = False


@dataclass(frozen=True)
class Number:
    """A finite JSON number, not below `minimum`; `nullable` admits null."""

    minimum: float | None = 0
    nullable: bool = False


@dataclass(frozen=True)
class Text:
    """A string, non-empty unless `may_be_empty`; one of `allowed` when that is given."""

    allowed: tuple[str, ...] = ()
    may_be_empty: bool = False


@dataclass(frozen=True)
class Bool:
    """True or false."""


@dataclass(frozen=True)
class ListOf:
    """A list of items that all follow one rule, at least `n_least` and at most `n_most` of them."""

    item: Rule
    n_least: int = 0
    n_most: int | None = None


@dataclass(frozen=True)
class MapOf:
    """An object with free names (or the `allowed` ones), whose values all follow one rule."""

    value: Rule
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """An object with exactly these fields: `required` ones are there, others only if named in `optional`."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameters:
    """An object of named settings: any JSON value without NaN and infinities."""


@dataclass(frozen=True)
class Maybe:
    """Null ("not told"), or what the rule admits."""

    rule: Rule


@dataclass(frozen=True)
class Either:
    """An object that follows one rule when it has the field `key`, and another when it has not."""

    key: str
    having: Fields
    lacking: Fields


Rule = Int | Number | Text | Bool | ListOf | MapOf | Fields | Parameters | Maybe | Either
MOST = (1 << 63) - 1  # what the arrays of the model hold


def shown(value: Any) -> str:
    """Say a found value in a few characters, in JSON's words where it is short."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else short(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fail(name: str, found: Any, allowed: str) -> InputError:
    """Build the error of one broken field: its path, what was found, what is allowed."""
    what = f"field {short(name)}" if name else "the whole of it"
    return InputError(f"{what} is {shown(found)}; allowed: {allowed}.")


def check(value: Any, rule: Rule, name: str) -> None:
    """Raise InputError naming the first field (as a dotted path below `name`) that breaks its rule."""
    match rule:
        case Int() | Number():
            _check_number(value, rule, name)
        case Text():
            _check_text(value, rule, name)
        case Bool():
            if not isinstance(value, bool):
                raise fail(name, value, "true or false")
        case ListOf():
            _check_list(value, rule, name)
            for i, item in enumerate(value):
                check(item, rule.item, f"{name}[{i}]")
        case MapOf():
            for key, item in _object(value, name).items():
                if rule.allowed and key not in rule.allowed:
                    raise nearest(key, list(rule.allowed), f"name in field {short(name)}:")
                check(item, rule.value, f"{name}.{key}")
        case Fields():
            _check_fields(_object(value, name), rule, name)
        case Maybe():
            if value is not None:
                check(value, rule.rule, name)
        case Either():
            check(value, rule.having if rule.key in _object(value, name) else rule.lacking, name)
        case Parameters():
            for key, item in _object(value, name).items():
                _check_parameter(item, f"{name}.{key}")


def _check_list(value: Any, rule: ListOf, name: str) -> None:
    at_most = f", at most {rule.n_most}" if rule.n_most is not None else ""
    allowed = f"a list of at least {rule.n_least}{at_most}" if rule.n_least or at_most else "a list"
    if not isinstance(value, list) or not rule.n_least <= len(value) <= (rule.n_most or len(value)):
        raise fail(name, value, allowed)


def _object(value: Any, name: str) -> Raw:
    if not isinstance(value, dict):
        raise fail(name, value, "an object")
    for key in value:
        if not isinstance(key, str) or not key:
            raise fail(name, key, "names that are non-empty strings")
    return value


def _check_number(value: Any, rule: Int | Number, name: str) -> None:
    kinds = (int,) if isinstance(rule, Int) else (int, float)
    what = "an integer" if isinstance(rule, Int) else "a finite number"
    allowed = what if rule.minimum is None else f"{what} of at least {rule.minimum}"
    if rule.nullable:
        allowed += ", or null"
        if value is None:
            return
    if isinstance(value, bool) or not isinstance(value, kinds) or not (isinstance(value, int) or math.isfinite(value)):
        raise fail(name, value, allowed)
    if abs(value) > MOST and isinstance(value, int):
        raise fail(name, value, f"{what} of at most 63 bits")
    if rule.minimum is not None and value < rule.minimum:
        raise fail(name, value, allowed)


def _check_text(value: Any, rule: Text, name: str) -> None:
    if not isinstance(value, str) or not (value or rule.may_be_empty):
        wanted = "a string" if rule.may_be_empty else "a non-empty string"
        raise fail(name, value, " or ".join(map(repr, rule.allowed)) or wanted)
    if rule.allowed and value not in rule.allowed:
        raise fail(name, value, " or ".join(map(repr, rule.allowed)))


def _check_fields(value: Raw, rule: Fields, name: str) -> None:
    inside = f"{name}." if name else ""
    known = {**rule.required, **rule.optional}
    for key in rule.required:
        if key not in value:
            raise InputError(f"field {short(inside + key)} is missing; it is required.")
    for key, item in value.items():
        if key not in known:
            raise nearest(key, list(known), f"field in {short(name)}:" if name else "field")
        check(item, known[key], inside + key)


def _check_parameter(value: Any, name: str) -> None:
    if isinstance(value, dict):
        for key, item in _object(value, name).items():
            _check_parameter(item, f"{name}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_parameter(item, f"{name}[{i}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise fail(name, value, "finite numbers")
    elif value is not None and not isinstance(value, (bool, int, float, str)):
        raise fail(name, value, "a JSON value")


def read(path: str | os.PathLike[str], rule: Rule, check_more: Callable[[Any], None] | None = None) -> Any:
    """Return the value of a JSON file that follows a rule, and whatever else `check_more` asks of it.

    Raises InputError naming the file and the first field that is wrong.
    """
    value = read_json(path)
    with of_file(path):
        check(value, rule, "")
        if check_more is not None:
            check_more(value)
    return value


@contextmanager
def of_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """An InputError of the block names the file that it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{os.fspath(path)}: {error}") from None
