"""A real OOM kill in a memory cgroup of its own, beside the model's prediction of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmbench.cost.table import CostTable
    from mmbench.live.workload import VictimConfig
    from mmbench.records.oom_types import OomRecord
    from mmbench.strategies import Loaded


class OomKill(NamedTuple):
    """What will be killed, and by what it will be predicted; held: the victim waits until the reaper is done."""

    config: VictimConfig
    held: bool
    costs: CostTable
    design: Loaded
    max_memory_bytes: int | None


def planned(
    size: str, locked: str, n_vmas: int, kind: str, held: bool, costs: str, max_memory_bytes: int | None
) -> OomKill:
    """The kill, checked. Raises InputError, and CannotError where there is no memory for it. Nothing is done yet."""
    from mmbench.cost.table import load_table
    from mmbench.live import experiment
    from mmbench.live.workload import VictimConfig
    from mmbench.validation.predict import design_of
    from mmbench.victims.sizes import parse_share, parse_size

    config = VictimConfig(parse_size(size), parse_share(locked, "--locked"), n_vmas, kind=kind)
    plan = OomKill(config, held, load_table(costs), design_of(os.uname().release), max_memory_bytes)
    experiment.allowed_memory_bytes(max_memory_bytes)
    return plan


def kill(plan: OomKill, on_step: Callable[[str], None]) -> OomRecord:
    """Predict, then have the kernel kill; returns the record of both. on_step: told what is being done."""
    from mmbench.ask.measurements import config_of
    from mmbench.live import experiment
    from mmbench.validation.oom import join, predict_oom

    predicted = predict_oom(config_of(plan.config), plan.held, plan.design, plan.costs)
    return join(experiment.oom_kill(plan.config, plan.held, plan.max_memory_bytes, on_step), predicted)
