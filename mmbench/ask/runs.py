"""A question about single runs: which victim, scenario, costs and seed; the answer is one checked record a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmbench.ask.proven import proven
from mmbench.ask.watch import NOBODY, Watch
from mmbench.errors import InputError, nearest

if TYPE_CHECKING:
    from mmbench.records.types import Run, RunRecord
    from mmbench.scenarios import Scenario
    from mmbench.strategies import Loaded
    from mmbench.victims import Victim

HEADROOM = 0.9  # of the available memory
DEFAULT_SIZE = "64GiB"
TENTHS = tuple(f"{percent}%" for percent in range(0, 101, 10))
SWEEPS = {"locked": TENTHS, "size": ("1GiB", "4GiB", "16GiB", "64GiB", "256GiB")}

# What a synthetic victim is made to; the names are those of victims.synthetic.
SHARES = {
    "locked": "share of the memory in VM_LOCKED VMAs (0.9)",
    "thp": "share mapped by 2 MiB huge pages (0)",
    "shared": "share in shared mappings (0)",
    "elsewhere": "share that another process maps too (0)",
    "hugetlb": "share in hugetlb VMAs (0)",
    "resident": "share of the address space that is resident (1)",
}
OF_A_VICTIM = ("size", "vmas", "kind", "order", *SHARES)
OF_A_KILL = ("locked", "shared", "vmas")  # what a log does not tell of a victim


@dataclass(frozen=True)
class Inputs:
    """What was asked for, as text and integers: enough to do the same run again.

    victim: NAME or FILE, or "" for a synthetic one described by `synthetic` (option -> text)
    scenario: NAME[+NAME], with `overrides` (scenario field -> integer)

    Raises InputError when a victim is named and described at once, or for a seed of more than 62 bits.
    """

    victim: str
    synthetic: dict[str, str]
    scenario: str
    overrides: dict[str, int]
    costs: str = "default"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.victim and self.synthetic:
            from mmbench.victims.kernel_log import names_kills

            if not (names_kills(self.victim) and self.synthetic.keys() <= set(OF_A_KILL)):
                given = ", ".join(f"--{name}" for name in self.synthetic)
                raise InputError(f"--victim {self.victim} is complete in itself; leave out {given}.")
        if not -(1 << 62) < self.seed < 1 << 62:
            raise InputError(f"--seed {self.seed}: allowed are integers of at most 62 bits.")

    def make_victim(self) -> Victim:
        """Build the victim's table of VMAs. Raises InputError."""
        from mmbench.ask.values import parse_int
        from mmbench.victims import parse_share, parse_size, synthetic, victim
        from mmbench.victims.kernel_log import kill_victim, names_kills

        if self.victim and not names_kills(self.victim):
            return victim(self.victim)
        options: dict[str, Any] = {}
        for name, text in self.synthetic.items():
            if name not in OF_A_VICTIM:
                raise nearest(name, list(OF_A_VICTIM), "option of a victim")
            if name in SHARES:
                options[name] = parse_share(text, name)
            elif name in ("vmas", "order"):
                options[name] = parse_int(text)
            elif name != "size":
                options[name] = text
        if self.victim:
            return kill_victim(self.victim, **options)
        return synthetic(parse_size(self.synthetic.get("size", DEFAULT_SIZE)), **options)

    def make_scenario(self) -> Scenario:
        """Build the scenario. Raises InputError."""
        from mmbench.scenarios import scenario

        return scenario(self.scenario, self.overrides)


def replayed(token: str) -> tuple[str, Inputs]:
    """The strategy and inputs of the run that printed a token. Raises InputError."""
    from mmbench.records.token import read_token

    run = read_token(token)
    return run.strategy, Inputs(run.victim, run.synthetic, run.scenario, run.overrides, run.costs, run.seed)


