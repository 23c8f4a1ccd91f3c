"""A run's event log read as spans: who holds, waits, works, polls or sleeps from when to when; and its moments.

The log counts what repeats (see mmbench.records.run_record); a span over repeats says how often and how long in all.
The moments bear the names of the kernel's tracepoints. Sources: include/trace/events/oom.h, mmap.h, mmap_lock.h and
their call sites in mm/oom_kill.c, mm/mmap.c, include/linux/mmap_lock.h (v6.1); older kernels lack mmap:exit_mmap
(v6.1) and mmap_lock:* (v5.11), and their designs are shown with them all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mmbench.errors import InputError
from mmbench.machine.ops import spec_named
from mmbench.report.reading import Record, moment, part
from mmbench.report.story.steps import Visit, visits
from mmbench.words import PARTY_KEYS

HOLD, WAIT, WORK, STEP, SLEEP = "hold", "wait", "work", "step", "sleep"
IDLE = "idle"  # the cause of a task that has nothing to do

HOLDS = {"read": "mmap_lock_read", "write": "mmap_lock_write"}


Said = Mapping[str, int | str | None]  # of a span or a moment besides its name and times


@dataclass(frozen=True)
class Span:
    """One stretch of a task's time.

    kind: hold, wait, work, step or sleep; name: the lock (a cause of blocked_ps) or what is done
    n: how often it happened in the span; total_ps: for how long in all, at most end_ps - start_ps
    """

    task: str
    kind: str
    name: str
    start_ps: int
    end_ps: int
    n: int = 1
    total_ps: int = 0
    args: Said = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """Something that took no time, by its name in the kernel, or in words where the kernel has no event."""

    task: str
    name: str
    at_ps: int
    args: Said = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """All that a run's log says, times in ps after the kill. start_ps is below 0 when a lock was held before it."""

    tasks: list[str]
    spans: list[Span]
    moments: list[Moment]
    start_ps: int
    end_ps: int


def story(record: Record) -> Story:
    """Read a run's log. Raises InputError when the record has none, or one of an older mmbench."""
    log = record.get("timeline")
    if not log or not all(isinstance(entry, dict) and "op" in entry for entry in log):
        raise InputError("this run record has no timeline, or one of an older mmbench; do the run again.")
    times = [t for e in log for t in (e["at_ps"], e.get("last_ps")) if t is not None]
    ends = [t for t in part(record, "end_ps").values() if t is not None]
    start, end = min(0, *times), max([*times, *ends, *(part(record, "curve").get("time_ps") or [])])
    tasks = list(dict.fromkeys(e["task"] for e in log))
    tasks.sort(key=lambda task: (*PARTY_KEYS, task).index(task))
    spans: list[Span] = []
    moments = list(_of_the_mm(record, tasks))
    for task in tasks:
        mine = [entry for entry in log if entry["task"] == task]
        found = visits(mine, end)
        spans += _spans(task, found)
        moments += _moments(task, found, mine)
    return Story(tasks, spans, sorted(moments, key=lambda m: m.at_ps), start, end)


def _spans(task: str, found: Sequence[Visit]) -> Iterator[Span]:
    """Yield a task's spans, the outer before the inner."""
    yield from _mmap_lock_holds(task, found)
    yield from _page_lock_holds(task, found)
    for visit in found:
        spec = spec_named(visit.op)
        if visit.loop:
            yield _poll(task, visit)
        elif spec.takes or spec.drops:
            yield from _waits(task, visit)
        elif spec.ends or spec.waits_for == IDLE:
            continue
        else:
            yield from _inside(task, visit)


def _mmap_lock_holds(task: str, found: Sequence[Visit]) -> Iterator[Span]:
    """Yield holds: from the end of the wait, or the start of the step that takes it, to the step that drops it."""
    taken: tuple[str, int] | None = None
    for visit, after in pairwise([*found, None]):
        if visit is None or visit.loop:
            continue
        spec = spec_named(visit.op)
        if taken and spec.drops:
            yield Span(task, HOLD, HOLDS[taken[0]], taken[1], visit.start_ps, 1, visit.start_ps - taken[1])
            taken = None
        if spec.takes and not taken:
            lock = after.mmap_lock if after is not None else None
            taken = (lock, visit.acquired_ps) if lock and visit.acquired_ps is not None else None
    if taken and found:
        end = found[-1].end_ps
        yield Span(task, HOLD, HOLDS[taken[0]], taken[1], end, 1, end - taken[1], {"ended": "never"})


