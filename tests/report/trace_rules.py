"""The rules of the Chrome trace event format, as a list of what a trace breaks."""

from __future__ import annotations

import json
from typing import Any

REQUIRED = {
    "M": {"name", "pid", "args"},
    "X": {"name", "cat", "pid", "tid", "ts", "dur", "args"},
    "i": {"name", "cat", "pid", "tid", "ts", "s"},
    "C": {"name", "pid", "ts", "args"},
}


def broken_rules(trace: dict[str, Any]) -> list[str]:
    """What is wrong: keys, types, order of time, unnamed threads, slices that overlap (in a viewer's nanoseconds)."""
    json.dumps(trace, allow_nan=False)
    found = [] if set(trace) == {"traceEvents", "displayTimeUnit", "otherData"} else [f"keys {sorted(trace)}"]
    found += [] if trace["displayTimeUnit"] in ("ms", "ns") else ["displayTimeUnit"]
    last, named, stacks = 0.0, set(), {}
    for k, event in enumerate(trace["traceEvents"]):
        kind = event.get("ph")
        if kind not in REQUIRED or not REQUIRED[kind] <= set(event):
            found.append(f"{k}: ph {kind!r} lacks {sorted(REQUIRED.get(kind, set()) - set(event))}")
            continue
        if kind == "M":
            named |= {event["tid"]} if event["name"] == "thread_name" else set()
            continue
        if event["ts"] < last:
            found.append(f"{k}: ts {event['ts']} after {last}")
        last = event["ts"]
        if kind == "C" and not all(isinstance(v, (int, float)) for v in event["args"].values()):
            found.append(f"{k}: a counter of no number")
        if kind in ("X", "i") and event["tid"] not in named:
            found.append(f"{k}: thread {event['tid']} has no name")
        if kind == "i" and event["s"] not in ("t", "p", "g"):
            found.append(f"{k}: scope {event['s']!r}")
        if kind == "X":
            found += _not_nested(k, event, stacks.setdefault(event["tid"], []))
    return found


def _not_nested(k: int, event: dict[str, Any], stack: list[int]) -> list[str]:
    start = int(event["ts"] * 1000)
    end = start + int(event["dur"] * 1000)
    if event["dur"] < 0:
        return [f"{k}: dur {event['dur']}"]
    while stack and stack[-1] <= start:
        stack.pop()
    wrong = [f"{k}: {event['name']!r} outlasts the slice around it"] if stack and end > stack[-1] else []
    stack.append(end)
    return wrong
