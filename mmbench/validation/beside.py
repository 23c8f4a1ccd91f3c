"""An OOM kill beside somebody who holds what exit_mmap will want: what a booted kernel did, and what the model says.

Who else was killed, whether the reaper gave up, what it left, when MMF_OOM_SKIP was set. When exit and reaper began is
taken from the record, for the model has no scheduler; what follows is its own. The guest has one CPU for everybody, the
model one for each, so the time is by the own clock of the task that sets the flag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmbench.cost.table import CostTable
from mmbench.engine import run_prepared
from mmbench.machine.ops import Op
from mmbench.machine.protocol import step
from mmbench.model.flags import MMF_OOM_SKIP
from mmbench.records.lab_types import BesideHolder, DesignRecord, Experiment
from mmbench.records.types import Run
from mmbench.release import hides_exiting
from mmbench.scenarios import scenario
from mmbench.scenarios.scenario import MS, NEVER
from mmbench.strategies.load import Loaded
from mmbench.validation.calibration import with_prices
from mmbench.validation.forced import rows_of
from mmbench.validation.geometry import vmas_of
from mmbench.validation.lone_party import OWN_PAGES, base_ps
from mmbench.validation.predict import Victim
from mmbench.validation.seen_beside import Setting, happened, pages_back, skip_set

NEED_PAGES = 4096  # what the trigger lacks: half of its 32 MiB
EXIT_MM_NS = 1_000_000  # after the kill, where the log has no step of the victim's: exit_mmap is the reader's
NEAR = 0.02  # a time so near is called as predicted
LEAST_OTHERS, LEAST_BACK_PAGES = 3, 1000
ONE_CPU = {"free_contended": 0, "lru_contended": 0, "thp_contended": 0}  # nobody runs beside anybody
FOR_EVER_PAGES = 1 << 30  # more than any guest has
BATCHES_FOR_ALL = 2  # only the cgroup is out of memory, and nobody charges a gather's batch pages to it
HURRIED_NS = 20_000_000  # after the kill: about when a hurried reaper comes, where the record has no moment


def beside_holder(entry: Experiment, design: Loaded, costs: CostTable, record: DesignRecord) -> BesideHolder:
    """An OOM kill beside somebody who holds a page lock or mmap_lock: seen and modelled; times: ms after the kill."""
    rows = rows_of(record, entry["design"])
    setting = skip_set(entry, entry["steps"][0], rows)
    costs = with_prices(as_the_lists_stood(costs, entry, setting), ONE_CPU)
    if entry["hurry"]:
        design = without_delay(design)
    n_own = own_pages(entry)
    victim = Victim(entry["victim"], design, n_own)
    starts = circumstances(entry, record)
    found = run_prepared(victim.prepared, design, scenario("quiet", starts), costs, victim="booted", story=False)
    timed = found
    if slept_meanwhile(entry, setting, rows):
        kept_on = scenario("quiet", starts | {"holder_needs_pages": FOR_EVER_PAGES})
        timed = run_prepared(victim.prepared, design, kept_on, costs, victim="booted", story=False)
    return {
        **happened(entry, rows, setting),
        "model_kills": int(found["collateral_kills"]),
        "model_gave_up": found["outcome"] == "gave-up",
        "model_reaper_left": sum(found["reaper_left_pages"].values()),
        "model_skip_ms": model_skip_ms(timed, victim, costs, n_own),
        "back_pages": pages_back(setting),
    }


def circumstances(entry: Experiment, record: DesignRecord) -> dict[str, int]:
    """What a scenario needs of an experiment: when exit and reaper began, who holds what, what the killer sees."""
    exits = [step["ns"] for step in entry["steps"][0] if step["role"] == "exit"]
    began_ns = EXIT_MM_NS if entry["holds"] == "read-users" or not exits else max(0, exits[0])
    starts = {"exit_start_ps": began_ns * 1000, "batch_pages": BATCHES_FOR_ALL}
    starts |= {"need_pages": NEED_PAGES, "need_by_page": 1}  # of a file that is written page by page
    if entry["hurry"]:
        woken, began = entry["reaper_woken_ns"][0], entry["reaper_began_ns"][0]
        known = [ns for ns in (woken, began) if ns is not None]
        starts["reaper_start_ps"] = (known[0] if known else HURRIED_NS) * 1000
    return starts | held(entry) | {"killer_blind": killer_blind(record["release"])}


def without_delay(design: Loaded) -> Loaded:
    """A design whose reaper's timer runs out at once, as that of a hurried one does.

    Whoever has no timer gets the kernel's, which all of the lab have: when it runs out it tests MMF_OOM_SKIP.
    """
    reaper = design.roles["reaper"]
    if reaper[0].op is not Op.SLEEP:
        test = step("still needed?", Op.UNLESS_FLAG, flag=MMF_OOM_SKIP, otherwise="too late")
        reaper = (step("timer", Op.SLEEP, ps=1), test, *reaper)
    at_once = tuple(replace(s, args={"ps": 1}) if s.op is Op.SLEEP else s for s in reaper)
    return replace(design, roles=design.roles | {"reaper": at_once})


def held(entry: Experiment) -> dict[str, int]:
    """What the bystander of an experiment holds, as values of a scenario."""
    if entry["holds"] == "lock-page":
        return {"holder_needs_pages": NEED_PAGES, "holder_at_ppm": held_ppm(entry)}
    kind = "writer_hold_ps" if entry["holds"] == "write-count" else "reader_hold_ps"
    return {kind: entry["hold_ms"] * MS} | (
        {"reader_pins_users": int(entry["holds"] == "read-users")} if kind == "reader_hold_ps" else {}
    )


def killer_blind(release: str) -> int:
    """What a memory cgroup's OOM killer of a release does not see: see scenarios.bystanders.allocator."""
    return 2 if hides_exiting(release) else 1