def _page_lock_holds(task: str, found: Sequence[Visit]) -> Iterator[Span]:
    taken: int | None = None
    for visit in found:
        page_lock = spec_named(visit.op).page_lock
        if page_lock > 0:
            taken = visit.acquired_ps
        if page_lock < 0 and taken is not None:
            yield Span(task, HOLD, "page_lock", taken, visit.start_ps, 1, visit.start_ps - taken)
            taken = None
    if taken is not None:
        end = found[-1].end_ps
        yield Span(task, HOLD, "page_lock", taken, end, 1, end - taken, {"ended": "never"})


def _poll(task: str, visit: Visit) -> Span:
    """A loop as one span: polling, or, of the crowd, one page lock after another."""
    for op, ps in visit.loop.items():
        spec = spec_named(op)
        if spec.sleeps and spec.waits_for:
            return Span(task, WAIT, spec.waits_for, visit.start_ps, visit.end_ps, visit.n, ps, {"polls": visit.n})
    idle_ps = [ps for op, ps in visit.loop.items() if spec_named(op).waits_for == IDLE]
    if idle_ps:
        held = max(0, sum(idle_ps) - visit.waited_ps)
        return Span(task, HOLD, "page_lock", visit.start_ps, visit.end_ps, visit.n, held, {"pages": visit.n})
    return Span(
        task, STEP, f"loop at {visit.step}", visit.start_ps, visit.end_ps, visit.n, visit.end_ps - visit.start_ps
    )


def _inside(task: str, visit: Visit) -> Iterator[Span]:
    """Yield a step, then its parts by VMA, then what it waited for."""
    length = visit.end_ps - visit.start_ps
    spec = spec_named(visit.op)
    if spec.sleeps and spec.waits_for:
        yield Span(task, WAIT, spec.waits_for, visit.start_ps, visit.end_ps, 1, length)
    elif spec.sleeps:
        yield Span(task, SLEEP, visit.step, visit.start_ps, visit.end_ps, 1, length)
    elif spec.phase:
        pages = sum(p.freed_pages for p in visit.parts)
        yield Span(task, WORK, spec.phase, visit.start_ps, visit.end_ps, 1, length,
                   {"step": visit.step, "freed_pages": pages})  # fmt: skip
    else:
        yield Span(task, STEP, visit.step, visit.start_ps, visit.end_ps, 1, length)
    for piece in visit.parts:
        args: dict[str, int | str | None] = {"freed_pages": piece.freed_pages}
        length = piece.end_ps - piece.start_ps
        if piece.vmas:
            name = f"{spec.phase or visit.step} of {piece.vmas}"
            yield Span(task, WORK, name, piece.start_ps, piece.end_ps, 1, length, args | {"vmas": piece.vmas})
        for lock, ps in piece.met_ps.items():
            if ps:
                yield Span(task, WAIT, lock, piece.start_ps, piece.end_ps, 1, ps, {"spread": "over the span"})
    yield from _waits(task, visit)


def _waits(task: str, visit: Visit) -> Iterator[Span]:
    for w in visit.waits:
        name = "ptl" if w.kind == "ptl" else spec_named(visit.op).waits_for or visit.step
        args = {"ended": "never"} if w.pending else {}
        yield Span(task, WAIT, name, w.start_ps, w.end_ps, w.n, w.total_ps, args)


