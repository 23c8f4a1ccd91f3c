"""Run records for other programs: one flat CSV row per run, or the records as they are in JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mmbench.errors import InputError
from mmbench.records.csv_text import csv_text
from mmbench.report.reading import Record, reading_list
from mmbench.words import REAPERS

# The order of columns; parts of one object follow each other, unknown fields come last in the order found.
COLUMN_ORDER = (
    "strategy", "status", "file", "checker", "params", "scenario", "scenario_params", "victim", "costs", "seed", "kind",
    "resident_pages",
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
    rank = {name: i for i, name in enumerate(COLUMN_ORDER)}
    rows = [{name: value for name, value in r.items() if name not in NOT_FLAT} for r in reading_list(records)]
    return csv_text(rows, lambda column: rank.get(column.partition(".")[0], len(rank)))


def to_json(records: Sequence[Record]) -> str:
    """Return the records as a JSON list, unchanged, one field per line; InputError for a value JSON cannot hold."""
    plain = [dict(record) for record in reading_list(records)]
    try:
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"a run record cannot be written as JSON: {error}.") from None
