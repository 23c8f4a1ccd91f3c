"""Tables of what was measured, beside what the model says: each number with its unit and its origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmbench.records.measured_types import Config, CostFile, Disturbed, Errors, Judged, Validation
from mmbench.records.oom_types import OomRecord
from mmbench.report.units import NOTHING, format_time

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

KIND_NAMES = {
    "exit": "exit alone",
    "mrelease": "mrelease alone",
    "exit_after": "exit after mrelease",
    "race": "mrelease racing exit",
}
TEXT_HEADERS = (
    "",
    "what was found",
    "how to get it",
    "torn down by",
    "origin",
    "who",
    "event",
    "detail",
)
MORE = "a row for each measurement: --detail"
VERDICT_STYLES = {"pass": "green", "fail": "bold red", "undecided": "yellow"}


def percent(share: float | None, signed: bool = False) -> str:
    """Return 0.0312 as "3.1 %", None as "-"."""
    return NOTHING if share is None else f"{100 * share:{'+' if signed else ''}.1f} %"


def victim_name(config: Config) -> str:
    """Short name of a configuration, such as "512 MiB anon, 50 % locked, 16 VMAs"."""
    parts = [f"{config['span_bytes'] / 2**20:g} MiB {config['kind']}"]
    parts += [f"{100 * config['locked_share']:.0f} % locked"] if config["locked_share"] else []
    parts += [f"{config['n_vmas']:,} VMAs"] if config["n_vmas"] > 1 else []
    parts += [f"1 page in {config['stride_pages']}"] if config["stride_pages"] > 1 else []
    return ", ".join(parts)


def doctor_table(checks: Sequence[Mapping[str, Any]]) -> Table:
    """What can be measured here: a row per ability."""
    from rich.text import Text

    table = _table("ability", "", "what was found", "how to get it")
    for check in checks:
        mark = Text("yes", style="green") if check["ok"] else Text("no", style="bold red")
        table.add_row(check["name"], mark, check["reason"], check["how"])
    return table


def cost_table(table: CostFile, errors: dict[str, Errors], spread: dict[str, float]) -> Group:
    """A calibration: how well the model was fitted per kind of tear-down, and every cost with where it is from."""
    from rich.console import Group
    from rich.text import Text

    kinds = _table("fitted to", "median error", "p95 error", "scatter (IQR/median)")
    for what, found in errors.items():
        kinds.add_row(
            KIND_NAMES[what],
            percent(found["median_abs_error"]),
            percent(found["p95_abs_error"]),
            percent(spread.get(what)),
        )
    costs = _table("cost", "price", "95 % interval", "origin")
    for item, entry in table["costs"].items():
        bounds = [format_time(ps) for ps in (entry.get("low_ps"), entry.get("high_ps")) if ps is not None]
        interval = " to ".join(bounds) or NOTHING
        origin = "carried over, " + entry["provenance"] if entry.get("carried_over") else entry["provenance"]
        costs.add_row(item, format_time(entry["ps"]), interval, origin)
    for what, ps in table["base_ps"].items():
        costs.add_row(f"base of {KIND_NAMES[what]}", format_time(ps), NOTHING, "fitted")
    carried = [name for name, entry in table["costs"].items() if entry.get("carried_over")]
    note = f"not shown by this kernel, carried over: {', '.join(carried)}" if carried else ""
    return Group(Text(table["machine"], style="bold"), Text(""), kinds, Text(""), costs, Text(note))


def validation_view(record: Validation, *, detail: bool = False) -> Group:
    """A validation: the verdict, a row per kind of tear-down with its reason, and on request a row per measurement."""
    from rich.console import Group
    from rich.text import Text

    freed = record["freed_pages"]
    parts: list[RenderableType] = [
        Text(f"{record['verdict']}: the model's error on victims that nothing was fitted to"
             f" ({record['machine']})", style=f"bold {VERDICT_STYLES[record['verdict']]}"),
        verdict_table(record),
        *(Text(f"{KIND_NAMES[what]}: {kind['why']}") for what, kind in record["kinds"].items() if kind["why"]),
        Text(f"freed pages, victim held: {freed['exact']} of {freed['n']} configurations exact"),
        *map(Text, _disturbances(record["disturbed"])),
    ]  # fmt: skip
    return Group(*parts, *([Text(""), measurements_table(record)] if detail else [Text(MORE, style="dim")]))


def measurements_table(record: Validation) -> Table:
    """A row per victim and kind of tear-down."""
    rows = _table("victim", "torn down by", "measured", "quartiles", "model", "error", "n")
    for row in record["rows"]:
        quartiles = f"{_ns(row['low_ns'])} to {_ns(row['high_ns'])}"
        shown = [_ns(row["measured_ns"]), quartiles, _ns(row["model_ns"]), percent(row["error"], signed=True)]
        name = KIND_NAMES[row["what"]]
        rows.add_row(victim_name(row["config"]), name, *shown, str(row["n"]))
    return rows


def verdict_table(record: Judged) -> Table:
    """A row per kind of tear-down, of at most 80 columns: errors with interval and goal, scatter and verdict."""
    from rich.text import Text

    table = _table("torn down by", "n", "median error", "goal", "p95", "goal", "scatter", "")
    for what, kind in record["kinds"].items():
        found, interval = record["held_out"][what], kind["median_interval"]
        within = f" [{', '.join(percent(x).removesuffix(' %') for x in interval)}]" if interval else ""
        table.add_row(
            Text(KIND_NAMES[what], overflow="fold"),
            str(found["n"]),
            f"{percent(found['median_abs_error'])}{within}",
            _goal(kind["goal_median"]),
            percent(found["p95_abs_error"]),
            _goal(kind["goal_p95"]),
            percent(kind["spread"]),
            Text(kind["verdict"], style=VERDICT_STYLES[kind["verdict"]]),
        )
    return table


def _goal(share: float | None) -> str:
    return NOTHING if not share else f"{100 * share:g} %"


def timeline_table(record: OomRecord) -> Group:
    """One OOM kill: the kernel's events and the model's, in the order of time after mark_victim."""
    from rich.console import Group
    from rich.text import Text

    table = _table("after the kill", "origin", "who", "event", "detail")
    for entry in record["timeline"]:
        style = "cyan" if entry["origin"] == "model" else ""
        cells = (f"{entry['t_ns'] / 1e6:,.3f} ms", entry["origin"], entry["who"], entry["event"], entry["detail"])
        table.add_row(*(Text(cell, style=style) for cell in cells))
    compared = _table("", "measured", "model", "error")
    for row in record["compared"]:
        shown = [_quantity(n, row["unit"]) for n in (row["measured"], row["model"])]
        compared.add_row(row["name"], *shown, percent(row["error"], signed=True))
    return Group(Text(victim_name(record["config"]), style="bold"), Text(""), table, Text(""), compared)


def _quantity(value: int | None, unit: str) -> str:
    return NOTHING if value is None else _ns(value) if unit == "ns" else f"{value:,} {unit}"


def _ns(ns: float | None) -> str:
    return NOTHING if ns is None else "-" * (ns < 0) + format_time(abs(round(ns * 1000)))


def _disturbances(found: Disturbed) -> list[str]:
    if not found["n_disturbed"]:
        return ["nothing disturbed the measurements"]
    reasons = "; ".join(f"{r['why']} ({r['n']} samples)" for r in found["reasons"])
    share = percent(found["median_foreign_share"])
    lines = f"disturbed: {found['n_disturbed']} of {found['n_samples']} samples, others took {share} of a CPU (median)"
    return [lines, f"  {reasons}"]


def _table(*headers: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for i, header in enumerate(headers):
        is_text = i == 0 or header in TEXT_HEADERS
        table.add_column(header, justify="left" if is_text else "right", no_wrap=not is_text)
    return table