def swept(inputs: Inputs, name: str = "locked", values: Sequence[str] | None = None) -> list[Inputs]:
    """The same question for one locked share or size after another; values: SWEEPS[name] for None.

    Raises InputError for a victim with one of its own, and for a value that is named twice.
    """
    from mmbench.victims import parse_share, parse_size

    values = SWEEPS[name] if values is None else values
    if inputs.victim or name in inputs.synthetic:
        what = "--victim" if inputs.victim else f"--{name}"
        raise InputError(f"--sweep {name} makes a synthetic victim for each; leave out {what}.")
    parse = parse_share if name == "locked" else parse_size
    if len({parse(value, name) for value in values}) != len(values):
        raise InputError(f"--sweep {name}={','.join(values)}: a value is named twice; name each once.")
    return [replace(inputs, synthetic=inputs.synthetic | {name: value}) for value in values]


def baseline_of(loaded: Sequence[Loaded], asked: str | None, usual: str) -> str:
    """The name of the design that ratios are of: the one asked for by name, id or file; else the usual, else the first.

    Raises InputError for one that takes no part.
    """
    known = {word: one.name for one in reversed(loaded) for word in (one.spec, one.strategy.id, one.file, one.name)}
    if asked is None:
        return usual if usual in known.values() else loaded[0].name
    if asked not in known:
        raise nearest(asked, [one.name for one in loaded], "baseline")
    return known[asked]


def run_all(inputs: Inputs, loaded: list[Loaded], watch: Watch = NOBODY) -> list[RunRecord]:
    """Run the strategies one after another on the same victim and return their records, in order."""
    return run_sweep([inputs], loaded, watch)


def run_sweep(sweep: list[Inputs], loaded: list[Loaded], watch: Watch = NOBODY) -> list[RunRecord]:
    """Run the strategies on one victim after another; returns their records, each of them checked, victim by victim.

    Raises InputError for bad input, and WrongRecord for a record that does not add up.
    """
    from mmbench.cost.table import load_table

    jobs = [(inputs, one) for inputs in sweep for one in loaded]
    prepared: Any = None
    records: list[RunRecord] = []
    from mmbench.engine import prepare, run_prepared

    turns = watch.runs([one.name for _, one in jobs])
    for k, ((inputs, one), _) in enumerate(zip(jobs, turns, strict=True)):
        if k % len(loaded) == 0:
            prepared = None  # two victims at a time may not fit
            scenario, costs, victim = inputs.make_scenario(), load_table(inputs.costs), inputs.make_victim()
            check_fits(victim, copies=1 if len(loaded) == 1 else 2)
            prepared = prepare(victim.vmas, reuse=len(loaded) > 1)
        record = run_prepared(prepared, one, scenario, costs, victim=victim.name, seed=inputs.seed)
        records.append(checked(record, one, inputs))
    return records


def checked(record: Run, loaded: Loaded, inputs: Inputs) -> RunRecord:
    """The record with its token and what the checker says of the design, once it has been shown to add up.

    No other leaves this module. Raises WrongRecord.
    """
    from mmbench.ask.verdicts import of_design
    from mmbench.records.run_record import whole
    from mmbench.records.token import make_token

    known: dict[str, Any] = {"token": make_token(loaded.spec, inputs)}
    if judged := of_design(loaded):
        known["checker"] = judged
    if loaded.file:
        known["file"] = loaded.file
    return proven(whole, record | known, f"the run of {loaded.name}")


def available_bytes() -> int | None:
    """MemAvailable, or None where /proc does not tell."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def check_fits(victim: Victim, copies: int) -> None:
    """Raise InputError when `copies` of the victim's world do not fit into the available memory."""
    from mmbench.engine.setup import MAX_TASKS_OF_A_RUN
    from mmbench.model.build import model_bytes
    from mmbench.victims import format_size

    needed = copies * model_bytes(victim.vmas, MAX_TASKS_OF_A_RUN)
    free = available_bytes()
    if free is not None and needed > HEADROOM * free:
        raise InputError(
            f"victim {victim.name!r} needs {format_size(needed)} of memory, {format_size(free)} are available: "
            "choose a smaller --size, or compare fewer strategies at a time."
        )
