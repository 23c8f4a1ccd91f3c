"""What changed between two commits, and how strategies rank inside one: as tables for people, Markdown and CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.tracking.change import (
    BETTER,
    ELSEWHERE,
    FAILED,
    FASTER,
    MEANT,
    NEITHER,
    NOISE,
    ONCE,
    ONLY_A,
    ONLY_B,
    REDEFINED,
    SAME,
    SLOWER,
    WORSE,
    Change,
)
from mmbench.tracking.headline import SIGNS
from mmbench.tracking.series import Key, Measured

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLES = {BETTER: "green", WORSE: "bold red", FAILED: "bold red"}
# Told value by value, in this order; a timing also when it has not changed, for its spread.
SHOWN = (WORSE, FAILED, BETTER, MEANT, REDEFINED, ONLY_A, ONLY_B, SLOWER, FASTER, NEITHER, NOISE, ONCE, ELSEWHERE)
MOST_ROWS = 60
PICTURE_SIGNS, QUIET = 10, "\u00b7"
PICTURE_SAYS = (
    f"Ten signs per series: {SIGNS[WORSE]} worse, {SIGNS[BETTER]} better, {SIGNS[MEANT]} on purpose, {QUIET} neither."
)
TIME_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))
STRATEGY_FIRST = {"v4.14", "drop-oom-skip"}  # among the first parameters of any series by strategy


def number(value: float | None, unit: str) -> str:
    """A value with its unit, four digits; timings in the unit that suits them."""
    if value is None:
        return "failed"
    if unit == "seconds":
        unit, factor = next((u for u in TIME_UNITS if abs(value) >= u[1]), TIME_UNITS[-1])
        value /= factor
    text = f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 100 else f"{value:.4g}"
    return f"{text} {unit}".rstrip()


def percent(change: Change) -> str:
    """How much larger B is than A."""
    return "-" if change.ratio is None else f"{100 * (change.ratio - 1):+.2f} %"


def spread(change: Change) -> str:
    """Quartile distance over the median, of both; exact values have none, nor has a timing that ran once."""
    if change.key.is_exact:
        return "exact"
    return ", ".join("ran once" if v.spread is None else f"{100 * v.spread:.1f} %" for v in (change.a, change.b) if v)


def rows_of(found: Sequence[Change], units: dict[str, str]) -> list[dict[str, object]]:
    """One flat row per value, for programs."""
    return [
        {
            "series": change.key.series,
            "params": ", ".join(change.key.params),
            "unit": units.get(change.key.series, ""),
            "better": "higher" if change.key.higher_is_better else "lower",
            "a": change.a.number if change.a else None,
            "b": change.b.number if change.b else None,
            "ratio": change.ratio,
            "spread_a": change.a.spread if change.a else None,
            "spread_b": change.b.spread if change.b else None,
            "verdict": change.verdict,
        }
        for change in found
    ]


def summary_cells(found: Sequence[Change]) -> list[list[str]]:
    """One line per series: which way is better, how many values went which way, the largest change."""
    by_series: dict[str, list[Change]] = {}
    for change in found:
        by_series.setdefault(change.key.series, []).append(change)
    lines = []
    for series, group in by_series.items():
        count = Counter(change.verdict for change in group)
        moved = [change for change in group if change.verdict in (BETTER, WORSE, MEANT, FASTER, SLOWER)]
        largest = max(moved, key=lambda c: abs((c.ratio or 1.0) - 1.0), default=None)
        others = len(group) - sum(count[v] for v in (WORSE, BETTER, MEANT, SAME, NOISE))
        n_values = (count[WORSE], count[BETTER], count[MEANT], count[SAME] + count[NOISE], others)
        lines.append(
            [
                series,
                "higher" if group[0].key.higher_is_better else "lower",
                *(str(n) if n else "" for n in n_values),
                f"{percent(largest)} ({', '.join(largest.key.params)})" if largest else "",
            ]
        )
    return lines


SUMMARY_HEADS = ("series", "better is", "worse", "better", "on purpose", "unchanged", "other", "largest change")
DETAIL_HEADS = ("value", "A", "B", "change", "spread", "verdict")


def detail_cells(found: Sequence[Change], units: dict[str, str]) -> list[list[str]]:
    """One line per value that changed, the bad news first, and per timing."""
    changed = sorted((c for c in found if c.verdict in SHOWN), key=lambda c: SHOWN.index(c.verdict))
    return [
        [
            f"{change.key.function}({', '.join(change.key.params)})",
            number(change.a.number, units.get(change.key.series, "")) if change.a else "-",
            number(change.b.number, units.get(change.key.series, "")) if change.b else "-",
            percent(change),
            spread(change),
            change.verdict,
        ]
        for change in changed
    ]


def changes_view(title: str, found: Sequence[Change], units: dict[str, str]) -> RenderableType:
    """The table for people."""
    from rich.console import Group
    from rich.text import Text

    details = detail_cells(found, units)
    parts: list[RenderableType] = [Text(title), Text(""), grid(SUMMARY_HEADS, summary_cells(found))]
    if details:
        parts += [Text(""), grid(DETAIL_HEADS, details[:MOST_ROWS], style_of=lambda row: STYLES.get(row[-1], ""))]
    if len(details) > MOST_ROWS:
        parts.append(Text(f"and {len(details) - MOST_ROWS} more; --csv or --format csv has all"))
    return Group(*parts)


def changes_page(line: str, which: str, found: Sequence[Change], units: dict[str, str]) -> str:
    """The comparison as Markdown: the verdict first, a picture per series, what was meant, every value folded away.

    line: the verdict; which: the two commits
    """
    summary = [[*cells, f"`{picture}`"] for cells, picture in zip(summary_cells(found), pictures(found), strict=True)]
    whys = list(dict.fromkeys(why for change in found for why in change.why))
    quotes = "".join(f"\n> {why}\n" for why in whys)
    told = markdown("", [((*SUMMARY_HEADS, "picture"), summary)])
    rest = markdown("", [(DETAIL_HEADS, detail_cells(found, units))])
    fold = f"<details><summary>Every value that moved, and every timing</summary>\n{rest}\n</details>\n"
    return f"# {line}\n\n{which}\n{told}\n{PICTURE_SAYS}\n{quotes}\n{fold}"


def pictures(found: Sequence[Change]) -> list[str]:
    """A row of ten signs per series, in the order of summary_cells: which share of its values went which way."""
    by_series: dict[str, list[Change]] = {}
    for change in found:
        by_series.setdefault(change.key.series, []).append(change)
    return [picture([change.verdict for change in group]) for group in by_series.values()]


def picture(verdicts: Sequence[str]) -> str:
    """Ten signs; whatever happened at all has one."""
    kinds = {WORSE: (WORSE, FAILED, SLOWER), BETTER: (BETTER, FASTER), MEANT: (MEANT,)}
    count = {kind: sum(v in own for v in verdicts) for kind, own in kinds.items()}
    n_signs = {kind: max(1, round(PICTURE_SIGNS * n / len(verdicts))) for kind, n in count.items() if n}
    signs = "".join(SIGNS[kind] * n for kind, n in n_signs.items())
    return signs[:PICTURE_SIGNS].ljust(PICTURE_SIGNS, QUIET)


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]], style_of: Any = lambda row: "") -> RenderableType:
    """An aligned table: the first column to the left, the others to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 or head in ("verdict", "largest change") else "right")
    for row in rows:
        table.add_row(*row, style=style_of(row))
    return table


