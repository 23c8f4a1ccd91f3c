"""A calibration: tear-downs measured here, or samples of an earlier one, and the cost table fitted to them."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, cast

from mmbench.ask.measurements import Effort, Machine, measure, today, where
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError
from mmbench.records.files import parse_json
from mmbench.records.manifest import validate_manifest
from mmbench.records.schema import Bool, Fields, Int, MapOf, Number, Text, check, fail, of_file

if TYPE_CHECKING:
    from mmbench.records.measured_types import Fit, Measured, Sample
    from mmbench.validation.calibration import Calibration

REFERENCE = "reference"  # the table whose proportions serve for what cannot be told apart
LONGEST_WHY = 300  # characters
SAMPLES_SUFFIX = ".samples.jsonl.gz"
NS = Int(nullable=True)
CONFIG = Fields({"span_bytes": Int(), "locked_share": Number(), "n_vmas": Int(), "stride_pages": Int(), "kind": Text()})
SAMPLE = Fields(
    {
        **{"config": CONFIG, "facts": MapOf(Int()), "what": Text(("exit", "mrelease", "exit_after", "race"))},
        **{"rep": Int(), "ns": Int(), "cpu_ns": NS, "freed_pages": Int(), "error": Text(may_be_empty=True)},
        **{"parts": MapOf(NS), "disturbed": Bool(), "why": Text(may_be_empty=True)},
    },
    {"begun_ns": Int(), "pages_before": Int(), "foreign_share": Number()},
)
MAX_VICTIM_BYTES = 1 << 46  # more than any machine has


def calibrate_here(
    machine: Machine, effort: Effort, seed: int, output: str | None, watch: Watch = NOBODY
) -> Calibration:
    """Measure the calibration set and fit; write the table to `output` and the samples beside it."""
    from mmbench.live.design import calibration_set
    from mmbench.records.files import write_json
    from mmbench.records.manifest import build_manifest

    configs = calibration_set(machine.max_memory_bytes, machine.max_locked_bytes, has_thp=machine.has_thp)
    samples = measure("calibrating", configs, machine, effort, seed, watch)
    calibration = fit_to(samples, {"kernel": machine.kernel, "date": today(), "manifest": build_manifest()})
    if output is not None:
        beside = samples_path(output)
        calibration.table["samples"] = beside.name
        write_samples(beside, samples)
        write_json(output, calibration.table)
    return calibration


def fit_again(path: str, output: str) -> Calibration:
    """Fit to samples that calibrate wrote earlier; where they are from is read off the table beside them."""
    from mmbench.records.files import read_json, write_json

    samples = read_samples(path)
    first = read_json(path.removesuffix(SAMPLES_SUFFIX) + ".json")
    if not isinstance(first, dict) or not {"date", "manifest"} <= first.keys():
        raise InputError(f"{path}: the table beside it does not say where and when it was measured.")
    with of_file(path.removesuffix(SAMPLES_SUFFIX) + ".json"):
        check(first["date"], Text(), "date")
        validate_manifest(first["manifest"])
    release = first["manifest"]["kernel"].removeprefix("Linux ")
    measured: Measured = {"kernel": release, "date": first["date"], "manifest": first["manifest"]}
    calibration = fit_to(samples, measured)
    calibration.table["samples"] = Path(path).name
    write_json(output, calibration.table)
    return calibration


def fit_to(samples: list[Sample], measured: Measured) -> Calibration:
    """Fit a table to samples. measured: kernel, date and manifest of the machine they are from."""
    from mmbench.cost.carry import carry_old_munlock
    from mmbench.cost.table import load_table
    from mmbench.validation.calibration import calibrate
    from mmbench.validation.predict import design_of

    manifest, design = measured["manifest"], design_of(measured["kernel"])
    calibration = calibrate(samples, load_table(REFERENCE), design, f"{where(manifest)}, {measured['date']}")
    table = calibration.table
    carry_old_munlock(table, measured["kernel"])
    table |= {"date": measured["date"], "manifest": manifest, "strategy": design.name, "spread": calibration.spread}
    table |= {"errors": calibration.errors, "race_ratios": calibration.race_ratios, "fits": without_rows(calibration)}
    return calibration


def without_rows(calibration: Calibration) -> dict[str, Fit]:
    """The plain formula's fits, residuals left out: the samples beside the table have them all."""
    return {
        what: cast("Fit", {key: value for key, value in fit.items() if key != "residuals"})
        for what, fit in calibration.fits.items()
    }


def samples_path(output: str) -> Path:
    """Where raw samples go: beside the table."""
    return Path(output).with_suffix(SAMPLES_SUFFIX)


def read_samples(path: str) -> list[Sample]:
    """Read raw samples, one JSON object per line. Raises InputError naming the line."""
    from mmbench.records.files import read_text

    samples = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        sample = parse_json(line, f"{path}, line {number}")
        with of_file(f"{path}, line {number}"):
            check_sample(sample)
        samples.append(sample)
    return samples


def check_sample(sample: Any) -> None:
    """Raise InputError naming the first field that makes this no sample of a victim that can be."""
    from mmbench.live.workload import Facts, VictimConfig

    check(sample, SAMPLE, "")
    if VictimConfig.from_dict(sample["config"]).span_bytes > MAX_VICTIM_BYTES:
        raise fail("config.span_bytes", sample["config"]["span_bytes"], f"at most {MAX_VICTIM_BYTES}")
    if not sample["error"] and sample["facts"].keys() != {fact.name for fact in fields(Facts)}:
        raise fail("facts", sample["facts"], "the facts of its victim")
    if not (sample["ns"] or sample["error"]):
        raise fail("ns", sample["ns"], "a time, or an error that says why there is none")


def write_samples(path: Path, samples: list[Sample]) -> None:
    """Write raw samples, one JSON object per line."""
    from mmbench.records.files import write_text

    write_text(path, "".join(json.dumps(sample, separators=(",", ":")) + "\n" for sample in samples))


def inconclusive(calibration: Calibration) -> str:
    """Say which measurements scatter too much to conclude anything, or nothing."""
    from mmbench.cost.summary import INCONCLUSIVE_SPREAD

    noisy = {what: x for what, x in calibration.spread.items() if x > INCONCLUSIVE_SPREAD}
    if not noisy:
        return ""
    shown = ", ".join(f"{what} {x:.0%}" for what, x in noisy.items())
    whys = sorted({why for row in calibration.rows for why in row["whys"]})
    why = f"; for example: {shorten(whys[0], LONGEST_WHY)}" if whys else ""
    return f"measurements scatter (IQR/median) by {shown}, at most {INCONCLUSIVE_SPREAD:.0%} is quiet{why}"
