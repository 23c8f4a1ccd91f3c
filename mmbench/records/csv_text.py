"""Rows as CSV, one way for everything that prints any: dotted names for objects, ";" between items, empty for null."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


def csv_text(rows: Iterable[Mapping[str, Any]], order: Callable[[str], int] | None = None) -> str:
    """A header and one line per row, exact values; columns as they are first met, or sorted by `order` (stable)."""
    flat = [flat_row(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted(columns, key=order) if order else columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def flat_row(row: Mapping[str, Any]) -> dict[str, object]:
    """The cells of a row by column: `{"a": {"b": 1}}` has the column `a.b`; null stays None, which CSV leaves empty."""
    return dict(_cells("", row))


def _cells(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _cells(f"{name}.{key}" if name else str(key), item)
    elif isinstance(value, (list, tuple)):
        yield name, ";".join(str(item) for item in value)
    else:
        yield name, value