def markdown(title: str, tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    """Tables, the first one under the title; without one where it is ""."""
    lines = [f"# {title}", ""] if title else [""]
    for heads, rows in tables:
        lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


Ranked = dict[str, dict[Key, float]]


def by_strategy(measured: Measured) -> Ranked:
    """Series whose first parameter is the strategy -> their values."""
    found: Ranked = {}
    for key, value in measured.values.items():
        if key.is_exact and value.number is not None and len(key.params) > 1:
            found.setdefault(key.series, {})[key] = value.number
    return {s: values for s, values in sorted(found.items()) if {key.params[0] for key in values} >= STRATEGY_FIRST}


def best_of(values: dict[Key, float]) -> dict[tuple[str, ...], float]:
    """The other parameters -> the best value of any strategy there."""
    better = max if next(iter(values)).higher_is_better else min
    columns = dict.fromkeys(key.params[1:] for key in values)
    return {column: better(v for key, v in values.items() if key.params[1:] == column) for column in columns}


def strategy_rows(measured: Measured, units: dict[str, str]) -> list[dict[str, object]]:
    """One flat row per value of a series by strategy, for programs."""
    return [
        {
            "series": series,
            "strategy": key.params[0],
            "params": ", ".join(key.params[1:]),
            "unit": units.get(series, ""),
            "better": "higher" if key.higher_is_better else "lower",
            "value": value,
            "best": value == best_of(values)[key.params[1:]],
        }
        for series, values in by_strategy(measured).items()
        for key, value in values.items()
    ]


def strategy_tables(measured: Measured, units: dict[str, str]) -> list[tuple[list[str], list[list[str]]]]:
    """Per series with a strategy: strategies by the other parameters, the best of each column marked with *."""
    tables = []
    for series, values in by_strategy(measured).items():
        best = best_of(values)
        better = "higher" if next(iter(values)).higher_is_better else "lower"
        name = (
            f"{series.rpartition('.')[2]} ({', '.join(filter(None, (units.get(series, ''), f'{better} is better')))})"
        )
        rows = []
        for strategy in dict.fromkeys(key.params[0] for key in values):
            found = [values.get(Key(series, (strategy, *column))) for column in best]
            cells = [
                f"{number(v, '') if v is not None else '-'}{'*' if v == best[c] else ' '}"
                for v, c in zip(found, best, strict=True)
            ]
            rows.append([strategy, *cells])
        tables.append(([name, *(" ".join(column) for column in best)], rows))
    return tables
