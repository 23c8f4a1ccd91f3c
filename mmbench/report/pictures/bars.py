"""The right panel: how long each task waited, stacked by cause; one bar per task, on a linear axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmbench.report.reading import Record, blocked_by_cause, cause_name, parties
from mmbench.report.units import TIME_UNITS, format_time
from mmbench.words import CAUSE, Cause

if TYPE_CHECKING:
    from matplotlib.axes import Axes


OTHER = Cause("other", 0, "another cause", "#999999", "xxx")  # one that is not known here


def draw_bars(axes: Axes, records: Sequence[Record]) -> None:
    """Draw a bar for each of those who took part and whose waiting any record speaks of."""
    everybody = parties(*records)
    waits = [{task: blocked_by_cause(record, task) for task in everybody} for record in records]
    tasks = [t for t in everybody if any(w[t] is not None for w in waits)] or ["exit"]
    causes = [c for c in _known_first(waits) if any((w[t] or {}).get(c) for w in waits for t in tasks)]
    longest = max([0, *(sum((w[t] or {}).values()) for w in waits for t in tasks)])
    scale, unit = next((u for u in TIME_UNITS if longest >= u[0]), TIME_UNITS[0] if not longest else TIME_UNITS[-1])
    thick = 0.8 / len(tasks)
    for i, by_task in enumerate(waits):
        for j, task in enumerate(tasks):
            y = i + (j - (len(tasks) - 1) / 2) * thick
            _draw_bar(axes, y, thick * 0.82, by_task[task], causes, scale)
            axes.text(-0.012, y, task, transform=axes.get_yaxis_transform(), ha="right", va="center", size=8)
    _dress(axes, len(records), longest / scale, unit)
    _legend(axes, causes)


def _known_first(waits: Sequence[dict[str, dict[str, int] | None]]) -> list[str]:
    found = dict.fromkeys(c for by_task in waits for causes in by_task.values() for c in causes or {})
    return [*(c for c in CAUSE if c in found), *(c for c in found if c not in CAUSE)]


def _draw_bar(
    axes: Axes, y: float, thick: float, wait: dict[str, int] | None, causes: Sequence[str], scale: int
) -> None:
    """Stack one task's causes and write the sum behind them, because a short wait has no visible bar."""
    start = 0.0
    for cause in causes:
        length = (wait or {}).get(cause, 0) / scale
        if length:
            fill = CAUSE.get(cause, OTHER)
            axes.barh(y, length, thick, left=start, color=fill.colour, hatch=fill.hatch, edgecolor="white", lw=0.4)
            start += length
    text = format_time(None if wait is None else sum(wait.values()))
    axes.annotate(text, (start, y), (4, 0), textcoords="offset points", va="center", size=8,
                  color="#222222" if start else "#999999")  # fmt: skip


def _dress(axes: Axes, n_rows: int, longest: float, unit: str) -> None:
    axes.set_ylim(n_rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlim(0, longest * 1.14 or 1)
    axes.set_xlabel(f"time blocked ({unit})")
    axes.set_title("waiting, by task and cause", loc="left", size=11)
    axes.grid(axis="x", color="#dddddd", lw=0.7)
    axes.set_axisbelow(True)
    for y in range(1, n_rows):
        axes.axhline(y - 0.5, color="#eeeeee", lw=0.8, zorder=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(axes: Axes, causes: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    if not causes:
        return
    fills = [(cause_name(c), CAUSE.get(c, OTHER)) for c in causes]
    patches = [Patch(facecolor=f.colour, hatch=f.hatch, edgecolor="white", label=name) for name, f in fills]
    axes.figure.legend(handles=patches, loc="lower right", bbox_to_anchor=(0.99, 0.0), ncols=len(patches), fontsize=9,
                       frameon=False, columnspacing=1.4, handlelength=1.6)  # fmt: skip
