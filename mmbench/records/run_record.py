"""A run record says what one design did with one victim in one scenario, in exact integers.

All times are integer picoseconds after the kill, null when the moment never came. Pages are 4 KiB pages.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any, cast

from mmbench.errors import InputError
from mmbench.records.files import read_json
from mmbench.records.schema import Fields, Int, ListOf, MapOf, Number, Raw, Text, check, fail, of_file
from mmbench.records.types import Event, Run, RunRecord
from mmbench.words import CAUSE_KEYS, PARTIES, PATIENCE_PS, REAPERS, SPREAD

FORMAT = "mmbench-run 1"
KINDS = ("model",)
OUTCOMES = ("completed", "gave-up", "hung", "unsafe")
PROGRESS = ("first", "half", "p90", "all")
STEPS = Fields({"time_ps": ListOf(Int()), "freed_pages": ListOf(Int())})
REQUIRED_PARTIES = tuple(party.key for party in PARTIES if party.is_required)
EVENT_KINDS = ("step", "wait", "ptl", "vma", "kill")
WAITS = ("wait", "ptl")
SAYS = {"vma": ("vma",)} | dict.fromkeys(("step", *WAITS), ("n", "last_ps", "total_ps"))  # kind of event -> its fields
PS_PER_SECOND = 10**12

# What a task came to; what repeats is one entry. at_ps: when it first began (negative: before the kill); n: how often;
# last_ps: when a step was last entered, or the last wait ended (null: never); total_ps: at the step or waited, in all;
# mmap_lock: how it is held when the step begins; vma: the one a walk came to; the rest: met and freed by then.
EVENT = Fields(
    {"at_ps": Int(minimum=None), "task": Text(), "kind": Text(EVENT_KINDS), "step": Text(), "op": Text()},
    {
        "mmap_lock": Text(("read", "write")),
        "n": Int(minimum=1),
        "last_ps": Int(minimum=None, nullable=True),
        "total_ps": Int(),
        "vma": Int(minimum=-1),
        **{f"{cause}_ps": Int() for cause in SPREAD},
        "freed_pages": Int(),
    },
)

RUN_RECORD = Fields(
    {
        "format": Text((FORMAT,)),
        "kind": Text(KINDS),
        "strategy": Text(),
        "params": MapOf(Text()),
        "scenario": Text(),
        "scenario_params": MapOf(Int(minimum=None)),
        "victim": Text(),
        "seed": Int(minimum=None),
        "resident_pages": Int(),
        "locked_pages": Int(),
        "outcome": Text(OUTCOMES),
        "freed_pages": MapOf(Int()),
        "left_pages": MapOf(Int()),
        **{f"{party}_left_pages": MapOf(Int()) for party in REAPERS if party in REQUIRED_PARTIES},
        "blocked_ps": MapOf(MapOf(Int(), allowed=CAUSE_KEYS)),
        "time_ps": Fields({name: Int(nullable=True) for name in (*PROGRESS, "oom_skip")}),
        "throughput_pages_per_s": Number(nullable=True),
        "throughput_by_task": MapOf(Number(nullable=True)),
        "collateral_kills": Int(),
        "patience_kills": MapOf(Int(), allowed=tuple(PATIENCE_PS)),  # a killer who is missing came later
        "curve": STEPS,
        "costs": Text(),
        "violations": ListOf(Text()),
        "token": Text(),
    },
    {
        "status": Text(),
        "file": Text(),  # of a design of the user's own, as it was typed
        "checker": MapOf(Text()),  # scope -> the checker's verdict on the design: "safe", "fails I5"
        **{f"{party}_left_pages": MapOf(Int()) for party in REAPERS if party not in REQUIRED_PARTIES},
        "busy_ps": MapOf(Int()),
        "end_ps": MapOf(Int(nullable=True)),
        "reap_passes": MapOf(Int()),
        "freed_at": STEPS,
        "work": MapOf(MapOf(Int())),
        "timeline": ListOf(EVENT),
        "timeline_dropped": Int(),  # entries for which the log had no room
    },
)


def whole(record: Any) -> RunRecord:
    """The record, which has its type from here on: validate_record has passed it. Raises InputError."""
    validate_record(record)
    return cast(RunRecord, record)


def read_run(path: str | os.PathLike[str]) -> RunRecord:
    """The run record of a file, alone or in a list of one. Raises InputError naming the file and the field."""
    found = read_json(path)
    if isinstance(found, list):
        if len(found) != 1:
            raise InputError(f"{path!r} holds {len(found)} run records; a timeline shows one (mmbench run ...).")
        found = found[0]
    with of_file(path):
        return whole(found)


def validate_record(record: Any) -> None:
    """Raise InputError naming the first field that makes `record` no run record; return None when it is one.

    Beyond the schema: pages are conserved (freed + left = resident), no more is locked than resident, progress
    times come in order, the curve never falls and never exceeds what was freed, `unsafe` names its violations,
    throughput is pages over time, and nobody is blocked or busy for longer than there was time, or waits in the
    timeline for longer than the sums say.
    """
    if not isinstance(record, dict):
        raise InputError(f"a run record is a JSON object; found {type(record).__name__}.")
    if "format" in record and record["format"] != FORMAT:
        raise fail("format", record["format"], f"{FORMAT!r} (write the record again with this version of mmbench)")
    check(record, RUN_RECORD, "")
    run = cast("Run", record)
    _check_pages(run)
    _check_progress(record["time_ps"])
    for name in ("curve", "freed_at"):
        if name in record:
            _check_curve(name, record[name], sum(record["freed_pages"].values()))
    if record["outcome"] == "unsafe" and not record["violations"]:
        raise fail("violations", [], "at least one invariant when the outcome is 'unsafe'")
    _check_marks(record.get("timeline", []))
    _check_blocked(run)
    _check_throughput(record)


def _check_marks(timeline: list[Event]) -> None:
    for i, entry in enumerate(timeline):
        kind = entry["kind"]
        for name in SAYS.get(kind, ()):
            if name not in entry:
                needed = ", ".join(SAYS[kind])
                raise InputError(f"field 'timeline[{i}]' has no {name!r}; an entry of kind {kind!r} has {needed}.")
        if kind == "step" and entry["last_ps"] is None:
            raise fail(f"timeline[{i}].last_ps", None, "when the step was last entered: only a wait may never end")


def _check_pages(record: Run) -> None:
    resident = record["resident_pages"]
    freed, left = sum(record["freed_pages"].values()), sum(record["left_pages"].values())
    if freed + left != resident:
        raise InputError(
            f"field 'freed_pages' sums to {freed:,} and 'left_pages' to {left:,}, together {freed + left:,}; "
            f"allowed: exactly 'resident_pages', {resident:,} (every page is freed once or left for a reason)."
        )
    if record["locked_pages"] > resident:
        raise fail("locked_pages", record["locked_pages"], f"at most 'resident_pages', {resident}")


def _check_progress(time_ps: dict[str, int | None]) -> None:
    for early, late in pairwise(PROGRESS):
        before, after = time_ps[early], time_ps[late]
        if after is not None and (before is None or after < before):
            raise fail(f"time_ps.{late}", after, f"null, or not before 'time_ps.{early}' ({before})")


def _check_curve(field: str, curve: dict[str, list[int]], freed_pages: int) -> None:
    times, pages = curve["time_ps"], curve["freed_pages"]
    if len(times) != len(pages):
        raise InputError(
            f"field {field!r} has {len(times)} times and {len(pages)} page counts; allowed: one page count per time."
        )
    for name, values in curve.items():
        for i, (before, after) in enumerate(pairwise(values), start=1):
            if after < before:
                raise fail(f"{field}.{name}[{i}]", after, f"at least the value before it, {before}")
    if pages and pages[-1] > freed_pages:
        raise fail(f"{field}.freed_pages[{len(pages) - 1}]", pages[-1], f"at most the pages freed, {freed_pages}")


def _check_throughput(record: Raw) -> None:
    """Pages per second, whole: of all until the last page of the curve, of a task while it was busy."""
    freed, last = record["freed_pages"], record["curve"]["time_ps"][-1:]
    rates = {"throughput_pages_per_s": (record["throughput_pages_per_s"], sum(freed.values()), *last)}
    for task, busy_ps in record.get("busy_ps", {}).items():
        if task in record["throughput_by_task"]:
            rate = record["throughput_by_task"][task]
            rates[f"throughput_by_task.{task}"] = (rate, freed.get(task, 0), busy_ps)
    for name, (rate, pages, *over_ps) in rates.items():
        expected = pages * PS_PER_SECOND // over_ps[0] if over_ps and over_ps[0] > 0 else 0
        if rate is not None and int(rate) != expected:
            raise fail(name, rate, f"{expected}, for {pages:,} pages in {over_ps[0] if over_ps else 0:,} ps")


def _check_blocked(record: Run) -> None:
    waits = dict.fromkeys(record["blocked_ps"], 0)
    for entry in record.get("timeline", []):
        if entry["kind"] in WAITS and entry["task"] in waits:
            waits[entry["task"]] += entry.get("total_ps", 0)
    for task, causes in record["blocked_ps"].items():
        blocked_ps = sum(causes.values())
        if waits[task] > blocked_ps:
            raise fail(f"blocked_ps.{task}", causes, f"together at least its waits in 'timeline', {waits[task]} ps")
        end_ps = record.get("end_ps", {}).get(task)
        start_ps = record["scenario_params"].get(f"{task}_start_ps")
        if end_ps is None or not isinstance(start_ps, int):
            continue
        for what, ps in (("blocked_ps", blocked_ps), ("busy_ps", record.get("busy_ps", {}).get(task, 0))):
            if ps > end_ps - start_ps:
                allowed = f"together at most the {end_ps - start_ps} ps from its start to its end"
                raise fail(f"{what}.{task}", ps, allowed)
