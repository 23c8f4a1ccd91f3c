"""What a bystander is: somebody beside the design's own parties, as data that engine and checker both read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mmbench.machine.protocol import JIFFY_PS as JIFFY_PS
from mmbench.machine.protocol import Op, Role, step

US, MS, SECOND = 10**6, 10**9, 10**12
MAX_PS = 10**17  # about 28 hours
MAX_COUNT = 1 << 40
NEVER = -1
BEFORE_THE_KILL = -US  # who holds a lock from the start has it when the kill comes

Values = Mapping[str, int]


def allocation(values: Values, then: str) -> Role:
    """Steps of an allocation that ran out of memory: tried every jiffy, with the OOM killer's rule; then that step."""
    sight, by_page = values["killer_blind"], values["need_by_page"]
    return (
        step("allocate", Op.ALLOC, otherwise="out_of_memory", to=then),
        step("out_of_memory", Op.OUT_OF_MEMORY, loses_sight=sight, by_page=by_page, otherwise="sleep", to="allocate"),
        step("sleep", Op.ALLOC_SLEEP, ps=JIFFY_PS),
        step("retry", Op.GOTO, to="allocate"),
    )


@dataclass(frozen=True)
class Option:
    """One number of a scenario.

    name: as in a record, its unit last (`writer_hold_ps`); unit: "ps", "ppm", "pages", or "" for a plain number
    old: records have had it from the first format on, and so always show it; others show it where it is not `default`
    """

    name: str
    unit: str
    default: int
    low: int
    high: int
    help: str
    old: bool = False

    @property
    def flag(self) -> str:
        """Its name on a command line: `writer-hold`."""
        return self.name.removesuffix(f"_{self.unit}" if self.unit else "").replace("_", "-")


@dataclass(frozen=True)
class Bystander:
    """Somebody beside exit, reaper and mrelease. What it is told are names of options, its own or another's.

    key, what:   its name in a scope of the checker, and what it does
    steps:       function of the scenario's values that returns its steps
    when:        the option that is not 0 when it takes part
    task:        its name in a record (default: key); n_tasks: so many of it
    starts_ps:   when, after the kill
    holds:       the option of how long HOLD_FOR lasts; slowness: the option of how many times slower it works
    needs:       the option of how many pages its allocation needs, at most one `share_of_victim`-th of the victim's
    locks_page:  it locks the mlocked page of `holder_at_ppm`, and takes no part where none is mlocked
    of_victim:   the victim itself takes these steps, before exit_mm
    waited_for:  the run ends when it is over
    may_be_last_user: its MMPUT may be the last one, and then exit_mmap is run by it
    endless:     its steps have no end
    variants:    names in a scope -> the values that make it one (default: key, with none)
    rank:        its place among the tasks of a run
    """

    key: str
    what: str
    steps: Callable[[Values], Role]
    options: tuple[Option, ...] = ()
    when: str = ""
    task: str = ""
    n_tasks: int = 1
    starts_ps: int = 0
    holds: str = ""
    slowness: str = ""
    needs: str = ""
    share_of_victim: int = 1
    locks_page: bool = False
    of_victim: bool = False
    waited_for: bool = True
    may_be_last_user: bool = False
    endless: bool = False
    variants: dict[str, dict[str, int]] = field(default_factory=dict)
    rank: int = 100

    @property
    def name(self) -> str:
        """What records call its task."""
        return self.task or self.key

    def takes_part(self, values: Values) -> bool:
        """True in a scenario of these values."""
        return not self.when or values[self.when] != 0

    def need_pages(self, values: Values, resident_pages: int) -> int:
        """Pages that its allocation needs of a victim of this size; 0 when it needs none."""
        return min(values[self.needs], max(resident_pages // self.share_of_victim, 1)) if self.needs else 0
