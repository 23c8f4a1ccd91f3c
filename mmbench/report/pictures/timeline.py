"""One run as a picture: a lane per task with what it holds, does and waits for; where much happens, a close-up.

Colours are those of the bars (Okabe and Ito's): a plain bar is a lock held, a hatched one a wait for it. What happened
many times within a bar, or is spread over it, is as high as its share of the time.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.report.pictures.bars import OTHER
from mmbench.report.pictures.names import result_in_words
from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.reading import Record, cause_name, heading, moment, part
from mmbench.report.story.spans import HOLD, SLEEP, STEP, WAIT, WORK, Moment, Span, Story, story
from mmbench.report.units import TIME_UNITS, format_count, format_pages_size, format_time
from mmbench.words import CAUSE, SPREAD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCH, LEFT_INCH, RIGHT_INCH = 14.0, 1.5, 0.3
LANE_INCH, PANEL_GAP_INCH, TITLE_INCH, FOOT_INCH = 0.62, 0.72, 0.95, 0.45
ROWS = {HOLD: 0.02, WORK: 0.34, SLEEP: 0.34, WAIT: 0.66}  # from the top of a lane, which is 1 high
ROW = 0.29
GREYS = {"munlock": "#8a8a8a", "unmap": "#b5b5b5", "reap": "#b5b5b5", "free_pgtables": "#cfcfcf"}
GREY = "#dedede"
HEAD, TAIL = 0.08, 0.05  # a close-up shows at most so much of the run
LEAST = 0.0005  # and at least so much
LETTER_INCH = 0.074


def timeline(record: Record, path: str | os.PathLike[str]) -> None:
    """Draw one run into a .png, .svg or .pdf file; its replay token is in the file's metadata.

    Raises InputError for a record without a timeline, another suffix or a path that cannot be written.
    """
    found = story(record)
    token = record.get("token")
    write_figure(lambda: draw(record, found), path, f"mmbench run --replay {token}" if token else "")


def windows(s: Story) -> list[tuple[str, float, float]]:
    """Return what to show, with a title each: the whole run, and its beginning or end where locks change hands fast."""
    length = max(1, s.end_ps - s.start_ps)
    out = [("the whole run", s.start_ps - 0.004 * length, s.end_ps + 0.012 * length)]
    ends = {m.at_ps for m in s.moments if m.name == "MMF_OOM_SKIP set"}
    ends |= {x.end_ps for x in s.spans if x.kind in (HOLD, WAIT) and not _is_shared(x) and x.name != "ptl"
             and x.end_ps - x.start_ps > LEAST * length}  # fmt: skip
    early = [t for t in sorted(ends) if LEAST * length < t - s.start_ps < HEAD * length]
    if early:
        until = s.start_ps + 1.2 * (early[-1] - s.start_ps)
        out.insert(0, (f"the first {format_time(round(until - s.start_ps))}", s.start_ps, until))
    late = [t for t in sorted(ends) if LEAST * length < s.end_ps - t < TAIL * length]
    if late:
        since = s.end_ps - 1.2 * (s.end_ps - late[0])
        out.append((f"the last {format_time(round(s.end_ps - since))}", since, s.end_ps + 0.05 * (s.end_ps - since)))
    return out


def _is_shared(x: Span) -> bool:
    """Say whether a span stands for many short ones, or for contention spread over it."""
    return "spread" in x.args or (x.n > 1 and "polls" not in x.args)


def draw(record: Record, s: Story) -> Figure:
    """Return the timeline as a matplotlib figure on an Agg canvas; tasks that never did a thing have no lane."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    busy = {x.task for x in s.spans if x.kind != STEP} | {m.task for m in s.moments if _is_further_kill(m)}
    s = replace(s, tasks=[task for task in s.tasks if task in busy])
    shown = windows(s)
    panel_inch = LANE_INCH * (len(s.tasks) + 1)
    height = TITLE_INCH + len(shown) * (panel_inch + PANEL_GAP_INCH) + FOOT_INCH
    figure = Figure(figsize=(WIDTH_INCH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    title = f"{record['strategy']} | {heading([record])}"
    figure.text(0.012, 1 - 0.14 / height, textwrap.fill(title, 118), size=12.5, weight="bold", va="top")
    size = f"{format_pages_size(record.get('resident_pages'))}, {format_pages_size(record.get('locked_pages'))} locked"
    below = f"{result_in_words(record)}; {size}; times are the model's, counted from the kill"
    figure.text(0.012, 1 - 0.42 / height, below, size=10, va="top")
    for k, (words, since, until) in enumerate(shown):
        bottom = height - TITLE_INCH - (k + 1) * panel_inch - k * PANEL_GAP_INCH
        box = (LEFT_INCH / WIDTH_INCH, bottom / height, 1 - (LEFT_INCH + RIGHT_INCH) / WIDTH_INCH, panel_inch / height)
        _panel(figure.add_axes(box), record, s, words, since, until)
    _legend(figure, s.spans, height)
    return figure


def _panel(axes: Axes, record: Record, s: Story, words: str, since: float, until: float) -> None:
    scale, unit = next((u for u in TIME_UNITS if until >= u[0]), TIME_UNITS[-1])
    axes.set_xlim(since / scale, until / scale)
    axes.set_ylim(len(s.tasks) + 1, 0)
    per_inch = (until - since) / (WIDTH_INCH - LEFT_INCH - RIGHT_INCH)
    for lane, task in enumerate(s.tasks):
        axes.text(-0.05, lane + 0.5, task, transform=axes.get_yaxis_transform(), ha="right", va="center", size=11,
                  weight="bold")  # fmt: skip
        for row, what in ((0.17, "holds"), (0.49, "does"), (0.81, "waits for")):
            axes.text(-0.005, lane + row, what, transform=axes.get_yaxis_transform(), ha="right", va="center", size=7,
                      color="#666666")  # fmt: skip
        mine = [x for x in s.spans if x.task == task and x.end_ps >= since and x.start_ps <= until]
        for span in mine:
            start, end = max(since, span.start_ps), min(until, span.end_ps)
            if "spread" in span.args:
                _contention(axes, lane, span, mine, scale, start, end)
            elif "vmas" in span.args:
                if end - start > 0.05 * per_inch:
                    axes.plot([start / scale] * 2, [lane + ROWS[WORK], lane + ROWS[WORK] + ROW], color="white",
                              lw=0.5, zorder=4)  # fmt: skip
            elif span.kind != STEP:
                _bar(axes, lane, span, scale, start, end, per_inch)
        axes.axhline(lane + 1, color="#bbbbbb", lw=0.8)
    _freed(axes, record, len(s.tasks), scale)
    _marks(axes, record, s, scale, since, until)
    axes.set_yticks([])
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel(f"time after the kill ({unit}) - {words}", size=9.5)
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _bar(axes: Axes, lane: int, span: Span, scale: int, start: float, end: float, per_inch: float) -> None:
    """Draw a span; words go into it where they fit."""
    top = lane + ROWS[span.kind]
    fill = CAUSE.get(span.name, OTHER) if span.kind in (HOLD, WAIT) else None
    colour = fill.colour if fill else GREYS.get(span.name, GREY)
    is_wait = span.kind == WAIT
    share = span.total_ps / max(1, span.end_ps - span.start_ps) if _is_shared(span) else 1.0
    high = ROW * min(1.0, max(0.1, share))
    axes.barh(top, (end - start) / scale, high, left=start / scale, align="edge", color="white" if is_wait else colour,
              edgecolor=colour if fill else "white", hatch="////" if is_wait else "", lw=0.5, zorder=3)  # fmt: skip
    if end - start < 0.02 * per_inch:  # a line where the bar would be thinner than one
        axes.plot([start / scale] * 2, [top, top + high], color=colour, lw=1.2, zorder=3)
    short = span.name if fill is None else cause_name(span.name)
    fitting = (w for w in (f"{short}{_times(span)}", short) if end - start > per_inch * (LETTER_INCH * len(w) + 0.1))
    if is_wait and high < ROW / 2:
        return
    behind = "white" if is_wait or _is_shared(span) else colour
    dark = span.kind == HOLD and span.name in ("mmap_lock_write", "page_lock") and not _is_shared(span)
    axes.text((start + end) / 2 / scale, top + ROW / 2 + 0.01, next(fitting, ""), ha="center", va="center", size=8,
              zorder=5, color="white" if dark else "#111111",
              bbox={"facecolor": behind, "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _contention(
    axes: Axes, lane: int, span: Span, others: Sequence[Span], scale: int, start: float, end: float
) -> None:
    """Draw contention as high as its share of the stretch, that of one lock on top of that of the next."""
    same = (span.start_ps, span.end_ps)
    alike = [x for x in others if "spread" in x.args and (x.start_ps, x.end_ps) == same]
    below = sum(x.total_ps for x in alike if SPREAD.index(x.name) > SPREAD.index(span.name))
    length = max(1, span.end_ps - span.start_ps)
    base = lane + ROWS[WAIT] + ROW * (1 - min(1.0, (below + span.total_ps) / length))
    axes.barh(base, (end - start) / scale, ROW * min(1.0, span.total_ps / length), left=start / scale, align="edge",
              color=CAUSE[span.name].colour, lw=0, zorder=3)  # fmt: skip


def _times(span: Span) -> str:
    if "polls" in span.args:
        return f", {format_count(span.n)} tries"
    return f", {format_count(span.n)} times, {format_time(span.total_ps)} in all" if span.n > 1 else ""


def _freed(axes: Axes, record: Record, lane: int, scale: int) -> None:
    """Draw freed memory as a share of what is resident, in the lane below the tasks."""
    curve, full = part(record, "curve"), record.get("resident_pages") or 1
    times = [0, *(t for t in curve.get("time_ps") or [])]
    shares = [0.0, *(n / full for n in curve.get("freed_pages") or [])]
    right = axes.get_xlim()[1] * scale
    x, y = [t / scale for t in [*times, right]], [lane + 0.97 - 0.85 * v for v in [*shares, shares[-1]]]
    axes.fill_between(x, lane + 0.97, y, color="#009E73", alpha=0.25, lw=0)
    axes.plot(x, y, color="#009E73", lw=1.4)
    transform = axes.get_yaxis_transform()
    axes.text(-0.05, lane + 0.5, "freed", transform=transform, ha="right", va="center", size=11, weight="bold")
    for share, where in ((100, 0.12), (0, 0.97)):
        axes.text(-0.005, lane + where, f"{share} %", transform=transform, ha="right", va="center", size=7,
                  color="#666666")  # fmt: skip
    axes.axhline(lane + 0.12, color="#dddddd", lw=0.6, ls=":")


def _marks(axes: Axes, record: Record, s: Story, scale: int, since: float, until: float) -> None:
    """Mark MMF_OOM_SKIP over all lanes, and further kills in the lane of the killer."""
    skip = moment(record, "oom_skip")
    if skip is not None and since <= skip <= until:
        axes.axvline(skip / scale, color="#000000", lw=1.3, ls=(0, (4, 2)), zorder=6)
        right = skip - since > 0.8 * (until - since)
        axes.annotate(f"MMF_OOM_SKIP, {format_time(skip)}", (skip / scale, 0), (-4 if right else 4, 2),
                      textcoords="offset points", ha="right" if right else "left", va="bottom", size=8.5)  # fmt: skip
    for m in s.moments:
        if _is_further_kill(m) and since <= m.at_ps <= until:
            y = s.tasks.index(m.task) + 0.49
            axes.plot([m.at_ps / scale], [y], marker="X", ms=8, color="#000000", mec="white", zorder=7)
            right = m.at_ps - since > 0.8 * (until - since)
            axes.annotate("kills another process", (m.at_ps / scale, y), (-8 if right else 8, 0), size=8.5, zorder=7,
                          textcoords="offset points", ha="right" if right else "left", va="center",
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _is_further_kill(m: Moment) -> bool:
    return m.name == "oom:mark_victim" and m.args.get("victim") == "another process"


def _legend(figure: Figure, spans: Sequence[Span], height: float) -> None:
    """Name the colours that occur; a hold and a wait of one lock are two entries."""
    from matplotlib.patches import Patch

    patches = []
    for kind, verb in ((HOLD, "holds"), (WAIT, "waits")):
        for name in dict.fromkeys(x.name for x in spans if x.kind == kind):
            fill = CAUSE.get(name, OTHER)
            plain = kind == HOLD or fill.is_spread
            label = f"contended: {cause_name(name)}" if plain and kind == WAIT else f"{verb}: {cause_name(name)}"
            patches.append(Patch(facecolor=fill.colour if plain else "white", edgecolor=fill.colour, lw=0.5,
                                 hatch="" if plain else "////", label=label))  # fmt: skip
    patches.append(Patch(facecolor=GREYS["unmap"], label="works (white lines: from VMA to VMA)"))
    note = "low bars: as high as their share of the time"
    figure.text(0.988, 0.12 / height, note, ha="right", size=9, color="#444444")
    figure.legend(handles=patches, loc="lower left", bbox_to_anchor=(0.012, 0.05 / height), ncols=min(5, len(patches)),
                  fontsize=9, frameon=False, columnspacing=1.6, handlelength=1.8)  # fmt: skip
