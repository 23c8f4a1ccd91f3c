"""One task's log as visits to steps, in order: loops as one visit, walks in parts by VMA, waits where they happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mmbench.machine.ops import spec_named
from mmbench.words import SPREAD

Entry = Mapping[str, Any]
COUNTS = ("freed_pages", *(f"{cause}_ps" for cause in SPREAD))


@dataclass(frozen=True)
class Waited:
    """Waits at a step: the first began at start_ps, the last ended at end_ps, total_ps in all. kind: wait or ptl."""

    kind: str
    start_ps: int
    end_ps: int
    n: int
    total_ps: int
    pending: bool


@dataclass(frozen=True)
class Part:
    """A stretch of a walk, or a whole step: the VMAs visited ("VMA 3", "VMA 16-31" or ""), pages freed, contention.

    met_ps: cause of mmbench.words.SPREAD -> ps met
    """

    vmas: str
    start_ps: int
    end_ps: int
    freed_pages: int
    met_ps: dict[str, int]


@dataclass(frozen=True)
class Visit:
    """A task at a step, or in a loop of steps, from start_ps to end_ps.

    mmap_lock: how it is held when the step begins, or ""; n: rounds of a loop
    loop: op -> ps at it in all, of a loop's steps; empty for a plain step; loop_last_ps: when its last round began
    """

    step: str
    op: str
    mmap_lock: str
    start_ps: int
    end_ps: int
    n: int = 1
    loop: dict[str, int] = field(default_factory=dict)
    loop_last_ps: int = 0
    waits: tuple[Waited, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def acquired_ps(self) -> int | None:
        """When a step that takes a lock had it; None when it still waits at the end of the run."""
        waited = [w for w in self.waits if w.kind == "wait"]
        if any(w.pending for w in waited):
            return None
        return waited[-1].end_ps if waited else self.start_ps

    @property
    def waited_ps(self) -> int:
        """How long it waited, page-table locks left out."""
        return sum(w.total_ps for w in self.waits if w.kind == "wait")


def visits(log: Sequence[Entry], end_ps: int) -> list[Visit]:
    """Read the entries of one task, in the order of time; end_ps: the end of the run."""
    steps = [e for e in log if e["kind"] == "step"]
    found: list[Visit] = []
    i = 0
    while i < len(steps):
        members, last_ps = _loop(steps, i)
        i += len(members)
        next_ps = steps[i]["at_ps"] if i < len(steps) else end_ps
        after = steps[i] if i < len(steps) else None
        final = max(members, key=lambda e: (e["last_ps"], e["n"]))
        start_ps = members[0]["at_ps"]
        if last_ps > start_ps:
            found.append(_looping(log, members, final, last_ps))
            start_ps = last_ps
        if final["op"] != "end":
            found.append(_plain(log, final, start_ps, next_ps, after))
    return found


def _loop(steps: Sequence[Entry], i: int) -> tuple[Sequence[Entry], int]:
    """Return the steps that are entered again and again together from step i on, and when one was last entered.

    A step that is entered once is a loop of one that never repeats.
    """
    last_ps, j = steps[i]["last_ps"], i + 1
    if steps[i]["n"] > 1:
        while j < len(steps) and steps[j]["at_ps"] < last_ps:
            last_ps = max(last_ps, steps[j]["last_ps"])
            j += 1
    return steps[i:j], last_ps


def _looping(log: Sequence[Entry], members: Sequence[Entry], final: Entry, last_ps: int) -> Visit:
    first = members[0]
    again = members[1] if final is first and len(members) > 1 else first
    loop: dict[str, int] = {}
    for e in members:
        loop[e["op"]] = loop.get(e["op"], 0) + e["total_ps"]
    waits = tuple(w for e in members for w in _waits(log, e["step"], first["at_ps"], last_ps, last_ps))
    n = first["n"] - (1 if final is first else 0)
    return Visit(first["step"], first["op"], first.get("mmap_lock", ""), first["at_ps"], last_ps, n, loop,
                 again["last_ps"], waits)  # fmt: skip


def _plain(log: Sequence[Entry], e: Entry, start_ps: int, end_ps: int, after: Entry | None) -> Visit:
    waits = tuple(_waits(log, e["step"], start_ps, end_ps, end_ps))
    walk = [v for v in log if v["kind"] == "vma" and v["step"] == e["step"] and start_ps <= v["at_ps"] <= end_ps]
    parts = tuple(_parts(e, walk, start_ps, end_ps, after))
    return Visit(e["step"], e["op"], e.get("mmap_lock", ""), start_ps, end_ps, waits=waits, parts=parts)


def _waits(log: Sequence[Entry], step: str, start_ps: int, end_ps: int, run_end_ps: int) -> Iterator[Waited]:
    for e in log:
        if e["kind"] in ("wait", "ptl") and e["step"] == step and start_ps <= e["at_ps"] <= end_ps:
            pending = e["last_ps"] is None
            end = run_end_ps if pending else e["last_ps"]
            total = end - e["at_ps"] if pending else e["total_ps"]
            yield Waited(e["kind"], e["at_ps"], end, e["n"], total, pending)


def _parts(e: Entry, walk: Sequence[Entry], start_ps: int, end_ps: int, after: Entry | None) -> Iterator[Part]:
    """Yield the stretches between the VMAs that the log tells apart; the first begins with the step."""
    marks = walk if walk else [e]
    last = after if after is not None else marks[-1]
    for k, (mark, following) in enumerate(pairwise([*marks, None])):
        if mark is None:
            continue
        start = mark["at_ps"] if k else start_ps
        end = following["at_ps"] if following is not None else end_ps
        if k and end == start:
            continue  # past the last VMA
        before = e if k == 0 else mark
        to = following if following is not None else last
        vmas = ""
        if walk:
            # Only a reap pass may begin at the top; the others can be past VMA 0 when the log first looks.
            first = 0 if k == 0 and not spec_named(e["op"]).reaps else mark["vma"]
            vmas = _vmas(first, following["vma"] if following is not None else None)
        more = {name: to.get(name, 0) - before.get(name, 0) if to is not before else 0 for name in COUNTS}
        yield Part(vmas, start, end, more["freed_pages"], {cause: more[f"{cause}_ps"] for cause in SPREAD})


def _vmas(first: int, following: int | None) -> str:
    if following is None:
        return f"VMA {first}"
    last = following - 1 if following > first else following + 1
    return f"VMA {first}" if last == first else f"VMA {min(first, last)}-{max(first, last)}"
