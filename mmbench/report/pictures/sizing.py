"""Pictures of a sizing study: how rare is how slow, which percentile is how slow, what the slowest wait for.

They read records only. One line per strategy; lines differ in marker as well as in colour.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
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
FEW = 4  # strategies that may be shown in every detail
TALL_INCH = 5.8
GROUP_GAP, BAR_INCH = 0.6, 0.19


def size_figure(kind: str, records: Sequence[StudyRecord], path: str | os.PathLike[str]) -> None:
    """Draw one of KINDS but heatmap into a file that appears whole or not at all."""
    draw = {"added": draw_added, "ccdf": draw_ccdf, "spectrum": draw_spectrum, "causes": draw_causes}[kind]
    records = in_order(records)
    tall = TALL_INCH
    if kind == "causes":
        rows = [2 if len(records) > FEW else len(record["causes"]) for record in records]
        tall = max(TALL_INCH, 1.8 + BAR_INCH * sum(n + GROUP_GAP for n in rows))
    write_figure(lambda: _draw(records[0], lambda axes: draw(axes, records), tall), path, formulas=True)


def heatmap(record: StudyRecord, grid: Grid, path: str | os.PathLike[str]) -> None:
    """Draw a percentile over rarity and size of heavy victims; record: what the grid is of."""
    who = record["strategy"]
    write_figure(lambda: _draw(record, lambda axes: draw_heatmap(axes, grid), who=who), path, formulas=True)


def _draw(first: StudyRecord, draw: Callable[[Axes], None], tall_inch: float = TALL_INCH, who: str = "") -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, tall_inch), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    laws = f"model: {first['law_of_kills']}, {first['law_of_victims']}, {first['scenario']}"
    title = "\n".join(textwrap.wrap(f"{who} | {laws}" if who else laws, 125))
    figure.suptitle(plain(title), x=0.01, ha="left", size=9)
    return figure


def in_order(records: Sequence[StudyRecord]) -> list[StudyRecord]:
    """The records in the order of the answer by the target percentile, those that are not ranked last."""
    found = records[0].get("ranking", {}).get(records[0]["target"])
    return sorted(records, key=lambda r: found["order"].index(r["strategy"])) if found else list(records)


def name_of(record: StudyRecord) -> str:
    """The strategy, ready to draw, and whether it is one that is not ranked."""
    found = record.get("ranking", {}).get(record["target"])
    out = found is not None and record["strategy"] in [*found["flawed"], *found.get("early", [])]
    return plain(f"{record['strategy']}{' (not ranked)' * out}")


def legend(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """A legend inside, or beside the lines where it would cover them."""
    if len(records) <= FEW:
        axes.legend()
    else:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8.5, frameon=False)


def plain(text: str) -> str:
    """Text whose dollars are dollars: ticks of a logarithmic axis need formulas, names must not become one."""
    return text.replace("$", r"\$")


def _styles(records: Sequence[StudyRecord]) -> list[tuple[str, str]]:
    return line_styles([str(record["strategy"]) for record in records])


def draw_ccdf(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """P(kill to MMF_OOM_SKIP takes longer), both axes logarithmic; of few strategies with the band of its interval."""
    for record, (colour, marker) in zip(records, _styles(records), strict=True):
        tail = record["tail"]
        t = [max(ps, 1.0) / PS_PER_S for ps in tail["time_ps"]]
        axes.plot(t, tail["p"], color=colour, marker=marker, markevery=0.1, label=name_of(record), drawstyle="steps")
        if len(records) <= FEW:
            axes.fill_between(t, tail["low"], tail["high"], color=colour, alpha=0.2, linewidth=0, step="pre")
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel="time from kill to MMF_OOM_SKIP, s", ylabel="share of kills that take longer")
    _line_of(axes, records)
    axes.grid(alpha=0.3)
    legend(axes, records)


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
        axes.errorbar(x, y, yerr=(low, high), color=colour, marker=marker, capsize=3, label=name_of(record))
    names = list(records[0]["latency"]["skip"]["percentiles"])
    axes.set_xticks([-_log10(1 - float(name[1:]) / 100) for name in names], names)
    axes.set(yscale="log", xlabel="percentile of kills", ylabel="time from kill to MMF_OOM_SKIP, s")
    axes.grid(alpha=0.3)
    legend(axes, records)


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
        axes.plot(x, more, color=colour, marker=marker, label=name_of(record))
        axes.plot(x, less, color=colour, marker=marker, linestyle="--", markerfacecolor="white")
        if len(records) <= FEW:
            axes.fill_between(x, more, less, color=colour, alpha=0.2, linewidth=0)
    axes.plot([], [], color="#555555", linestyle="--", label="without heavy victims")
    axes.set_xticks([-_log10(1 - float(name[1:]) / 100) for name in names], names)
    axes.set(yscale="log", xlabel="percentile of kills", ylabel="time from kill to MMF_OOM_SKIP, s")
    axes.grid(alpha=0.3)
    legend(axes, records)


def _log10(x: float) -> float:
    from math import log10

    return log10(x)


def draw_causes(axes: Axes, records: Sequence[StudyRecord]) -> None:
    """What the time to MMF_OOM_SKIP consists of: all kills and the slowest ones, a bar each, in shares.

    Of many strategies only all kills and the slowest of all are drawn.
    """
    ys: list[float] = []
    bars: list[tuple[str, Mapping[str, float]]] = []
    y = 0.0
    for record in records:
        found = [(name, of["mean_ps"]) for name, of in record["causes"].items()]
        shown = found if len(records) <= FEW else [found[0], found[-1]]
        name_bars(axes, y + (len(shown) - 1) / 2, name_of(record))
        ys += [y + k for k in range(len(shown))]
        bars += shown
        y += len(shown) + GROUP_GAP
    means = [sum(found.values()) for _, found in bars]
    left = [0.0] * len(bars)
    for one in SHARES:
        widths = [found.get(one.key, 0.0) / max(mean, 1e-9) for (_, found), mean in zip(bars, means, strict=True)]
        axes.barh(ys, widths, 0.9, left=left, color=one.colour, hatch=one.hatch, label=one.name,
                  edgecolor="white", lw=0.3)  # fmt: skip
        left = [a + b for a, b in zip(left, widths, strict=True)]
    labels = [f"{name}: {format_time(round(mean))}" for (name, _), mean in zip(bars, means, strict=True)]
    axes.set_yticks(ys, labels, size=7.5)
    axes.set_ylim(y - GROUP_GAP - 0.4, -0.6)
    axes.set(xlim=(0, 1), xlabel="share of the mean time from kill to MMF_OOM_SKIP")
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)  # type: ignore[union-attr]


def name_bars(axes: Axes, y: float, name: str) -> None:
    """Write a strategy's name left of the labels of its bars."""
    axes.annotate(name.replace(" (", "\n("), (0, y), (-105, 0), xycoords=axes.get_yaxis_transform(),
                  textcoords="offset points", ha="right", va="center", size=9, weight="bold")  # fmt: skip


