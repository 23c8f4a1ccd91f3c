"""The pictures of runs by the word for each, as `--plot KIND=FILE` and `.plot(path, kind)` name them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from mmbench.errors import nearest
from mmbench.report.pictures.heatmap import heatmap
from mmbench.report.pictures.pareto import pareto
from mmbench.report.pictures.plots import compare_figure
from mmbench.report.pictures.ranked_bars import ranked_bars
from mmbench.report.reading import Record
from mmbench.report.text.ranked import BASELINE

KINDS: dict[str, Callable[..., Any]] = {
    "freed": compare_figure,
    "bars": ranked_bars,
    "pareto": pareto,
    "heatmap": heatmap,
}


def draw_runs(kind: str, records: Sequence[Record], path: str | os.PathLike[str], baseline: str = BASELINE) -> None:
    """Draw one of KINDS into a .png, .svg or .pdf file; baseline: whose time ratios are of, in bars.

    Raises InputError for another kind, for records that the kind does not take, and for a path that cannot be written.
    """
    if kind not in KINDS:
        raise nearest(kind, list(KINDS), "kind of picture")
    more = {"baseline": baseline} if kind == "bars" else {}
    KINDS[kind](records, path, **more)
