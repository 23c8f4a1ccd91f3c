"""`mmbench lab run KERNEL --strategy ...` and `mmbench lab doctor`: strategy files inside a real kernel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.cli.inputs import add_format_option
from mmbench.cli.output import cell_text, table_view
from mmbench.errors import EXIT_BAD_NEWS, EXIT_CANNOT, EXIT_OK, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmbench.ask.labs import Watcher
    from mmbench.records.lab_types import BesideHolder, Copy, DesignComparison, DesignRecord
    from mmbench.records.measured_types import Config

Row = Mapping[str, object]
SHORT = ("Linux", "left", "exit", "mrelease", "reaper", "ends", "OOM_SKIP", "forced")


def add_doctor(actions: Any) -> None:
    """Register the action `doctor`."""
    parser = actions.add_parser("doctor", help="what the lab needs, what is missing here, and how to get it")
    add_format_option(parser)
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Check and print; 3 when something is missing."""
    from mmbench.cli.measuring import print_found
    from mmbench.lab.doctor import needs

    rows = needs()
    print_found(args.format, rows, rows, lambda: table_view(("what", "for", "found", "how to get it"), rows))
    return EXIT_OK if all(row["found"] for row in rows) else EXIT_CANNOT


def run_designs(args: argparse.Namespace, watcher: Watcher) -> int:
    """Run strategies inside each kernel, write and print the records; 1 when an experiment failed."""
    from mmbench.ask import labs
    from mmbench.cli.measuring import print_found
    from mmbench.lab import design_record

    records = labs.run_designs(args.kernels, args.strategy, args.set_name, args.fresh, args.output, watcher)
    rows = [{"release": r["release"], **entry} for r in records for entry in design_record.experiments(r)]
    print_found(args.format, records, rows, lambda: view(records))
    wrong = [row for row in rows if "error" in row]
    for row in wrong:
        print(f"mmbench: {row['design']}, {row['kind']} of {row['victim']}: {row['error']}", file=sys.stderr)
    unsafe = [said for record in records for said in design_record.verdicts(record).values() if said != "nothing seen"]
    return EXIT_BAD_NEWS if wrong or unsafe else EXIT_OK


def run_schedules(args: argparse.Namespace, watcher: Watcher) -> int:
    """Force a schedule of the checker in each kernel and print what came of every turn; 1 when something broke."""
    from rich.console import Group

    from mmbench.ask import labs
    from mmbench.cli.measuring import print_found
    from mmbench.lab import design_record, kernels

    if any(kernels.is_path(name) for name in args.kernels):
        raise InputError(
            "--schedule needs the module, which is built for kernels of the archive: give a version (5.10)."
        )
    if args.set_name != "quick":
        raise InputError(f"--schedule asks one question, and --set {args.set_name} others; give one of them.")
    paths = [Path(name) for name in args.schedule]
    records = labs.run_schedules(args.kernels, paths, args.strategy or [], args.fresh, args.output, watcher)
    rows = [{"release": r["release"], **entry} for r in records for entry in design_record.experiments(r)]
    left_out = [line for record in records for line in refused_view(record)]
    print_found(args.format, records, rows, lambda: Group(*(p for row in rows for p in schedule_view(row)), *left_out))
    broken = [said for r in records for said in design_record.verdicts(r).values() if said != "nothing seen"]
    return EXIT_BAD_NEWS if broken or any("error" in row for row in rows) else EXIT_OK


def refused_view(record: DesignRecord) -> list[str]:
    """How many designs or schedules a kernel could not run, and why the first."""
    whys = list(record.get("refused", {}).values())
    more = f" (and {len(whys) - 1} more)" if len(whys) > 1 else ""
    return [f"{record['release']}, not run: {whys[0]}{more}"] if whys else []


def schedule_view(row: Row) -> list[RenderableType]:
    """What the kernel did, in a sentence; then every turn as asked and as seen."""
    from mmbench.report.forced import came_of, taken

    entry: Any = row
    said = f"{entry['design']} on {entry['release']}: breaks {entry['property']} by the checker"
    if "error" in entry:
        return [f"{said}; the kernel: {entry['error']}", ""]
    seen = [
        {"who": turn["role"], "goes on until": _until(turn), "seen": _seen(turn, found)}
        for turn, found in zip(entry["turns"], entry["turns_seen"], strict=True)
    ]
    return [
        f"{said}; {taken(entry)} of {len(seen)} turns taken as it says; the kernel: {came_of(entry)}",
        table_view(("who", "goes on until", "seen"), seen),
        "",
    ]


