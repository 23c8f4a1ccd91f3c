"""`mmbench validate`: predict victims that nothing was fitted to, then measure them: is the model true here?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from mmbench.ask.values import parse_budget_s, parse_int
from mmbench.cli.inputs import add_format_option
from mmbench.cli.measuring import add_memory_option
from mmbench.cli.values import option
from mmbench.errors import EXIT_BAD_NEWS, EXIT_OK, InputError

if TYPE_CHECKING:
    from mmbench.cli.measuring import Machine
    from mmbench.cost.table import CostTable
    from mmbench.live.workload import VictimConfig

EXAMPLE = """\
examples:
  mmbench validate --quick
  mmbench validate -o here.json --plot here.png
  mmbench validate --costs ./here.json --held-out 40 --format json

Without --costs it calibrates first, in the same session: times drift by a tenth between sessions. Predictions are on
disk, with a digest, before the victims they speak of are measured. It measures on,
twice as many victims each time, until the intervals tell or time is up. Exit code 0 for pass, 1 for fail or undecided.
"""
N_HELD_OUT, QUICK_HELD_OUT = 25, 13  # at the first look; up to three more, each twice as many
MOST_HELD_OUT = 200
DEFAULT_BUDGET_S = 1800.0


def add(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "validate",
        help="hold the model against the running kernel",
        description="Predict held-out victims with the model, freeze the predictions, measure, and judge.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--costs", metavar="FILE", help="cost table of mmbench calibrate (calibrates first)")
    parser.add_argument("-o", dest="output", metavar="FILE", help="write the record here (.json), its parts beside it")
    parser.add_argument("--plot", metavar="FILE", help="draw model against measured into a .png, .svg or .pdf file")
    parser.add_argument("--quick", action="store_true", help="smaller victims, fewer of them, done in five minutes")
    parser.add_argument(
        "--held-out", metavar="N", type=option(parse_int), help=f"victims before the first look ({N_HELD_OUT})"
    )
    parser.add_argument(
        "--budget", metavar="TIME", type=option(parse_budget_s), help="measure no longer than this, each half"
    )
    parser.add_argument(
        "--seed", metavar="N", type=option(parse_int), default=1, help="which victims, in what order (1)"
    )
    add_memory_option(parser)
    add_format_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, freeze, measure until the intervals tell, and print; 0 for pass, 1 for fail or undecided."""
    from mmbench.cli.calibrate import samples_path, write_samples
    from mmbench.cli.measuring import effort_of, examine, measure, print_found, today, where
    from mmbench.live.design import held_out_set
    from mmbench.records.files import write_json
    from mmbench.records.manifest import build_manifest
    from mmbench.report.text.measured import validation_tables
    from mmbench.validation.freeze import Frozen
    from mmbench.validation.looks import judge_in_looks, looks, what_more_would_buy

    check(args)
    machine = examine(args)
    n_first = args.held_out or (QUICK_HELD_OUT if args.quick else N_HELD_OUT)
    configs = held_out_set(
        max(n_first, min(looks(n_first)[-1], MOST_HELD_OUT)),
        machine.max_memory_bytes,
        machine.max_locked_bytes,
        machine.has_thp,
        True,
        args.seed,
    )
    costs = costs_for(args, machine)
    predictions = predict_all([config.to_dict() for config in configs], costs, machine.kernel)
    frozen = Frozen(predictions, described(costs), beside(args.output, ".predictions.json"))
    print(f"{len(configs)} victims predicted and frozen, sha256 {frozen.digest}", file=sys.stderr)
    effort, begun = effort_of(args), monotonic()

    def some(victims: Sequence[VictimConfig], left_s: float | None) -> list[dict[str, Any]]:
        return measure("validating", list(victims), machine, effort._replace(budget_s=left_s), args.seed)

    budget_s = effort.budget_s or DEFAULT_BUDGET_S
    record, samples = judge_in_looks(configs, frozen.predictions(), some, n_first, budget_s)
    manifest = build_manifest()
    record |= {"costs": costs.name, "predictions_sha256": frozen.digest, "date": today()}
    record |= {"machine": where(manifest), "manifest": manifest}
    if args.output:
        write_samples(samples_path(args.output), samples)
        write_json(args.output, record)
    if args.plot:
        from mmbench.report.pictures.scatter import scatter_figure

        scatter_figure(record, args.plot)
        print(f"drawn: {args.plot}", file=sys.stderr)
    print_found(args.format, record, record["rows"], lambda: validation_tables(record))
    if more := what_more_would_buy(record, monotonic() - begun):
        print(f"mmbench: {more}", file=sys.stderr)
    return EXIT_OK if record["verdict"] == "pass" else EXIT_BAD_NEWS


def check(args: argparse.Namespace) -> None:
    """Refuse bad input before anything is measured. Raises InputError."""
    from mmbench.cli.calibrate import check_output
    from mmbench.report.pictures.picture import picture_suffix

    if args.output:
        check_output(args.output)
    if args.plot:
        picture_suffix(args.plot)
        if not Path(args.plot).parent.is_dir():
            raise InputError(f"--plot {args.plot}: its folder does not exist; create {Path(args.plot).parent} first.")
    if args.held_out is not None and not 1 <= args.held_out <= 500:
        raise InputError(f"--held-out {args.held_out}: allowed are 1 to 500 victims.")
    if args.costs:
        bases_of(args.costs)


def bases_of(spec: str) -> CostTable:
    """Load a table that was calibrated. Raises InputError for one without the process's own costs."""
    from mmbench.cost.table import load_table

    costs = load_table(spec)
    if not costs.base_ps:
        raise InputError(
            f"cost table {spec!r} does not say what a process takes besides its victim's memory (base_ps): give one "
            "that mmbench calibrate wrote, or leave --costs out to calibrate first."
        )
    return costs


def costs_for(args: argparse.Namespace, machine: Machine) -> CostTable:
    """The table asked for, or one calibrated now, in this session."""
    from mmbench.cli.calibrate import calibrate_here
    from mmbench.cli.measuring import effort_of
    from mmbench.cost.table import table_from

    if args.costs:
        return bases_of(args.costs)
    output = beside(args.output, ".costs.json")
    found = calibrate_here(machine, effort_of(args), args.seed, output)
    return table_from(found.table)


def predict_all(configs: list[dict[str, Any]], costs: CostTable, kernel: str) -> list[dict[str, Any]]:
    """Predictions for all configurations, by the engine."""
    from mmbench.validation.predict import design_of, predict

    design = design_of(kernel)
    return [line for config in configs for line in predict(config, design, costs)]


def described(costs: CostTable) -> dict[str, Any]:
    """A cost table's numbers, to be frozen with the predictions."""
    return {
        "name": costs.name,
        "machine": costs.machine,
        "base_ps": costs.base_ps,
        "prices_ps": {name: entry["ps"] for name, entry in costs.entries.items()},
    }


def beside(output: str | None, suffix: str) -> str | None:
    """Path of a part of the record: beside it, with another suffix; None without a record."""
    return str(Path(output).with_suffix(suffix)) if output else None
