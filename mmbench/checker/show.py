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


def lanes(c: Counterexample) -> tuple[list[str], list[list[str]]]:
    """A column per task that takes a step: heads, and the cells of every row."""
    used = [k for k in range(len(c.names)) if any(row.task == k for row in c.rows)]
    return [c.names[k] for k in used], [[cell(row) if row.task == k else "" for k in used] for row in c.rows]


def one_lane(c: Counterexample) -> tuple[list[str], list[list[str]]]:
    """The same in two columns: who, and which step."""
    return ["task", "step"], [[c.names[row.task], cell(row)] for row in c.rows]


def text(c: Counterexample, columns: int | None = None) -> str:
    """One column per task, one label per row, what changed at the right, the property at the end.

    columns: fold what changed so that the table is no wider; where a column per task leaves no room, all share one
    """
    heads, cells = lanes(c)
    width = widths(heads, cells)
    if columns is not None and indent_of(width) + MIN_CHANGE > columns:
        heads, cells = one_lane(c)
        width = widths(heads, cells)
    head = "     " + "  ".join(map(str.ljust, heads, width)) + "  what changed"
    lines = [head.rstrip(), "     " + "  ".join("-" * n for n in width) + "  " + "-" * 12]
    indent = " " * indent_of(width)
    room = CHANGE_WIDTH if columns is None else max(MIN_CHANGE, min(CHANGE_WIDTH, columns - len(indent)))
    for n, row in enumerate(c.rows, 1):
        shown = "  ".join(map(str.ljust, cells[n - 1], width))
        words = textwrap.wrap("; ".join(row.changed), room) or [""]
        lines.append(f"{n:3}  {shown}  {words[0]}".rstrip())
        lines += [f"{indent}{word}" for word in words[1:]]
    if any(row.blocked for row in c.rows):
        lines.append("     * the step blocks")
    lines += ["", f"{c.property.name}: {c.property.claim}", f"in the kernel: {c.property.kernel}"]
    if c.waits:
        lines.append("who waits for whom: " + cycle_text(list(c.waits), c.waits[0].split(" ")[0]))
    return "\n".join([*lines, *c.loops])


def widths(heads: list[str], cells: list[list[str]]) -> list[int]:
    """How wide each column is."""
    return [max(MIN_COLUMN, *map(len, column)) for column in zip(heads, *cells, strict=True)]


def indent_of(width: list[int]) -> int:
    """Where what changed begins."""
    return 5 + sum(n + 2 for n in width)


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
