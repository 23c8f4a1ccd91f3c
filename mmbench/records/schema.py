"""A record's schema is data: a tree of rules, and one function that holds a value against it.

Validation is strict on purpose: an unknown field is an error, a bool is not an integer, NaN is not a number.
A record that passes can be read years later without guessing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import InputError, nearest


@dataclass(frozen=True)
class Int:
    """A JSON integer, not below `minimum`; `nullable` admits null ("never happened")."""

    minimum: int | None = 0
    nullable: bool = False


@dataclass(frozen=True)
class Number:
    """A finite JSON number, not below `minimum`; `nullable` admits null."""

    minimum: float | None = 0
    nullable: bool = False


@dataclass(frozen=True)
class Text:
    """A non-empty string; one of `allowed` when that is given."""

    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    """A list whose items all follow one rule."""

    item: Rule


@dataclass(frozen=True)
class MapOf:
    """An object with free names (or the `allowed` ones), whose values all follow one rule."""

    value: Rule
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """An object with exactly these fields: `required` ones are there, others only if named in `optional`."""

    required: dict[str, Rule]
    optional: dict[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameters:
    """An object of named settings: any JSON value without NaN and infinities."""


Rule = Int | Number | Text | ListOf | MapOf | Fields | Parameters


def shown(value: Any) -> str:
    """Say a found value in a few characters, in JSON's words where it is short."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fail(name: str, found: Any, allowed: str) -> InputError:
    """Build the error of one broken field: its path, what was found, what is allowed."""
    return InputError(f"field {name!r} is {shown(found)}; allowed: {allowed}.")


def check(value: Any, rule: Rule, name: str) -> None:
    """Raise InputError naming the first field (as a dotted path below `name`) that breaks its rule."""
    match rule:
        case Int() | Number():
            _check_number(value, rule, name)
        case Text():
            _check_text(value, rule, name)
        case ListOf():
            if not isinstance(value, list):
                raise fail(name, value, "a list")
            for i, item in enumerate(value):
                check(item, rule.item, f"{name}[{i}]")
        case MapOf():
            for key, item in _object(value, name).items():
                if rule.allowed and key not in rule.allowed:
                    raise nearest(key, list(rule.allowed), f"name in field {name!r}:")
                check(item, rule.value, f"{name}.{key}")
        case Fields():
            _check_fields(_object(value, name), rule, name)
        case Parameters():
            for key, item in _object(value, name).items():
                _check_parameter(item, f"{name}.{key}")


def _object(value: Any, name: str) -> dict[str, Any]:
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
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise fail(name, value, allowed)
    if rule.minimum is not None and value < rule.minimum:
        raise fail(name, value, allowed)


def _check_text(value: Any, rule: Text, name: str) -> None:
    if not isinstance(value, str) or not value:
        raise fail(name, value, " or ".join(map(repr, rule.allowed)) or "a non-empty string")
    if rule.allowed and value not in rule.allowed:
        raise fail(name, value, " or ".join(map(repr, rule.allowed)))


def _check_fields(value: dict[str, Any], rule: Fields, name: str) -> None:
    inside = f"{name}." if name else ""
    known = rule.required | rule.optional
    for key in rule.required:
        if key not in value:
            raise InputError(f"field {inside + key!r} is missing; it is required.")
    for key, item in value.items():
        if key not in known:
            raise nearest(key, list(known), f"field in {name!r}:" if name else "field")
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
