"""One complete run record, small enough to break field by field."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "format": "mmbench-run 1", "kind": "model", "strategy": "v6.1", "params": {"self_reaping": "kept"},
        "scenario": "quiet", "scenario_params": {"holders": 0}, "victim": "synthetic 4MiB", "seed": 1,
        "resident_pages": 1024, "locked_pages": 512, "outcome": "completed",
        "freed_pages": {"exit": 600, "reaper": 400, "mrelease": 0}, "left_pages": {"mapped_elsewhere": 24},
        "reaper_left_pages": {"vm_locked": 0, "gave_up": 0},
        "blocked_ps": {"exit": {"ptl": 5, "page_lock": 7}, "reaper": {"mmap_lock_retry": 0}},
        "time_ps": {"first": 10, "half": 20, "p90": 30, "all": 40, "oom_skip": 35},
        "throughput_pages_per_s": 2.5e13, "throughput_by_task": {"exit": 1e13, "reaper": None},
        "collateral_kills": 0, "patience_kills": {"kernel": 0, "earlyoom": 0, "oomd": 0},
        "curve": {"time_ps": [0, 10, 40], "freed_pages": [0, 1, 1000]}, "costs": "default", "violations": [],
        "token": "abc",
    }  # fmt: skip
