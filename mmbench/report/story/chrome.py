"""A run as a Chrome trace, which Perfetto and chrome://tracing open: holds, waits and work per task, freed pages."""

from __future__ import annotations

import json
import os

from mmbench.records.chrome import Args, ChromeTrace, Trace
from mmbench.records.files import write_text
from mmbench.records.manifest import build_manifest, code_of
from mmbench.report.reading import Record, cause_name, heading, part
from mmbench.report.story.spans import HOLD, WAIT, Span, Story, story


def chrome_trace(record: Record, about: Args | None = None) -> ChromeTrace:
    """The trace of one run, as JSON has it. about: more to say in its metadata, such as the commit.

    Times are microseconds after the kill, cut to whole nanoseconds; where a lock was held before the kill, 0 is when
    that began (metadata: kill_at_us). Raises InputError for a record without a timeline.
    """
    s = story(record)
    trace = Trace(f"model: {record['strategy']}, {record.get('scenario')}, {record.get('victim')}", s.start_ps)
    tids = {task: k + 1 for k, task in enumerate(s.tasks)}
    for task, tid in tids.items():
        trace.thread(tid, task)
    for span in _nested(s):
        exact: dict[str, object] = {"start_ps": span.start_ps, "end_ps": span.end_ps}
        if span.n > 1 or span.total_ps != span.end_ps - span.start_ps:
            exact |= {"times": span.n, "total_ps": span.total_ps}
        trace.slice(tids[span.task], title(span), span.kind, span.start_ps, span.end_ps, {**exact, **span.args})
    for m in s.moments:
        name, _, event = m.name.partition(":")
        scope = "p" if name == "oom" or not event else "t"
        trace.instant(tids[m.task], m.name, name if event else "model", m.at_ps, {"at_ps": m.at_ps, **m.args}, scope)
    curve = part(record, "curve")
    trace.counter("freed pages", 0, {"pages": 0})
    for at_ps, pages in zip(curve.get("time_ps") or [], curve.get("freed_pages") or [], strict=False):
        trace.counter("freed pages", at_ps, {"pages": pages})
    return trace.as_json({**_about(record, s), **(about or {})})


def write_trace(record: Record, path: str | os.PathLike[str]) -> None:
    """Write the trace of one run, with the commit that made it, as JSON; errors as records.files.write_text."""
    write_text(
        path, json.dumps(chrome_trace(record, code_of(build_manifest())), ensure_ascii=False, allow_nan=False) + "\n"
    )


def title(span: Span) -> str:
    """What a span is called: the lock with what is done to it, or the work."""
    if span.kind == HOLD:
        return cause_name(span.name) + (f", {span.n:,} pages in turn" if span.n > 1 else "")
    if span.kind != WAIT:
        return span.name
    if span.args.get("spread"):
        return f"contended: {cause_name(span.name)}"
    many = f", {span.n:,} times" if span.n > 1 else ""
    return f"waits: {cause_name(span.name)}{many}"


def _nested(s: Story) -> list[Span]:
    """The spans such that those of a task are nested or apart: one that outlasts the one around it is cut in two."""
    out: list[Span] = []
    for task in s.tasks:
        todo = sorted((x for x in s.spans if x.task == task), key=lambda x: (x.start_ps, -x.end_ps))
        around: list[Span] = []
        while todo:
            span = todo.pop(0)
            while around and around[-1].end_ps <= span.start_ps:
                around.pop()
            if around and span.end_ps > around[-1].end_ps:
                cut = around[-1].end_ps
                rest = Span(span.task, span.kind, span.name, cut, span.end_ps, span.n, span.total_ps, span.args)
                span = Span(span.task, span.kind, span.name, span.start_ps, cut, span.n, span.total_ps, span.args)
                todo = sorted([*todo, rest], key=lambda x: (x.start_ps, -x.end_ps))
            around.append(span)
            out.append(span)
    return out


def _about(record: Record, s: Story) -> dict[str, object]:
    kept = ("kind", "strategy", "status", "params", "scenario", "scenario_params", "victim", "costs", "seed", "outcome")
    about: dict[str, object] = {"what": heading([record]), **{name: record[name] for name in kept if name in record}}
    about |= {"resident_pages": record.get("resident_pages"), "token": record.get("token")}
    about |= {"kill_at_us": -s.start_ps / 10**6, "dropped_events": record.get("timeline_dropped", 0)}
    about["tracepoints"] = "names as in v6.1; mmap_lock:* exists from v5.11 on, mmap:exit_mmap from v6.1 on"
    return about
