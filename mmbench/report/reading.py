"""What a run record says, asked for in words: totals, dominant causes, names to tell runs apart.

Every reader takes a plain dict in which any piece but `strategy` may be missing, and says None for what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbench.errors import InputError
from mmbench.report.units import format_pages_size, format_time
from mmbench.words import CAUSE, PARTY_KEYS, REASON

Record = Mapping[str, Any]
CODES = ("batch_pages",)  # parameters whose last word is no unit: 0 nobody, 1 exit_mmap, 2 everybody


def reading_list(records: Sequence[Record]) -> list[Record]:
    """Return the records as a list; InputError when there is none, or one without a strategy."""
    records = list(records)
    if not records:
        raise InputError("no run records to show; allowed: one or more.")
    for i, record in enumerate(records):
        if not isinstance(record, Mapping) or not record.get("strategy"):
            raise InputError(f"run record {i} has no field 'strategy'; every run names its strategy.")
    return records


def part(record: Record, name: str) -> Mapping[str, Any]:
    """Return the object at `name`, or an empty one when it is missing."""
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def total(record: Record, name: str) -> int | None:
    """Return the sum over the object at `name`, None when it is missing."""
    return sum(v for v in part(record, name).values() if v) if name in record else None


def largest(values: Mapping[str, Any]) -> str | None:
    """Return the name with the largest value above zero (the first of equals), None when there is none."""
    name = max(values, key=lambda n: values[n] or 0, default=None)
    return name if name is not None and values[name] else None


def blocked_by_cause(record: Record, task: str) -> dict[str, int] | None:
    """Return picoseconds per cause for one task, None when the record does not speak of the task."""
    causes = part(record, "blocked_ps").get(task)
    return {cause: ps or 0 for cause, ps in causes.items()} if isinstance(causes, Mapping) else None


def parties(*records: Record) -> list[str]:
    """Return who took part in the teardown in any of the runs: the design's parties, and whoever else freed a page."""
    freed = (task for record in records for task, pages in part(record, "freed_pages").items() if pages)
    return list(dict.fromkeys([*PARTY_KEYS, *freed]))


def blocked_ps(record: Record) -> int | None:
    """Return how long those who took part waited, all together; None without blocking data."""
    found = [causes for task in parties(record) if (causes := blocked_by_cause(record, task)) is not None]
    return sum(sum(causes.values()) for causes in found) if found else None


def moment(record: Record, name: str) -> int | None:
    """Return one of time_ps: first, half, p90, all, oom_skip; None when it never came."""
    return part(record, "time_ps").get(name)


def is_unsafe(record: Record) -> bool:
    """Say whether the run broke an invariant: its speed is no merit then."""
    return record.get("outcome") == "unsafe" or bool(record.get("violations"))


def cause_name(cause: str) -> str:
    """Return a cause in words; one that is not known keeps its name."""
    return CAUSE[cause].name if cause in CAUSE else cause.replace("_", " ")


def reason_name(reason: str) -> str:
    """Return a reason for leaving pages in words; one that is not known keeps its name."""
    return REASON[reason].name if reason in REASON else reason.replace("_", " ")


def setting(key: str, value: Any) -> str:
    """Return a parameter as "exit_start=100 us", "contended=3 %", "need=16.0 MiB"; a time of -1 as never."""
    if isinstance(value, int) and key not in CODES:
        name, _, unit = key.rpartition("_")
        if unit == "ps":
            return f"{name}={format_time(value) if value >= 0 else 'never'}"
        if unit == "ppm":
            return f"{name}={value / 10_000:g} %"
        if unit == "pages":
            return f"{name}={format_pages_size(value)}"
    return f"{key}={'-' if value is None else value}"


def labels(records: Sequence[Record]) -> list[str]:
    """Return one name per record: its strategy, plus only those settings that tell equal strategies apart."""
    names = []
    for record in records:
        twins = [r for r in records if r["strategy"] == record["strategy"]]
        names.append(" ".join([str(record["strategy"]), *_differences(record, twins)]))
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[i] = f"{name} #{seen[name]}"
    return names


def _differences(record: Record, twins: Sequence[Record]) -> list[str]:
    words = []
    for group in ("params", "scenario_params"):
        for key in dict.fromkeys(key for twin in twins for key in part(twin, group)):
            if any(part(twin, group).get(key) != part(record, group).get(key) for twin in twins):
                words.append(setting(key, part(record, group).get(key)))
    for key in ("file", "scenario", "victim", "costs"):
        if any(twin.get(key) != record.get(key) for twin in twins):
            words.append(str(record.get(key, "-")))
    if any(twin.get("seed") != record.get("seed") for twin in twins):
        words.append(f"seed {record.get('seed', '-')}")
    return words


def shortened(name: str, most: int) -> str:
    """Return a name of at most `most` characters, cut in the middle: long names differ at their ends."""
    half = max(1, (most - 3) // 2)
    return name if len(name) <= most else f"{name[:half]}...{name[-half:]}"


def heading(records: Sequence[Record]) -> str:
    """Return what the runs have in common: kind, scenario, victim, cost table, seed; several values are all named."""
    words = [" and ".join(_values(records, "kind")) or "model"]
    for key in ("scenario", "victim", "costs", "seed"):
        values = _values(records, key)
        if values:
            more = f" and {len(values) - 3} more" if len(values) > 3 else ""
            words.append(f"{key} {', '.join(values[:3])}{more}")
    return " | ".join(words)


def _values(records: Sequence[Record], key: str) -> list[str]:
    return list(dict.fromkeys(str(r[key]) for r in records if r.get(key) is not None))
