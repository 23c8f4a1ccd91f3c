"""Run records for other programs: one flat CSV row per run, or the records as they are in JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmbench.errors import InputError
from mmbench.report.reading import Record, reading_list
from mmbench.words import REAPERS

# The order of columns; parts of one object follow each other, unknown fields come last in the order found.
COLUMN_ORDER = (
    "strategy", "status", "params", "scenario", "scenario_params", "victim", "costs", "seed", "kind", "resident_pages",
    "locked_pages", "outcome", "violations", "time_ps", "freed_pages", "left_pages",
    *(f"{party}_left_pages" for party in REAPERS), "blocked_ps", "busy_ps", "end_ps",
    "throughput_pages_per_s", "throughput_by_task", "collateral_kills", "patience_kills", "token", "format",
)  # fmt: skip
NOT_FLAT = ("curve", "freed_at", "timeline")


def to_csv(records: Sequence[Record]) -> str:
    """Return CSV text: a header, then one row per record with exact values (picoseconds, pages), empty for null.

    Objects become columns with dotted names (`blocked_ps.exit.page_lock`), lists are joined by ";". Curves and the
    event log are not flat and stay out; to_json has them.
    """
    rows = [dict(_flat(record)) for record in reading_list(records)]
    rank = {name: i for i, name in enumerate(COLUMN_ORDER)}
    found = dict.fromkeys(name for row in rows for name in row)
    columns = sorted(found, key=lambda name: rank.get(name.partition(".")[0], len(rank)))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(records: Sequence[Record]) -> str:
    """Return the records as a JSON list, unchanged, one field per line; InputError for a value JSON cannot hold."""
    plain = [dict(record) for record in reading_list(records)]
    try:
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"a run record cannot be written as JSON: {error}.") from None


def _flat(record: Record) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if name not in NOT_FLAT:
            yield from _columns(name, value)


def _columns(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _columns(f"{name}.{key}", item)
    elif isinstance(value, (list, tuple)):
        yield name, ";".join(str(item) for item in value)
    else:
        yield name, "" if value is None else value
