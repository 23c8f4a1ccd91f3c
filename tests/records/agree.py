"""Where a type and the rule that is held against values of it say different things."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from mmbench.records.schema import Bool, Either, Fields, Int, ListOf, MapOf, Maybe, Number, Parameters, Rule, Text


def differences(hint: Any, rule: Rule, where: str = "") -> Iterator[str]:
    """A sentence for each difference, with the field that it is about."""
    nullable = isinstance(rule, Maybe) or getattr(rule, "nullable", False)
    inner = rule.rule if isinstance(rule, Maybe) else rule
    kinds = list(get_args(hint)) if get_origin(hint) in (Union, UnionType) else [hint]
    if (NoneType in kinds) != nullable:
        yield f"{where}: None is of the {'type' if NoneType in kinds else 'rule'} only"
    kinds = [one for one in kinds if one is not NoneType]
    if isinstance(inner, Either):
        yield from of_either(kinds, inner, where)
    elif len(kinds) == 1:
        yield from of_one(kinds[0], inner, where)
    else:
        yield f"{where}: {hint} has several kinds, and the rule has one"


def of_either(kinds: list[Any], rule: Either, where: str) -> Iterator[str]:
    """A union of two objects, told apart by one field."""
    objects = [one for one in kinds if is_typeddict(one)]
    having = [one for one in objects if rule.key in get_type_hints(one)]
    lacking = [one for one in objects if one not in having]
    if (len(having), len(lacking)) != (1, 1):
        yield f"{where}: {kinds} are not one type with {rule.key!r} and one without"
    else:
        yield from differences(having[0], rule.having, where)
        yield from differences(lacking[0], rule.lacking, where)


def of_one(hint: Any, rule: Rule, where: str) -> Iterator[str]:
    """A type that is no union."""
    origin, inside = get_origin(hint), get_args(hint)
    match rule:
        case Fields() if is_typeddict(hint):
            yield from of_fields(hint, rule, where)
        case MapOf() if origin is dict and inside[0] is str:
            yield from differences(inside[1], rule.value, f"{where}.*")
        case ListOf() if origin is list:
            yield from differences(inside[0], rule.item, f"{where}[]")
        case Text() if origin is Literal:
            if set(inside) != set(rule.allowed):
                yield f"{where}: {inside} of the type, {rule.allowed} of the rule"
        case _:
            plain: dict[Any, Any] = {Int: int, Number: float, Text: str, Bool: bool, Parameters: dict[str, Any]}
            if plain.get(type(rule)) != hint:
                yield f"{where}: {hint} of the type, {rule} of the rule"


def of_fields(hint: Any, rule: Fields, where: str) -> Iterator[str]:
    """The fields of an object, which of them are required, and each of them."""
    hints, rules = get_type_hints(hint), {**rule.required, **rule.optional}
    for name in sorted(set(hints) ^ set(rules)):
        yield f"{where}.{name}: the {'rule' if name in hints else 'type'} lacks it"
    both = set(hints) & set(rules)
    for name in sorted((hint.__required_keys__ ^ set(rule.required)) & both):
        yield f"{where}.{name}: required by one of the two only"
    for name in both:
        yield from differences(hints[name], rules[name], f"{where}.{name}")
