"""What a booted kernel did when the OOM killer killed beside somebody who holds something: told from the module's log.

Who died, whether the reaper gave up, what it left, when MMF_OOM_SKIP was set and by whom. The guest has one CPU for
everybody, so that moment is told by the own clock of the task that set it, too.
"""

from __future__ import annotations

from typing import NamedTuple

from mmbench.model.flags import WHY_GAVE_UP
from mmbench.records.lab_types import Experiment, Happened, LabStep
from mmbench.validation.forced import REAP_OPS, is_skip

PASSES = (*REAP_OPS, "UNMAP_VMAS")


class Setting(NamedTuple):
    """When MMF_OOM_SKIP was set, ns after the kill: by the guest's clock, and by the own one of whoever set it.

    steps: of that task until then
    """

    ns: int
    own_ns: int | None
    steps: list[LabStep]


def happened(entry: Experiment, rows: list[list[str]], setting: Setting | None) -> Happened:
    """What was seen: who died, whether the reaper gave up, what it left, when MMF_OOM_SKIP was set (``setting``).

    ``skip_ms`` is the guest's clock; ``skip_own_ms`` leaves out how long the task that set it had waited for a CPU, for
    the parties share one and the model gives each its own; None where the record does not tell, and where exit and
    reaper shared the work: nobody's own clock says when that was done. ``kills`` leaves out the trigger, whose own
    death the model has not.
    """
    steps = entry["steps"][0]
    return {
        "design": entry["design"],
        "victim": entry["victim"],
        "holds": entry["holds"],
        "held_page": entry["held_page"],
        "kills": sum(kill["who"] != "trigger" for kill in entry["further_kills"]),
        "killed": [kill["who"] for kill in entry["further_kills"]],
        "gave_up": entry["gave_up_ns"][0] is not None or left_it(steps, rows),
        "reaper_left": reaper_left(steps),
        "skip_ms": in_ms(None if setting is None else setting.ns),
        "skip_own_ms": None if setting is None or worked_at_once(steps, setting.ns, rows) else in_ms(setting.own_ns),
        "trigger": entry["trigger"],
        "sleeps_in": entry["stacks"][-1][:3] if entry["stacks"] else [],
    }


def skip_set(entry: Experiment, steps: list[LabStep], rows: list[list[str]]) -> Setting | None:
    """When MMF_OOM_SKIP was set first: by exit (the step is in the log), by the reaper after its pass or giving up."""
    setting = [i for i, row in enumerate(rows) if is_skip(row)]
    exits = [step for step in steps if step["role"] == "exit"]
    passed = [step for step in steps if step["role"] == "reaper"]
    moments = [(one["ns"], exits[: n + 1]) for n, one in enumerate(exits) if one["row"] in setting]
    ended, gave_up = entry["reaper_ended_ns"][0], entry["gave_up_ns"][0]
    moments += [(ended, passed)] if ended is not None else []
    found = [Setting(ns, own_ns(ns, own), own) for ns, own in moments]
    found += [Setting(gave_up, gave_up, [])] if gave_up is not None else []  # asleep, but for its attempts
    return min(found, key=lambda one: one.ns, default=None)


def pages_back(setting: Setting | None) -> int | None:
    """How many pages the zones had more when MMF_OOM_SKIP was set than when its setter began; None: not known."""
    if setting is None or not setting.steps or "free_pages" not in setting.steps[0]:
        return None
    return max(0, setting.steps[-1]["free_pages"] - setting.steps[0]["free_pages"])


def own_ns(ns: int, steps: list[LabStep]) -> int | None:
    """A time by the guest's clock less what the task was runnable without a CPU between its first step and its last."""
    if not steps or "queued_ns" not in steps[0]:
        return None
    return ns - (steps[-1]["queued_ns"] - steps[0]["queued_ns"])


def reaper_left(steps: list[LabStep]) -> int | None:
    """Pages still mapped when the reaper's pass ended; None when it never began."""
    passes = [step for step in steps if step["role"] == "reaper"]
    return passes[-1]["rss_pages"] if len(passes) > 1 else None


def left_it(steps: list[LabStep], rows: list[list[str]]) -> bool:
    """Whether the reaper gave up by a step of the design's own, which no kernel prints: after a hand-over."""
    own = [rows[s["row"]] for s in steps if s["role"] == "reaper"]
    return any(row[0] == "LEAVE" and int(row[1]) == WHY_GAVE_UP for row in own)


def worked_at_once(steps: list[LabStep], when: int, rows: list[list[str]]) -> bool:
    """Whether exit and reaper were both inside a pass over the VMAs before a moment."""
    begun = {
        s["role"]: (s["ns"], n) for n, s in enumerate(steps) if s["ns"] < when and rows and rows[s["row"]][0] in PASSES
    }
    if not {"exit", "reaper"} <= begun.keys():
        return False
    (first, n), (second, _) = sorted(begun.values())
    after = next((s["ns"] for s in steps[n + 1 :] if s["role"] == steps[n]["role"]), when)
    return first <= second < after


def in_ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6