def _until(turn: Mapping[str, Any]) -> str:
    if turn["held"]:
        return f"asleep in {turn['label']!r}, on the lock of a page"
    place = "its end" if turn["to"] < 0 else f"before {turn['label']!r}"
    return f"{place} (that walk whole)" if turn["whole"] else place


def _seen(turn: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    asleep = f"sleeps in {' < '.join(found['sleeps_in'][:3])}" if found["sleeps_in"] else ""
    return asleep or ("there" if found["reached"] else "not there")


def run_patched(args: argparse.Namespace, watcher: Watcher) -> int:
    """Run kernels that are somebody's patch and print each beside the design that describes it."""
    from mmbench.ask import labs
    from mmbench.cli.lab_compare import view as compared_view
    from mmbench.cli.measuring import print_found

    found = labs.run_patched(args.kernels, args.strategy, args.set_name, args.fresh, args.output, watcher)
    cells = [{"series": one["series"], **cell} for one in found for cell in one["cells"]]
    print_found(args.format, found, cells, lambda: compared_view(found))
    return EXIT_OK if labs.are_exact(found) else EXIT_BAD_NEWS


def view(records: list[DesignRecord]) -> RenderableType:
    """A row per design and victim: pages that a lone reaper left, what each party cost alone; and every verdict."""
    from rich.console import Group

    from mmbench.lab.design_record import cells, verdicts

    columns = ("design", "victim", "reaper left", "exit", "mrelease", "reaper")
    parts: list[RenderableType] = []
    for record in records:
        alone = cells(record)
        title = f"{record['release']}: pages left; millions of instructions, each alone"
        parts += [table_view(columns, alone, title)] if alone else []
        parts += [f"{record['release']}, {design}: {said}" for design, said in verdicts(record).items()]
        parts += [f"{record['release']}, not run: {why}" for why in record.get("refused", {}).values()]
    return Group(*parts, "mmbench lab compare sets the model beside a record (-o FOLDER)")


def compare_records(args: argparse.Namespace, paths: list[Path]) -> int:
    """Hold the model against records of designs; 1 when a page count or an outcome differs, or a design is broken."""
    from rich.console import Group

    from mmbench.ask.labs import as_predicted, compare_design_records
    from mmbench.cli.measuring import print_found
    from mmbench.lab.design_record import experiments, read_record

    found = compare_design_records(paths, args.strategy)
    cells = [{"release": one["release"], **cell} for one in found for cell in one["cells"]]
    records = map(read_record, paths)
    taken = [{"release": r["release"], **e} for r in records for e in experiments(r, "schedule")]
    parts = [*in_short(found), *(part for one in found for part in compared(one))]
    parts += [part for row in taken for part in schedule_view(row)]
    print_found(args.format, found, cells, lambda: Group(*parts))
    return EXIT_OK if all(as_predicted(one) for one in found) else EXIT_BAD_NEWS


def compared(one: DesignComparison) -> list[RenderableType]:
    """A line per design and party, and one per design beside a holder or a reader."""
    victims = {str(c["victim"]): n for n, c in enumerate(one["cells"])}
    alone = [
        {"design": c["design"], "alone": c["what"], "victim": f"{_victim(c['victim'])}"}
        | {"left": _both(c.get("left"), c.get("model_left")), "M instructions": c["ns"] / 1e6}
        | {"model": c["model_ns"] / 1e6, "error": f"{c['error']:+.1%}", "order": victims[str(c["victim"])]}
        for c in one["cells"]
    ]
    alone.sort(key=lambda row: (row["order"], row["alone"]))
    beside = (
        *("design", "holds", "further kills", "gave up", "OOM_SKIP, ms", "own CPU, ms", "error"),
        *("reaper left", "exit sleeps in"),
    )
    title = f"{one['release']}: seen | model"
    parts: list[RenderableType] = []
    if alone:
        parts.append(
            table_view(("design", "alone", "victim", "left", "M instructions", "model", "error"), alone, title)
        )
    kinds = ((one["holders"], "the holder of a page lock"), (one["readers"], "a reader of mmap_lock"))
    for rows, what in kinds:
        if rows:
            title = f"an OOM kill beside {what}: seen | model; own CPU: less the time its task waited for a CPU"
            parts.append(table_view(beside, [_beside(row) for row in rows], title))
    return parts


def in_short(found: Sequence[DesignComparison]) -> list[RenderableType]:
    """A row per kernel: how much of what it did was predicted; then what was not, and what to know."""
    rows = [_counts(one) for one in found if one["cells"] or one["holders"] or one["readers"]]
    title = "as predicted, by kernel"
    legend = (
        "left: pages that a lone party left; exit, mrelease, reaper: their instructions,\n"
        "alone, median error; ends: OOM kills beside a holder or a reader, who died and\n"
        "who gave up; OOM_SKIP: the time to it there, within 2 %"
    )
    table = [table_view(SHORT, rows, title), legend] if rows else []
    return [*table, *(f"{one['release']}, {note}" for one in found for note in _notes(one))]


def _counts(one: DesignComparison) -> Row:
    """A kernel's row of the short table."""
    from mmbench.lab.kernels import series_of
    from mmbench.validation.beside import NEAR, ends_as_predicted, times_off

    beside = [*one["holders"], *one["readers"]]
    off, left, forced = times_off(beside), one["left"], one["forced"]
    errors = {what: f"{e['median_abs_error']:.1%}" for what, e in one["errors"].items() if e["n"]}
    return {
        "Linux": series_of(one["release"]),
        "left": _share(left["exact"], left["n"]),
        **errors,
        "ends": _share(sum(map(ends_as_predicted, beside)), len(beside)),
        "OOM_SKIP": _share(sum(error <= NEAR for error in off), len(off)),
        "forced": _share(sum(row["seen"] == row["told"] for row in forced), len(forced)),
    }


def _share(right: int, n: int) -> str | None:
    return None if not n else f"all {n:,}" if right == n else f"{right:,}/{n:,}"


def _notes(one: DesignComparison) -> list[str]:
    """What was seen to break, what came out otherwise than predicted, whose prices these are, what the copy costs."""
    from mmbench.lab.kernels import series_of

    left, worst = one["left"], max(one["copies"], key=lambda copy: abs(copy["error"]), default=None)
    own_costs = one["costs"] == f"lab-{series_of(one['release'])}"
    return [
        *(f"{design}: {verdict}" for design, verdict in one["verdicts"].items() if verdict != "nothing seen"),
        *([f"pages left as predicted: {left['exact']} of {left['n']}"] if left["exact"] < left["n"] else []),
        *_ends_otherwise([*one["holders"], *one["readers"]]),
        *_otherwise(one["forced"], "forced schedules"),
        *_otherwise(one["late"], "process_mrelease after exit_mm"),
        *([] if own_costs else [f"instructions at the prices of {one['costs']}: this series has no table of its own"]),
        *([f"the copy of {one['era']} off the kernel's own code by at most {_worst(worst)}"] if worst else []),
    ]


def _beside(row: BesideHolder) -> Row:
    own, model = row["skip_own_ms"], row["model_skip_ms"]
    names = f" ({', '.join(row['killed'])})" if row["killed"] else ""
    return {
        "design": row["design"],
        "holds": f"page {row['held_page']:,}" if row["holds"] == "lock-page" else row["holds"],
        "further kills": f"{row['kills']}{names} | {row['model_kills']}",
        "gave up": _both(row["gave_up"], row["model_gave_up"]),
        "OOM_SKIP, ms": row["skip_ms"],
        "own CPU, ms": _both(own, model),
        "error": f"{model / own - 1.0:+.1%}" if own and model is not None else None,
        "reaper left": _both(row["reaper_left"], row["model_reaper_left"]),
        "exit sleeps in": row["sleeps_in"][-1:] if row["holds"] == "lock-page" else row["sleeps_in"][:1],
    }


def _ends_otherwise(rows: Sequence[BesideHolder]) -> list[str]:
    """One sentence on OOM kills that ended otherwise than the model's, if any did."""
    from mmbench.validation.beside import ends_as_predicted

    other = [
        f"{row['design']} ({row['holds']}, {_victim(row['victim'])})" for row in rows if not ends_as_predicted(row)
    ]
    return [f"ends as predicted: {len(rows) - len(other)} of {len(rows)}; not {', '.join(other)}"] if other else []


def _worst(copy: Copy) -> str:
    return f"{abs(copy['error']):.1%} ({copy['what']}, {_victim(copy['victim'])})"


def _otherwise(rows: Sequence[Row], what: str) -> list[str]:
    """One sentence on rows that went otherwise than told, if any did."""
    other = [
        f"{row['design']}{_before(row)}: {row['seen']}, not {row['told']}" for row in rows if row["seen"] != row["told"]
    ]
    return ["; ".join([f"{what} as told: {len(rows) - len(other)} of {len(rows)}", *other])] if other else []


def _before(row: Row) -> str:
    return f" before {row['before']}" if "before" in row else ""


def _victim(config: Config) -> str:
    from mmbench.live.workload import VictimConfig

    return str(VictimConfig.from_dict(dict(config)))


def _both(seen: Any, model: Any) -> str:
    return "-" if seen is None and model is None else f"{cell_text(seen)} | {cell_text(model)}"