def _of_the_mm(record: Record, tasks: Sequence[str]) -> Iterator[Moment]:
    """Yield what belongs to no step: the kill, MMF_OOM_SKIP."""
    killer = "allocator" if "allocator" in tasks else "exit"
    if part(record, "scenario_params").get("oom_victim"):
        yield Moment(killer, "oom:mark_victim", 0, {"victim": record.get("victim")})
        if "reaper" in tasks and not any(_is_timer(e["op"]) for e in record["timeline"] if e["task"] == "reaper"):
            yield Moment("reaper", "oom:wake_reaper", 0)
    else:
        yield Moment("exit", "SIGKILL", 0)
    skip = moment(record, "oom_skip")
    if skip is not None:
        setting = (e["task"] for e in record["timeline"] if e["op"] == "set_flag" and e["at_ps"] == skip)
        yield Moment(next(setting, "exit"), "MMF_OOM_SKIP set", skip)


def _moments(task: str, found: Sequence[Visit], log: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    for entry in log:
        if entry["kind"] == "kill":
            yield Moment(task, "oom:mark_victim", entry["at_ps"], {"victim": "another process"})
    if task == "reaper" and any(map(_tries_lock, found)):
        yield from (Moment(task, "oom:wake_reaper", v.end_ps) for v in found if _is_timer(v.op))
    for visit, after in pairwise([*found, None]):
        if visit is not None:
            yield from _lock_events(task, visit, after)
            if task == "reaper":
                yield from _reaper_events(visit, after)
            if task == "exit" and visit.op == "remove_vmas":
                yield Moment(task, "mmap:exit_mmap", visit.end_ps)


def _is_timer(op: str) -> bool:
    spec = spec_named(op)
    return spec.sleeps and not spec.waits_for


def _tries_lock(visit: Visit) -> bool:
    """Say whether a step, or one of a loop's, is a trylock of mmap_lock."""
    specs = map(spec_named, visit.loop or (visit.op,))
    return any(spec.takes and spec.branches for spec in specs)


def _lock_events(task: str, visit: Visit, after: Visit | None) -> Iterator[Moment]:
    """Yield mmap_lock:* of one step; of a loop of failed attempts the first and the last, with their number."""
    locking, returned = "mmap_lock:mmap_lock_start_locking", "mmap_lock:mmap_lock_acquire_returned"
    spec = spec_named(visit.op)
    is_write = {"write": (spec.takes or spec.drops) == "write"}
    if visit.loop:
        if _tries_lock(visit):
            for at_ps in dict.fromkeys((visit.start_ps, visit.loop_last_ps)):
                yield Moment(task, locking, at_ps, is_write | {"attempts": visit.n})
                yield Moment(task, returned, at_ps, is_write | {"success": False, "attempts": visit.n})
    elif spec.takes and spec.drops:
        yield Moment(task, returned, visit.start_ps, is_write | {"success": True})
    elif spec.takes and spec.blocks:
        yield Moment(task, locking, visit.start_ps, is_write)
        if visit.acquired_ps is not None:
            yield Moment(task, returned, visit.acquired_ps, is_write | {"success": True})
    elif spec.takes:
        yield Moment(task, locking, visit.start_ps, is_write)
        success = after is not None and after.mmap_lock == spec.takes
        yield Moment(task, returned, visit.start_ps, is_write | {"success": success})
    elif spec.drops:
        yield Moment(task, "mmap_lock:mmap_lock_released", visit.start_ps, is_write)


def _reaper_events(visit: Visit, after: Visit | None) -> Iterator[Moment]:
    """Yield oom:* of one step of the oom_reaper thread."""
    if visit.loop:
        if _tries_lock(visit):
            for at_ps in dict.fromkeys((visit.start_ps, visit.loop_last_ps)):
                yield Moment("reaper", "oom:skip_task_reaping", at_ps, {"attempts": visit.n})
    elif _tries_lock(visit):
        if after is None or after.mmap_lock != "read":
            yield Moment("reaper", "oom:skip_task_reaping", visit.start_ps)
    elif visit.op == "unless_flag" and visit.mmap_lock == "read":
        if after is not None and spec_named(after.op).drops:
            yield Moment("reaper", "oom:skip_task_reaping", visit.start_ps)
    elif spec_named(visit.op).reaps:
        yield Moment("reaper", "oom:start_task_reaping", visit.start_ps)
        yield Moment("reaper", "oom:finish_task_reaping", visit.end_ps)