def draw_heatmap(axes: Axes, grid: Grid) -> None:
    """p99.9 of kill to MMF_OOM_SKIP over rarity and size of heavy victims; refused cells are blank."""
    from matplotlib.colors import LogNorm

    seconds = [[None if ps is None else ps / PS_PER_S for ps in row] for row in grid["value_ps"]]
    values = [[float("nan") if s is None else s for s in row] for row in seconds]
    shown = [s for row in seconds for s in row if s]
    image = axes.pcolormesh(values, norm=LogNorm(min(shown), max(max(shown), 1.01 * min(shown))), cmap="cividis_r")
    for y, row in enumerate(seconds):
        for x, s in enumerate(row):
            text = "refused" if s is None else format_time(round(s * PS_PER_S))
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=8, color="white" if s else "black",
                      bbox={"facecolor": "#00000066", "edgecolor": "none", "pad": 1} if s else None)  # fmt: skip
    axes.set_xticks([k + 0.5 for k in range(len(grid["sizes"]))], grid["sizes"])
    axes.set_yticks([k + 0.5 for k in range(len(grid["rarities"]))], grid["rarities"])
    axes.set(xlabel="locked size of a heavy victim", ylabel="share of kills that are heavy")
    axes.figure.colorbar(image, label=f"{grid['percentile']} of kill to MMF_OOM_SKIP, s")
