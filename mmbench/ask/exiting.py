"""Whom an OOM killer takes while its victim exits: what booted kernels did, with intervals, and the model beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.ask.runs import Inputs, run_all
from mmbench.errors import InputError
from mmbench.release import hides_exiting, version_of

if TYPE_CHECKING:
    from mmbench.records.lab_types import ExitingCount, ExitingModel, ExitingRow, LabRecord
    from mmbench.records.types import RunRecord

FOLDER = "results/lab/exiting-victim"
SEES_ALWAYS, SEES_UNTIL_GONE, SEES_UNTIL_EXIT = range(3)  # --killer-blind
MOST_SLOWNESS = 1000


def exiting_records(names: Sequence[str] = ()) -> list[LabRecord]:
    """The records named, else those of FOLDER, oldest kernel first. Raises InputError."""
    from mmbench.lab.exiting import SET
    from mmbench.lab.record import read_record

    paths = [Path(name) for name in names] or sorted(Path(FOLDER).glob("*.json"))
    if not paths:
        raise InputError(f"no record given and none in {FOLDER}; make one: mmbench lab run 7.3 --set {SET} -o FOLDER")
    records = [read_record(path) for path in paths]
    for path, record in zip(paths, records, strict=True):
        if record["set"] != SET:
            raise InputError(f"{path} holds the set {record['set']!r}; give a record of mmbench lab run --set {SET}.")
    return sorted(records, key=lambda record: version_of(record["release"]) or (0,))


def exiting_rows(record: LabRecord) -> list[ExitingRow]:
    """A row per question: the counts of lab.exiting, their 95 % interval, and the further kills of the model."""
    from mmbench.lab.exiting import counts
    from mmbench.sizing.stats.intervals import clopper_pearson

    rows: list[ExitingRow] = []
    for row in counts(record):
        low, high = clopper_pearson(row["n_killed"], row["n"])
        rows.append({**row, "low": low, "high": high, **predicted(record, row)})
    return rows


def predicted(record: LabRecord, row: ExitingCount) -> ExitingModel:
    """The model of a question: by what the killer sees in this kernel, and at the speed of exit in that guest.

    Of the measurement, only the median time of exit_mmap is used.
    """
    if row["exit_mmap_ms"] is None:
        return {}
    in_cgroup = SEES_UNTIL_EXIT if hides_exiting(record["release"]) else SEES_UNTIL_GONE
    blind = in_cgroup if row["scope"] == "memcg" else SEES_ALWAYS
    at_full_speed = _run(record, row, blind, 1)
    alone_ps = at_full_speed["time_ps"]["all"]
    assert alone_ps is not None, "exit frees everything by itself"
    slowness = min(MOST_SLOWNESS, max(1, round(row["exit_mmap_ms"][1] * 1e9 / alone_ps)))
    return {
        "killer_blind": blind,
        "exit_slowness": slowness,
        "model_kills": _run(record, row, blind, slowness)["collateral_kills"],
        "model_kills_at_full_speed": at_full_speed["collateral_kills"],
    }


def _run(record: LabRecord, row: ExitingCount, blind: int, slowness: int) -> RunRecord:
    from mmbench.lab.exiting import BESIDE_BYTES, ROOM_BYTES
    from mmbench.model.layout import PAGE_BYTES
    from mmbench.strategies import load
    from mmbench.validation.kernel_lab import era_of

    short_bytes = row["need_bytes"] - (ROOM_BYTES if row["scope"] == "memcg" else 0)
    overrides = {
        "need_pages": short_bytes // PAGE_BYTES,
        "next_victim_pages": BESIDE_BYTES // PAGE_BYTES,
        "killer_blind": blind,
        "exit_slowness": slowness,
    }
    victim = {"size": str(row["victim_bytes"]), "locked": "0", "vmas": "1"}
    (found,) = run_all(Inputs("", victim, "quiet", overrides), [load(era_of(record["release"]))])
    return found


def summary(record: LabRecord) -> dict[str, Any]:
    """What a page says of one kernel: see report.text.exiting_page.Kernel."""
    from mmbench.lab.exiting import boots_with_kills
    from mmbench.lab.record import experiments
    from mmbench.sizing.stats.intervals import clopper_pearson

    killed, n_boots = boots_with_kills(record, "memcg")
    runs = experiments(record)
    loads = [boot["host_load"] for boot in record["boots"] if "host_load" in boot]
    return {
        "release": record["release"],
        "package_version": record["package_version"],
        "has_flag": record.get("css_task_iter_with_dead"),
        "boots": (killed, n_boots),
        "without_cgroup": boots_with_kills(record, "global"),
        "failed": [run["error"] for run in runs if "error" in run],
        "n_runs": len(runs),
        "share": clopper_pearson(killed, n_boots),
        "rows": exiting_rows(record),
        "loads": (min(loads, default=0.0), max(loads, default=0.0)),
    }
