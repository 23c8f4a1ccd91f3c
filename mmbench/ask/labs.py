"""What booted kernels answered, beside the model by the design of their era or by another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.errors import InputError

if TYPE_CHECKING:
    from mmbench.records.measured_types import LabComparison

RECORDS = "results/lab"


def found_records(names: Sequence[str]) -> list[Path]:
    """The records named, or those of RECORDS. Raises InputError when there is none."""
    paths = [Path(name) for name in names] or sorted(Path(RECORDS).glob("*.json"))
    if not paths:
        raise InputError(f"no record given and none in {RECORDS}; make one: mmbench lab run 6.12 --set full -o FOLDER")
    return paths


def compare_kernels(paths: Sequence[Path], strategy: str | None = None) -> list[LabComparison]:
    """Compare records of `lab run`, one object for each. Raises InputError."""
    from mmbench.lab.record import read_record
    from mmbench.strategies.load import load
    from mmbench.validation.kernel_lab import compare

    records = [read_record(path) for path in paths]
    design = load(strategy) if strategy else None
    return [compare(record, design) for record in records]
