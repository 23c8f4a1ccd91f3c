"""The pictures of `mmbench size`: which were asked for, checked before anything is computed, and drawn at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.ask.plan import Plan
    from mmbench.ask.watch import Watch


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


def draw_plots(plots: dict[str, str], records: list[dict[str, Any]], plan: Plan, watch: Watch) -> None:
    """Draw what was asked for; a heatmap runs a small study for each of its cells, first strategy."""
    from mmbench.ask.ladder import heat_grid
    from mmbench.report.pictures.sizing import size_figure

    for kind, path in plots.items():
        shown = [records[0] | {"grid": heat_grid(plan, watch)}] if kind == "heatmap" else records
        size_figure(kind, shown, path)
        print(f"drawn: {path}", file=sys.stderr)
