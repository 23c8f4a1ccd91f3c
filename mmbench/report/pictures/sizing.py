"""Pictures of a sizing study: how rare is how slow, which percentile is how slow, what the slowest wait for.

They read records only. One line per strategy; lines differ in marker as well as in colour.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mmbench.records.study_types import Grid, StudyRecord
from mmbench.report.pictures.names import line_styles
from mmbench.report.pictures.picture import DPI, write_figure
from mmbench.report.units import format_time
from mmbench.words import SHARES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("added", "ccdf", "spectrum", "causes", "heatmap")
PS_PER_S = 1e12


def size_figure(kind: str, records: Sequence[StudyRecord], path: str | os.PathLike[str]) -> None:
    """Draw one of KINDS but heatmap into a file that appears whole or not at all."""
    draw = {"added": draw_added, "ccdf": draw_ccdf, "spectrum": draw_spectrum, "causes": draw_causes}[kind]
    write_figure(lambda: _draw(records[0], lambda axes: draw(axes, records)), path, formulas=True)


def heatmap(record: StudyRecord, grid: Grid, path: str | os.PathLike[str]) -> None:
    """Draw a percentile over rarity and size of heavy victims; record: what the grid is of."""
    write_figure(lambda: _draw(record, lambda axes: draw_heatmap(axes, grid)), path, formulas=True)


def _draw(first: StudyRecord, draw: Callable[[Axes], None]) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 5.8), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    laws = plain(f"model: {first['law_of_kills']}, {first['law_of_victims']}, {first['scenario']}")
    axes.set_title(laws, size=9, wrap=True)
    return figure


def plain(text: str) -> str:
    """Text whose dollars are dollars: ticks of a logarithmic axis need formulas, names must not become one."""
    return text.replace("$", r"\$")


def _styles(records: Sequence[StudyRecord]) -> list[tuple[str, str]]:
    return line_styles([str(record["strategy"]) for record in records])


def draw_ccdf(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """P(kill to MMF_OOM_SKIP takes longer), both axes logarithmic, with the band of its interval."""
    for record, (colour, marker) in zip(records, _styles(records), strict=True):
        tail = record["tail"]
        t = [max(ps, 1.0) / PS_PER_S for ps in tail["time_ps"]]
        axes.plot(
            t, tail["p"], color=colour, marker=marker, markevery=0.1, label=plain(record["strategy"]), drawstyle="steps"
        )
        axes.fill_between(t, tail["low"], tail["high"], color=colour, alpha=0.2, linewidth=0, step="pre")
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel="time from kill to MMF_OOM_SKIP, s", ylabel="share of kills that take longer")
    _line_of(axes, records)
    axes.grid(alpha=0.3)
    axes.legend()


def _line_of(axes: Axes, records: Sequence[StudyRecord]) -> None:
    over = records[0]["over"]["time_ps"]
    axes.axvline(over / PS_PER_S, color="#777777", linestyle=":", label=f"--over {format_time(over)}")


def draw_spectrum(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """Percentiles of kill to MMF_OOM_SKIP with their intervals; refused ones are left out."""
    for record, (colour, marker) in zip(records, _styles(records), strict=True):
        found = {name: e for name, e in record["latency"]["skip"]["percentiles"].items() if "refused" not in e}
        x = [-_log10(1 - float(name[1:]) / 100) for name in found]
        y = [e["value"] / PS_PER_S for e in found.values()]
        low = [max(v - e["low"] / PS_PER_S, 0) for v, e in zip(y, found.values(), strict=True)]
        high = [max(e["high"] / PS_PER_S - v, 0) for v, e in zip(y, found.values(), strict=True)]
        axes.errorbar(x, y, yerr=(low, high), color=colour, marker=marker, capsize=3, label=plain(record["strategy"]))
    names = list(records[0]["latency"]["skip"]["percentiles"])
    axes.set_xticks([-_log10(1 - float(name[1:]) / 100) for name in names], names)
    axes.set(yscale="log", xlabel="percentile of kills", ylabel="time from kill to MMF_OOM_SKIP, s")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_added(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """Percentiles of kill to MMF_OOM_SKIP with heavy victims (line) and without (dashes), and what they add."""
    names: list[str] = []
    for record, (colour, marker) in zip(records, _styles(records), strict=True):
        effects = record["added"]["effects"] if "added" in record else {}
        found = {name: of for name, of in effects.items() if name[0] == "p" and "added" in of}
        names = max(names, list(found), key=len)
        x = [-_log10(1 - float(name[1:]) / 100) for name in found]
        more, less = (
            [of["with"] / PS_PER_S for of in found.values()],
            [of["without"] / PS_PER_S for of in found.values()],
        )
        axes.plot(x, more, color=colour, marker=marker, label=plain(record["strategy"]))
        axes.plot(x, less, color=colour, marker=marker, linestyle="--", markerfacecolor="white")
        axes.fill_between(x, more, less, color=colour, alpha=0.2, linewidth=0)
    axes.plot([], [], color="#555555", linestyle="--", label="without heavy victims")
    axes.set_xticks([-_log10(1 - float(name[1:]) / 100) for name in names], names)
    axes.set(yscale="log", xlabel="percentile of kills", ylabel="time from kill to MMF_OOM_SKIP, s")
    axes.grid(alpha=0.3)
    axes.legend()


def _log10(x: float) -> float:
    from math import log10

    return log10(x)


def draw_causes(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """What the time to MMF_OOM_SKIP consists of: all kills and the slowest ones, a bar each, in shares."""
    bars = [
        (record["strategy"], name, found["mean_ps"]) for record in records for name, found in record["causes"].items()
    ]
    left = [0.0] * len(bars)
    for one in SHARES:
        widths = [found.get(one.key, 0.0) / max(sum(found.values()), 1e-9) for _, _, found in bars]
        axes.barh(range(len(bars)), widths, left=left, color=one.colour, hatch=one.hatch, label=one.name)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    means = [sum(found.values()) for _, _, found in bars]
    labels = [
        plain(f"{who}, {name}: {format_time(round(mean))}") for (who, name, _), mean in zip(bars, means, strict=True)
    ]
    axes.set_yticks(range(len(bars)), labels, size=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the mean time from kill to MMF_OOM_SKIP")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=8, frameon=False)


def draw_heatmap(axes: Axes, grid: Grid) -> None:
    """p99.9 of kill to MMF_OOM_SKIP over rarity and size of heavy victims; refused cells are blank."""
    from matplotlib.colors import LogNorm

    seconds = [[None if ps is None else ps / PS_PER_S for ps in row] for row in grid["value_ps"]]
    values = [[float("nan") if s is None else s for s in row] for row in seconds]
    shown = [s for row in seconds for s in row if s]
    image = axes.pcolormesh(values, norm=LogNorm(min(shown), max(max(shown), 1.01 * min(shown))), cmap="viridis")
    for y, row in enumerate(seconds):
        for x, s in enumerate(row):
            text = "refused" if s is None else format_time(round(s * PS_PER_S))
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=8, color="white" if s else "black",
                      bbox={"facecolor": "#00000066", "edgecolor": "none", "pad": 1} if s else None)  # fmt: skip
    axes.set_xticks([k + 0.5 for k in range(len(grid["sizes"]))], grid["sizes"])
    axes.set_yticks([k + 0.5 for k in range(len(grid["rarities"]))], grid["rarities"])
    axes.set(xlabel="locked size of a heavy victim", ylabel="share of kills that are heavy")
    axes.figure.colorbar(image, label=f"{grid['percentile']} of kill to MMF_OOM_SKIP, s")
