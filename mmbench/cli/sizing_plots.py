"""The pictures of `mmbench size`: which were asked for, checked before anything is computed, and drawn at the end."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.cli.sizing_run import Plan

RARITIES = (Fraction(1, 10_000), Fraction(1, 1000), Fraction(1, 100), Fraction(1, 10))
DOUBLINGS_DOWN = (-8, -6, -4, -2, 0)  # sizes of the heatmap, powers of two of the heavy victim's


def check_plots(asked: list[str]) -> dict[str, str]:
    """KIND=FILE words as kind -> file. Raises InputError."""
    from mmbench.report.pictures.sizing import KINDS, check_picture

    found: dict[str, str] = {}
    for word in asked:
        kind, _, path = word.partition("=")
        if kind not in KINDS or not path:
            raise InputError(f"--plot {word!r}: allowed is KIND=FILE with one of {', '.join(KINDS)}, as in ccdf=a.png.")
        found[kind] = check_picture(path)
    return found


def draw_plots(plots: dict[str, str], records: list[dict[str, Any]], plan: Plan) -> None:
    """Draw what was asked for; a heatmap runs a small study for each of its cells, first strategy."""
    from mmbench.report.pictures.sizing import size_figure

    for kind, path in plots.items():
        shown = [records[0] | {"grid": heat_grid(plan)}] if kind == "heatmap" else records
        size_figure(kind, shown, path)
        print(f"drawn: {path}", file=sys.stderr)


def heat_grid(plan: Plan) -> dict[str, Any]:
    """The target percentile over RARITIES and sizes, a study for each."""
    from mmbench.cli.sizing_solve import Ladder
    from mmbench.sizing.sample import Refused
    from mmbench.victims import format_size

    ladder = Ladder(plan, plan.settings[0], "size")
    top = ladder.sizes[-1]
    sizes = [s for s in (top >> -d & ~4095 for d in DOUBLINGS_DOWN) if s >= ladder.sizes[0]]
    values: list[list[float | None]] = []
    for rarity in RARITIES:
        values.append([])
        for size in sizes:
            sample = ladder.sample(size, rarity, plan.effort.kills)
            found = sample.quantile("skip", plan.effort.target) if sample else None
            values[-1].append(None if found is None or isinstance(found, Refused) else found.value)
    return {
        "sizes": [format_size(size) for size in sizes],
        "rarities": [f"1/{rarity.denominator:,}" for rarity in RARITIES],
        "percentile": f"p{plan.effort.target * 100:.10g}",
        "value_ps": values,
    }
