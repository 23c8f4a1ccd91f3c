"""Counterexamples for people and for trace viewers: a text table, and Chrome trace events."""

from __future__ import annotations

import textwrap

from mmbench.checker.counterexample import Counterexample, Row
from mmbench.checker.waits import cycle_text
from mmbench.records.chrome import ChromeTrace, Trace

MIN_COLUMN = 9
CHANGE_WIDTH = 58
MIN_CHANGE = 20
STEP_PS = 10_000_000  # a step has no length; a viewer needs one


def cell(row: Row) -> str:
    """The label of a row, marked when the step blocks."""
    return f"{row.label} *" if row.blocked else row.label


def text(c: Counterexample, columns: int | None = None) -> str:
    """One column per task, one label per row, what changed at the right, the property at the end.

    columns: fold what changed so that the table is no wider, where its other columns leave room for a word or two
    """
    used = [k for k in range(len(c.names)) if any(row.task == k for row in c.rows)]
    width = {k: max([MIN_COLUMN, len(c.names[k])] + [len(cell(r)) for r in c.rows if r.task == k]) for k in used}
    head = "     " + "  ".join(c.names[k].ljust(width[k]) for k in used) + "  what changed"
    lines = [head.rstrip(), "     " + "  ".join("-" * width[k] for k in used) + "  " + "-" * 12]
    indent = " " * (5 + sum(width[k] + 2 for k in used))
    room = CHANGE_WIDTH if columns is None else max(MIN_CHANGE, min(CHANGE_WIDTH, columns - len(indent)))
    for n, row in enumerate(c.rows, 1):
        cells = "  ".join((cell(row) if row.task == k else "").ljust(width[k]) for k in used)
        words = textwrap.wrap("; ".join(row.changed), room) or [""]
        lines.append(f"{n:3}  {cells}  {words[0]}".rstrip())
        lines += [f"{indent}{word}" for word in words[1:]]
    if any(row.blocked for row in c.rows):
        lines.append("     * the step blocks")
    lines += ["", f"{c.property.name}: {c.property.claim}", f"in the kernel: {c.property.kernel}"]
    if c.waits:
        lines.append("who waits for whom: " + cycle_text(list(c.waits), c.waits[0].split(" ")[0]))
    return "\n".join([*lines, *c.loops])


def chrome_trace(c: Counterexample) -> ChromeTrace:
    """Trace events (chrome://tracing, Perfetto): one track per task, one slice per step, in order; no real times."""
    trace = Trace(f"{c.strategy}: {c.property.name}")
    for k, name in enumerate(c.names):
        trace.thread(k, name)
    for n, row in enumerate(c.rows):
        args = {"changed": "; ".join(row.changed), "meaning": row.meaning}
        trace.slice(row.task, row.label, "blocked" if row.blocked else "step", n * STEP_PS, (n + 1) * STEP_PS, args)
    last = {"claim": c.property.claim, "kernel": c.property.kernel, "waits": list(c.waits), "loops": list(c.loops)}
    trace.instant(0, c.property.name, "property", len(c.rows) * STEP_PS, last, scope="g")
    return trace.as_json({"note": "steps in order, without time"})
