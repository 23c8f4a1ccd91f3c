"""The pictures of `mmbench size`: which were asked for, checked before anything is computed, and drawn at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mmbench.ask.watch import NOBODY
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.ask.plan import Plan
    from mmbench.ask.watch import Watch
    from mmbench.records.study_types import StudyRecord


def check_plots(asked: list[str]) -> dict[str, str]:
    """KIND=FILE words as kind -> file. Raises InputError."""
    from mmbench.report.pictures.picture import picture_suffix
    from mmbench.report.pictures.sizing import KINDS

    found: dict[str, str] = {}
    for word in asked:
        kind, _, path = word.partition("=")
        if kind not in KINDS or not path:
            raise InputError(f"--plot {word!r}: allowed is KIND=FILE with one of {', '.join(KINDS)}, as in ccdf=a.png.")
        picture_suffix(path)
        found[kind] = path
    return found


def draw_plots(
    plots: dict[str, str], records: list[StudyRecord], plan: Plan | None = None, watch: Watch = NOBODY
) -> None:
    """Draw what was asked for; a heatmap runs a small study of the plan for each of its cells, first strategy."""
    from mmbench.ask.ladder import heat_grid
    from mmbench.report.pictures.sizing import heatmap, size_figure

    for kind, path in plots.items():
        if kind != "heatmap":
            size_figure(kind, records, path)
        elif plan is not None:
            heatmap(records[0], heat_grid(plan, watch), path)
        print(f"drawn: {path}", file=sys.stderr)
