"""The model's answer for a victim that can be measured: exit alone, process_mrelease alone, what is left, the race.

The design that the kernel ships is run by the engine itself; the measured process's own cost (``base_ps`` of the cost
table) is added. Times are nanoseconds, as measurements are.
"""

from __future__ import annotations

from dataclasses import dataclass

from mmbench.cost.table import BASES, CostTable
from mmbench.engine import Prepared, prepare, run_prepared
from mmbench.errors import CannotError
from mmbench.records.measured_types import Config, Prediction
from mmbench.records.types import Run
from mmbench.release import version_of
from mmbench.scenarios import Scenario, scenario
from mmbench.scenarios.scenario import NEVER, US
from mmbench.strategies import load
from mmbench.strategies.load import Loaded
from mmbench.validation.geometry import vmas_of, with_own_pages

HELD_PS = 10**14  # 100 s: a victim held at its exit stop, as seen by process_mrelease
# From the hold, the caller takes the mm 59 times of 60; issued 50 us after a kill it still does 4 times of 12.
HEAD_START_PS = 20 * US
SHIPPED = (
    ((6, 18), "v6.18"),
    ((6, 1), "v6.1"),
    ((5, 18), "v5.18"),
    ((5, 17), "v5.17"),
    ((4, 17), "v4.17"),
    ((4, 14), "v4.14"),
)


def design_of(kernel: str) -> Loaded:
    """Return the design that a kernel release such as "6.18.44" ships. Raises CannotError before 5.15."""
    name = shipped_by(kernel)
    if name is None or (version_of(kernel) or (0, 0)) < (5, 15):
        raise CannotError(f"Linux {kernel} has no process_mrelease; validation needs Linux 5.15 or later.")
    return load(name)


def shipped_by(release: str) -> str | None:
    """The design that a kernel release ships, None before v4.14."""
    version = version_of(release) or (0, 0)
    return next((name for since, name in SHIPPED if version >= since), None)


@dataclass(frozen=True)
class Answer:
    """What the model says of one tear-down: wall-clock ps, pages freed by it, and the work of who did it.

    work: item -> how often; in a race that of both parties
    """

    what: str
    ps: int
    freed_pages: int
    work: dict[str, int]


class Victim:
    """A configuration whose world is built once and torn down in every way that is asked for."""

    def __init__(self, config: Config, design: Loaded, own_pages: int = 0) -> None:
        self.config, self.design = config, design
        self.prepared: Prepared = prepare(with_own_pages(vmas_of(config), own_pages))

    def run(self, starts: dict[str, int], costs: CostTable) -> Run:
        """Run the engine without an OOM killer and return its record, which has no timeline."""
        return run_prepared(self.prepared, self.design, circumstances(starts), costs, victim="measured", story=False)

    def exit(self, costs: CostTable) -> Answer:
        """Exit alone."""
        record = self.run({"exit_start_ps": 0, "mrelease_start_ps": NEVER}, costs)
        return Answer("exit", ended(record, "exit"), record["freed_pages"]["exit"], record["work"]["exit"])

    def mrelease(self, costs: CostTable) -> tuple[Answer, Answer]:
        """process_mrelease on the held victim, and the exit of what it left."""
        record = self.run({"exit_start_ps": HELD_PS, "mrelease_start_ps": 0}, costs)
        freed, work = record["freed_pages"], record["work"]
        return (
            Answer("mrelease", ended(record, "mrelease"), freed["mrelease"], work["mrelease"]),
            Answer("exit_after", ended(record, "exit") - HELD_PS, freed["exit"], work["exit"]),
        )

    def race(self, costs: CostTable) -> Answer:
        """Both at once from the hold, until both are done."""
        record = self.run({"exit_start_ps": HEAD_START_PS, "mrelease_start_ps": 0}, costs)
        parties = ("exit", "mrelease")
        items = {item for name in parties for item in record["work"][name]}
        work = {item: sum(record["work"][name].get(item, 0) for name in parties) for item in sorted(items)}
        freed = record["freed_pages"]
        return Answer("race", max(ended(record, name) for name in parties), sum(freed[name] for name in parties), work)

    def work(self, costs: CostTable) -> dict[str, dict[str, int]]:
        """Work items of exit, mrelease and exit_after, by kind: what the model does, whatever it costs."""
        return {answer.what: answer.work for answer in (self.exit(costs), *self.mrelease(costs))}


def ended(record: Run, task: str) -> int:
    """When a task was over, ps. Raises ValueError for one that never was."""
    end_ps = record["end_ps"][task]
    if end_ps is None:
        raise ValueError(f"{task} of {record['strategy']} never ended")
    return end_ps


def circumstances(starts: dict[str, int]) -> Scenario:
    """Of a measurement: nobody interferes, no OOM killer, memory for gather batches is there."""
    return scenario("mrelease", starts)


def predict(config: Config, design: Loaded, costs: CostTable) -> list[Prediction]:
    """Return one prediction per kind of tear-down: ``config``, ``what``, ``model_ns``, ``freed_pages``."""
    victim = Victim(config, design)
    answers = [victim.exit(costs), *victim.mrelease(costs), victim.race(costs)]
    return [
        {
            "config": config,
            "what": answer.what,
            "model_ns": round((answer.ps + costs.base_ps.get(answer.what, 0)) / 1000),
            "freed_pages": answer.freed_pages,
        }
        for answer in sorted(answers, key=lambda answer: BASES.index(answer.what))
    ]
