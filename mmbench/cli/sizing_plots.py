"""The pictures of `mmbench size`, drawn at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mmbench.ask.watch import NOBODY

if TYPE_CHECKING:
    from mmbench.ask.plan import Plan
    from mmbench.ask.watch import Watch
    from mmbench.records.study_types import StudyRecord


def draw_plots(
    plots: list[tuple[str, str]], records: list[StudyRecord], plan: Plan | None = None, watch: Watch = NOBODY
) -> None:
    """Draw what was asked for; a heatmap runs a small study of the plan for each of its cells, first strategy."""
    from mmbench.ask.ladder import heat_grid
    from mmbench.report.pictures.sizing import heatmap, size_figure

    for kind, path in plots:
        if kind != "heatmap":
            size_figure(kind, records, path)
        elif plan is not None:
            heatmap(records[0], heat_grid(plan, watch), path)
        print(f"drawn: {path}", file=sys.stderr)
