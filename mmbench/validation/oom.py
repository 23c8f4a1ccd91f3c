"""A real OOM kill beside the model's: one timeline, and the few numbers that both have.

Times are nanoseconds after the kill (mark_victim).
"""

from __future__ import annotations

from mmbench.cost.table import CostTable
from mmbench.engine import prepare, run_prepared
from mmbench.machine.protocol import OOM_REAPER_DELAY_PS
from mmbench.records.measured_types import Config
from mmbench.records.oom_types import Beside, KernelEvent, Moment, OomKill, OomRecord, PredictedKill
from mmbench.records.types import Event
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies.load import Loaded
from mmbench.validation.geometry import vmas_of
from mmbench.validation.predict import HELD_PS, ended

FORMAT = "mmbench-oom 1"
TRIGGER_PAGES = 8192  # what the trigger allocates, 32 MiB
LOCK_EVENTS = ("mmap_lock_start_locking", "mmap_lock_acquire_returned", "mmap_lock_released")


def predict_oom(config: Config, is_held: bool, design: Loaded, costs: CostTable) -> PredictedKill:
    """Run the engine with an OOM kill: the reaper comes after its delay, the victim exits at once or when let go.

    Returns reaper_start_ns, reaper_ns, freed_by_reaper_pages, exit_ns, n_collateral_kills and timeline.
    """
    starts = {"exit_start_ps": HELD_PS if is_held else 0, "reaper_start_ps": 0, "mrelease_start_ps": NEVER}
    # memory is short in the cgroup only: gather batches are to be had
    circumstances = scenario("quiet", starts | {"oom_victim": 1, "batch_pages": 2, "need_pages": TRIGGER_PAGES})
    record = run_prepared(prepare(vmas_of(config), reuse=False), design, circumstances, costs, victim="measured")
    freed = record["freed_pages"]["reaper"]
    reaped = "reaper" in record["work"] and bool(record["reap_passes"]["reaper"])
    what = "exit_after" if is_held else "exit"
    reaper_ps = ended(record, "reaper") - OOM_REAPER_DELAY_PS + costs.base_ps.get("mrelease", 0)
    return {
        "reaper_start_ns": OOM_REAPER_DELAY_PS // 1000 if reaped else None,
        "reaper_ns": reaper_ps // 1000 if reaped else None,
        "freed_by_reaper_pages": freed,
        "exit_ns": (ended(record, "exit") - starts["exit_start_ps"] + costs.base_ps.get(what, 0)) // 1000,
        "n_collateral_kills": record["collateral_kills"],
        "timeline": [event for event in record["timeline"] if event["task"] in ("exit", "reaper", "allocator")],
        "held_ps": starts["exit_start_ps"],
    }


def join(kill: OomKill, predicted: PredictedKill) -> OomRecord:
    """Put a kill (see mmbench.live.experiment.oom_kill) and its prediction side by side: a record.

    ``timeline`` has both origins in the order of time, ``compared`` the numbers that both have; ``verdict`` is "pass"
    when the page counts agree, "fail" when they do not. What the model does after the victim was let go is shifted to
    where the kernel was let go.
    """
    let_go_ns = (kill["victim_gone_ns"] - (kill["exit_after_ns"] or 0)) if kill["is_held"] else 0
    timeline = [_measured(entry) for entry in kill["timeline"] if entry["event"] not in LOCK_EVENTS]
    timeline += [_model(event, predicted["held_ps"], let_go_ns) for event in first_times(predicted["timeline"])]
    timeline.sort(key=lambda entry: entry["t_ns"])
    gone_ns = kill["exit_after_ns"] if kill["is_held"] else kill["victim_gone_ns"]
    start, finish = kill["reaper_start_ns"], kill["reaper_finish_ns"]
    took_ns = None if start is None or finish is None else finish - start
    compared = [
        _compared("reaper comes", "ns", start, predicted["reaper_start_ns"]),
        _compared("reaper takes", "ns", took_ns, predicted["reaper_ns"]),
        _compared("freed by the reaper", "pages", kill["freed_by_reaper_pages"], predicted["freed_by_reaper_pages"]),
        _compared("exit takes" if kill["is_held"] else "victim is gone", "ns", gone_ns, predicted["exit_ns"]),
        _compared("further kills", "kills", kill["n_collateral_kills"], predicted["n_collateral_kills"]),
    ]
    pages = compared[2]
    agrees = pages["measured"] is None or pages["measured"] == pages["model"]
    return {
        "format": FORMAT,
        "verdict": "pass" if agrees else "fail",
        "config": kill["config"],
        "is_held": kill["is_held"],
        "compared": compared,
        "timeline": timeline,
        "measured": kill,
    }


def first_times(events: list[Event]) -> list[Event]:
    """The first time each task enters each step: the allocator asks again every jiffy, which nobody needs to read."""
    found: dict[tuple[str, str], Event] = {}
    for event in events:
        task, label = event["task"], event["step"]
        if event["kind"] == "step" and (task != "allocator" or label in ("out_of_memory", "done")):
            found.setdefault((task, label), event)
    return list(found.values())


def _compared(name: str, unit: str, measured: int | None, model: int | None) -> Beside:
    error = model / measured - 1.0 if measured and model is not None else None
    return {"name": name, "unit": unit, "measured": measured, "model": model, "error": error}


def _measured(entry: KernelEvent) -> Moment:
    detail = ", ".join(f"{k} {v}" for k, v in entry["fields"].items() if k in ("comm", "anon-rss", "shmem-rss"))
    return {"t_ns": entry["t_ns"], "origin": "kernel", "who": entry["who"], "event": entry["event"], "detail": detail}


def _model(event: Event, held_ps: int, let_go_ns: int) -> Moment:
    time_ps, task, label = event["at_ps"], event["task"], event["step"]
    shift_ns = let_go_ns - held_ps // 1000 if held_ps and time_ps >= held_ps else 0
    return {"t_ns": time_ps // 1000 + shift_ns, "origin": "model", "who": task, "event": label, "detail": ""}
