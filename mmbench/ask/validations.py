"""A validation: victims that nothing was fitted to are predicted, the predictions frozen, then measured and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from mmbench.ask.calibrations import calibrate_here, samples_path, write_samples
from mmbench.ask.measurements import Effort, Machine, config_of, measure, today, where
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.cost.table import CostTable
    from mmbench.live.workload import VictimConfig
    from mmbench.records.measured_types import Config, FrozenCosts, Prediction, Sample, Validation

MOST_HELD_OUT = 200
DEFAULT_BUDGET_S = 1800.0


class Asked(NamedTuple):
    """n_first: victims before the first look; costs: a calibrated table, or None to calibrate first.

    output: where the record goes, its parts beside it, or None.
    """

    n_first: int
    seed: int
    costs: str | None = None
    output: str | None = None


class Validated(NamedTuple):
    """The record, and how many seconds its measuring took."""

    record: Validation
    seconds: float


def validate_here(
    asked: Asked, machine: Machine, effort: Effort, on_frozen: Callable[[int, str], None], watch: Watch = NOBODY
) -> Validated:
    """Predict, freeze, and measure until the intervals tell; the record is written where `asked` says so.

    on_frozen: told how many victims are predicted and the digest of the predictions, before any is measured.
    """
    from mmbench.live.design import held_out_set
    from mmbench.records.files import write_json
    from mmbench.records.manifest import build_manifest
    from mmbench.validation.freeze import Frozen
    from mmbench.validation.looks import judge_in_looks, looks

    n_victims = max(asked.n_first, min(looks(asked.n_first)[-1], MOST_HELD_OUT))
    memory = (machine.max_memory_bytes, machine.max_locked_bytes, machine.has_thp)
    configs = held_out_set(n_victims, *memory, True, asked.seed)
    costs = costs_for(asked, machine, effort, watch)
    predictions = predict_all([config_of(config) for config in configs], costs, machine.kernel)
    frozen = Frozen(predictions, described(costs), beside(asked.output, ".predictions.json"))
    on_frozen(len(configs), frozen.digest)
    begun = monotonic()

    def some(victims: Sequence[VictimConfig], left_s: float | None) -> list[Sample]:
        return measure("validating", list(victims), machine, effort._replace(budget_s=left_s), asked.seed, watch)

    budget_s = effort.budget_s or DEFAULT_BUDGET_S
    judged, samples = judge_in_looks(configs, frozen.predictions(), some, asked.n_first, budget_s)
    manifest = build_manifest()
    record: Validation = {
        **judged, "costs": costs.name, "predictions_sha256": frozen.digest, "date": today(),
        "machine": where(manifest), "manifest": manifest,
    }  # fmt: skip
    if asked.output:
        write_samples(samples_path(asked.output), samples)
        write_json(asked.output, record)
    return Validated(record, monotonic() - begun)


def costs_for(asked: Asked, machine: Machine, effort: Effort, watch: Watch) -> CostTable:
    """The table asked for, or one calibrated now, in this session."""
    from mmbench.cost.table import table_from

    if asked.costs:
        return bases_of(asked.costs)
    output = beside(asked.output, ".costs.json")
    return table_from(calibrate_here(machine, effort, asked.seed, output, watch).table)


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


def predict_all(configs: list[Config], costs: CostTable, kernel: str) -> list[Prediction]:
    """Predictions for all configurations, by the engine."""
    from mmbench.validation.predict import design_of, predict

    design = design_of(kernel)
    return [line for config in configs for line in predict(config, design, costs)]


def described(costs: CostTable) -> FrozenCosts:
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
