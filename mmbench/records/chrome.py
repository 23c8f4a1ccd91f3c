"""A Chrome trace, the JSON that Perfetto and chrome://tracing open: one process, one thread per task.

Format: "Trace Event Format" (Google, 2016). Viewers keep whole nanoseconds, so times are cut to those here, all alike,
and what was nested stays nested; the exact picoseconds are in `args`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Required, TypedDict

PID = 1
PS_PER_NS = 1000
RANK = {"M": 0, "X": 1, "i": 2, "C": 3}


def microseconds(ns: int) -> float:
    """Whole nanoseconds as a trace has them: cutting the float's thousandfold to an integer gives `ns` back."""
    us = ns / 1000
    return us if int(us * 1000) == ns else math.nextafter(us, math.inf)


Args = Mapping[str, object]  # what is said of an event


class TraceEvent(TypedDict, total=False):
    """One event; ph: what it is (M, X, i, C), ts and dur: microseconds, s: of whom a moment is."""

    ph: Required[str]
    name: Required[str]
    cat: str
    pid: int
    tid: int
    ts: float
    dur: float
    s: str
    args: Args


class ChromeTrace(TypedDict):
    """A trace as a file holds it."""

    traceEvents: list[TraceEvent]
    displayTimeUnit: str
    otherData: Args


class Trace:
    """Events of one run, given in any order; `origin_ps` is the time that the trace calls 0."""

    def __init__(self, process: str, origin_ps: int = 0) -> None:
        self.origin_ps = origin_ps
        self.names: list[TraceEvent] = [_name("process_name", 0, {"name": process})]
        self.events: list[tuple[int, int, TraceEvent]] = []

    def thread(self, tid: int, name: str) -> None:
        """Name a thread; threads are shown in the order of their numbers."""
        self.names.append(_name("thread_name", tid, {"name": name}))
        self.names.append(_name("thread_sort_index", tid, {"sort_index": tid}))

    def slice(self, tid: int, name: str, cat: str, start_ps: int, end_ps: int, args: Args) -> None:
        """Add a complete event. Those of one thread must be nested or apart."""
        start_ns, end_ns = self._ns(start_ps), self._ns(end_ps)
        event = _event("X", tid, name, cat, start_ns, args)
        event["dur"] = microseconds(end_ns - start_ns)
        self.events.append((start_ns, start_ns - end_ns, event))

    def instant(self, tid: int, name: str, cat: str, at_ps: int, args: Args, scope: str = "t") -> None:
        """Add a moment. scope: "t" of its thread, "p" of the process, "g" of the whole trace."""
        event = _event("i", tid, name, cat, self._ns(at_ps), args)
        event["s"] = scope
        self.events.append((self._ns(at_ps), 0, event))

    def counter(self, name: str, at_ps: int, values: dict[str, int]) -> None:
        """Add a point of a counter track."""
        self.events.append((self._ns(at_ps), 0, _event("C", 0, name, "counter", self._ns(at_ps), values)))

    def as_json(self, other: Args) -> ChromeTrace:
        """The trace as a file holds it, events in the order of time and outer before inner. other: about the run."""
        ordered = sorted(self.events, key=lambda e: (*e[:2], RANK[e[2]["ph"]]))
        return {
            "traceEvents": self.names + [event for _, _, event in ordered],
            "displayTimeUnit": "ns",
            "otherData": other,
        }

    def _ns(self, at_ps: int) -> int:
        return (at_ps - self.origin_ps) // PS_PER_NS


def _event(ph: str, tid: int, name: str, cat: str, at_ns: int, args: Args) -> TraceEvent:
    return {"ph": ph, "name": name, "cat": cat, "pid": PID, "tid": tid, "ts": microseconds(at_ns), "args": args}


def _name(what: str, tid: int, args: Args) -> TraceEvent:
    return {"ph": "M", "name": what, "pid": PID, "tid": tid, "ts": 0, "args": args}