def own_pages(entry: Experiment) -> int:
    """Pages of the victim's interpreter, which a pass meets before those of the range: rss when the log begins."""
    steps = entry["steps"][0]
    return max(0, steps[0]["rss_pages"] - present_pages(entry)) if steps else OWN_PAGES


def present_pages(entry: Experiment) -> int:
    """Present pages of the victim's range."""
    return int(vmas_of(entry["victim"]).resident.sum())


def as_the_lists_stood(costs: CostTable, entry: Experiment, setting: Setting | None) -> CostTable:
    """A table in which as many pages are cold as went back to the zones until MMF_OOM_SKIP was set.

    The model has no allocator. Alone, a CPU's list of free pages takes so many and no more; here a trigger takes pages
    from it, and others who were killed fill it.
    """
    n_back = pages_back(setting)
    return costs if n_back is None else replace(costs, cold_after_pages=max(0, present_pages(entry) - n_back))


def slept_meanwhile(entry: Experiment, setting: Setting | None, rows: list[list[str]]) -> bool:
    """Whether exit stood in its munlock from before the reaper began until that had set MMF_OOM_SKIP.

    The model's holder lets go at once when there is memory, and exit has a CPU of its own to share the work then. The
    guest's one CPU has the trigger, the holder and the reaper to serve before exit goes on.
    """
    if entry["holds"] != "lock-page" or setting is None or not setting.steps or setting.steps[0]["role"] != "reaper":
        return False
    exits = [step for step in entry["steps"][0] if step["role"] == "exit"]
    before = [step for step in exits if step["ns"] < setting.steps[0]["ns"]]
    done = [step for step in exits if step["ns"] <= setting.ns]
    return bool(rows) and bool(before) and before == done and rows[before[-1]["row"]][0] == "UNLOCK_RANGE"


def model_skip_ms(found: Run, victim: Victim, costs: CostTable, n_own: int) -> float | None:
    """When the model sets MMF_OOM_SKIP, ms; what was unmapped before includes the interpreter's own pages.

    Those have a measured price, base_ps; what the model charged for them is taken off.
    """
    skip_ps, first_ps = found["time_ps"]["oom_skip"], found["time_ps"]["first"]
    if skip_ps is None or skip_ps < 0:
        return None
    if found["outcome"] == "gave-up" or first_ps is None or not 0 <= first_ps <= skip_ps:
        return skip_ps / 1e9
    return (skip_ps + base_ps(costs, "reaper") - own_work_ps(victim, costs, n_own)) / 1e9


def at_the_zones_price(rows: list[BesideHolder]) -> list[BesideHolder]:
    """The same with ``model_skip_ms`` at what a page costs that goes back to the zones, as other designs show it.

    How dear that is depends on whose pages lie between: a free page merges with its neighbours as far as they are free.
    It is learned beside the same kind of bystander, never from the design it is used for or from its other choices.
    """
    extra = [(row, missing_ms_a_page(row)) for row in rows]
    found: list[BesideHolder] = []
    for row in rows:
        others = [ms for other, ms in extra if ms is not None and are_strangers(row, other)]
        if row["model_skip_ms"] is None or not row["back_pages"] or len(others) < LEAST_OTHERS or not is_timed(row):
            found.append(row)
        else:
            found.append({**row, "model_skip_ms": row["model_skip_ms"] + float(np.median(others)) * row["back_pages"]})
    return found


def are_strangers(row: BesideHolder, other: BesideHolder) -> bool:
    """Whether two cells are of different designs beside the same kind of bystander."""
    return row["holds"] == other["holds"] and row["design"].partition(":")[0] != other["design"].partition(":")[0]


def missing_ms_a_page(row: BesideHolder) -> float | None:
    """What the model lacks, per page that went back to the zones; None where too few did, or nothing was timed."""
    own, model, back = row["skip_own_ms"], row["model_skip_ms"], row["back_pages"]
    if own is None or model is None or back is None or back < LEAST_BACK_PAGES or not is_timed(row):
        return None
    return (own - model) / back


def is_timed(row: BesideHolder) -> bool:
    """Whether MMF_OOM_SKIP came after work, and not after sleep."""
    return not row["gave_up"] and not row["model_gave_up"]


def held_ppm(entry: Experiment) -> int:
    """Where among the locked pages the held one lies, as a scenario says it."""
    n_locked = round(entry["victim"]["span_bytes"] / 4096 * entry["victim"]["locked_share"])
    return min(999_999, entry["held_page"] * 1_000_000 // max(1, n_locked))


def own_work_ps(victim: Victim, costs: CostTable, n_own: int) -> int:
    """What the model charges exit for a victim's n_own pages of the interpreter; base_ps has their measured price."""
    calm = scenario(
        "quiet", {"exit_start_ps": 0, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER, "oom_victim": 0}
    )
    both, alone = (
        run_prepared(one.prepared, one.design, calm, costs, victim="booted", story=False)["busy_ps"]["exit"]
        for one in (victim, Victim(victim.config, victim.design))
    )
    return both - alone


def ends_as_predicted(row: BesideHolder) -> bool:
    """Whether who died, and whether the reaper gave up, beside a bystander is the model's."""
    return (row["kills"], row["gave_up"]) == (row["model_kills"], row["model_gave_up"])


def times_off(rows: Sequence[BesideHolder]) -> list[float]:
    """How far the model's times to MMF_OOM_SKIP are off, as shares, of those rows that have both."""
    pairs = [(row["skip_own_ms"], row["model_skip_ms"]) for row in rows]
    return [abs(model / own - 1.0) for own, model in pairs if own and model is not None]
