"""Ways to what was measured across commits: our page of changes, asv's grid, two graphs worth opening first."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

ASV = "asv/index.html"
CHANGES = "changes.html"
AXIS = "strategy"
BLOCKING, LEFT, RARE = "track_blocking", "track_pages_left", "track_p999_to_oom_skip"
LINES = ("'v6.1'", "'v6.18'")


def across(index: Mapping[str, Any]) -> dict[str, str]:
    """Address -> words; graphs appear when the published results have them. index: asv's index.json

    asv's list and regressions take lower for better everywhere and know no move that was meant: the page of changes
    stands for both.
    """
    found = {CHANGES: "What did a commit change?", f"{ASV}#/": "Every series over commits"}
    found |= {bar_chart(index, BLOCKING): "Blocking by strategy", line_graph(index, LEFT): "Pages left, over commits"}
    found |= {bar_chart(index, RARE): "Rare heavy victims: when 999 of 1,000 kills are over"}
    return {address: words for address, words in found.items() if address}


def bar_chart(index: Mapping[str, Any], series: str) -> str:
    """Address of a chart with a bar per strategy and locked share, of the largest victim; "" without such a series.

    Bars per size would not share an axis: a victim 64 times as large has bars that dwarf the other's.
    """
    name = find(index, series)
    if not name:
        return ""
    return graph(name, {"x-axis": [AXIS], **chosen(index["benchmarks"][name], {"size": slice(-1, None)})})


def line_graph(index: Mapping[str, Any], series: str) -> str:
    """Address of a graph over commits: two strategies, the largest victim, the highest locked share; "" without."""
    name = find(index, series)
    if not name:
        return ""
    last = slice(-1, None)
    params = chosen(index["benchmarks"][name], {"locked": last, "size": last})
    values = dict(zip(*names_and_values(index["benchmarks"][name]), strict=True))
    params[f"p-{AXIS}"] = [value for value in values[AXIS] if value in LINES] or values[AXIS][:2]
    return graph(name, params)


def series_rows(index: Mapping[str, Any]) -> list[list[str]]:
    """A row per series, as cells of HTML: name, unit, and its graph over commits and chart of strategies as links."""
    rows = []
    for name, benchmark in sorted(index["benchmarks"].items()):
        links = {"over commits": graph(name, last_but(benchmark, AXIS))}
        if AXIS in benchmark["param_names"]:
            links["by strategy"] = graph(name, {"x-axis": [AXIS], **last_but(benchmark, AXIS)})
        shown = ", ".join(f'<a href="{escape(address)}">{words}</a>' for words, address in links.items())
        rows.append([f"<code>{escape(name)}</code>", escape(benchmark.get("unit") or ""), shown])
    return rows


def last_but(benchmark: Mapping[str, Any], whole: str) -> dict[str, list[str]]:
    """All values of the parameter called `whole`, the last one of each other."""
    return chosen(benchmark, {name: slice(-1, None) for name in benchmark["param_names"] if name != whole})


def find(index: Mapping[str, Any], series: str) -> str:
    """Full name of the first series so called that has strategies; "" when there is none."""
    return next((n for n, b in sorted(index["benchmarks"].items()) if series in n and AXIS in b["param_names"]), "")


def names_and_values(benchmark: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """A series' parameters, as asv keeps them."""
    return benchmark["param_names"], benchmark["params"]


def chosen(benchmark: Mapping[str, Any], which: Mapping[str, slice]) -> dict[str, list[str]]:
    """Parameter -> values shown: the slice of it, or all of them."""
    return {
        f"p-{name}": values[which.get(name, slice(None))]
        for name, values in zip(*names_and_values(benchmark), strict=True)
    }


def graph(name: str, params: Mapping[str, list[str]]) -> str:
    """Address of one series with asv's own query."""
    return f"{ASV}#{quote(name)}?{urlencode(params, doseq=True, quote_via=quote)}"
