"""The verdict on one design in one scope: safe, fails or stalls, and the schedules that show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmbench.checker.counterexample import Counterexample, counterexample, digest_of, trapped
from mmbench.checker.properties import BY_BIT, DEADLOCK, NAMES, STALL, OwnProperty
from mmbench.checker.reached import in_words, unreached
from mmbench.checker.scope import Scope
from mmbench.checker.search import Found, Limits, search, state_world
from mmbench.checker.stall import Trap, traps
from mmbench.checker.world import start_of
from mmbench.machine.protocol import Role
from mmbench.model.world import views
from mmbench.records.checked_types import Checked
from mmbench.strategies.user_file import users_code

ANY = sum(1 << bit for bit in BY_BIT)
SAFE, FAILS, STALLS, UNKNOWN = "safe", "fails", "stalls", "unknown"
ASSUMES = (
    "sequential consistency at the granularity of a step",
    "this scope and no larger world",
    "no time: timers, sleeps and holds take any time; the reaper may give up after any failed attempt",
    "no spurious wakeups, no lock stealing, no signals to the tasks",
)


@dataclass
class Verdict:
    """What is known of one design in one scope.

    verdict: safe, fails (a property is broken, or a deadlock), stalls, or unknown (incomplete, nothing found)
    properties: short name -> "holds", "broken" or "unknown"
    counterexamples: one for each broken property, by short name
    unreached: (role, label) of the design's steps that nobody ever came to, of which the verdict says nothing
    """

    strategy: str
    scope: str
    verdict: str
    complete: bool
    stop: str
    states: int
    transitions: int
    depth: int
    seconds: float
    properties: dict[str, str]
    bounds: dict[str, int]
    digest: str = ""
    unreached: tuple[tuple[str, str], ...] = ()
    unreached_in_words: str = ""
    assumes: tuple[str, ...] = ASSUMES
    counterexamples: dict[str, Counterexample] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        """Short names of the broken properties."""
        return [name for name, status in self.properties.items() if status == "broken"]

    def as_row(self) -> dict[str, str | int | float]:
        """The verdict as one flat row."""
        return {
            "strategy": self.strategy,
            "scope": self.scope,
            "verdict": self.verdict,
            "broken": " ".join(self.broken),
            "complete": self.complete,
            "states": self.states,
            "transitions": self.transitions,
            "depth": self.depth,
            "seconds": round(self.seconds, 3),
            "unreached": self.unreached_in_words,
            **self.properties,
        }

    def as_dict(self) -> Checked:
        """The verdict for programs."""
        from mmbench.checker.counterexample import to_json

        return {
            "strategy": self.strategy,
            "scope": self.scope,
            "verdict": self.verdict,
            "complete": self.complete,
            "stop": self.stop,
            "states": self.states,
            "transitions": self.transitions,
            "depth": self.depth,
            "seconds": round(self.seconds, 3),
            "properties": self.properties,
            "bounds": self.bounds,
            "unreached": [{"role": role, "step": label} for role, label in self.unreached],
            "assumes": list(self.assumes),
            "counterexamples": {name: to_json(c) for name, c in self.counterexamples.items()},
        }


def find_own(found: Found, own: OwnProperty) -> int:
    """The first state in which a user's property is False, or -1. Raises InputError when the property itself fails."""
    with users_code(f"the property {own.property.claim!r}"):
        for state in range(found.n_states):
            if not own.holds(views(state_world(found, state))):
                return state
    return -1


def shortest(name: str, spec: str, found: Found, bit: int, limits: Limits) -> Counterexample:
    """A schedule with the fewest steps that breaks a property: the unreduced search, stopped at its first."""
    plain = search(found.start, limits, reduce=False, stop_at=1 << bit)
    at = plain if bit in plain.first else found
    return counterexample(name, at, at.first[bit], BY_BIT[bit], spec=spec)


def into_deadlock(name: str, spec: str, found: Found, deadlock: Trap, limits: Limits) -> Counterexample:
    """A schedule with the fewest steps after which some task waits or goes round for ever; likewise unreduced."""
    plain = search(found.start, limits, reduce=False)
    trap = traps(plain)[0] if plain.complete else None
    return (
        trapped(name, plain, trap, DEADLOCK, spec=spec) if trap else trapped(name, found, deadlock, DEADLOCK, spec=spec)
    )


def statuses(found: Found, deadlock: Trap | None, stall: Trap | None) -> dict[str, str]:
    """Short name -> holds, broken or unknown."""
    broken = {BY_BIT[bit].name for bit in found.first}
    broken |= {DEADLOCK.name} if deadlock else set()
    broken |= {STALL.name} if stall else set()
    other = "holds" if found.complete else "unknown"
    return {name: "broken" if name in broken else other for name in NAMES}


def check(
    name: str,
    roles: dict[str, Role],
    scope: Scope,
    limits: Limits | None = None,
    own: OwnProperty | None = None,
    *,
    reduce: bool = True,
    explain: bool = True,
    spec: str = "",
    stop_early: bool = False,
) -> Verdict:
    """Explore all interleavings of a design in a scope and judge them.

    roles: as strategies.Loaded.roles; reduce: use the reductions (a user's own property never does);
    explain: also find the schedules; spec: how to load the design again, for replays;
    stop_early: the first broken property is enough.
    Raises InputError when a task counts without bound.
    """
    limits = limits or Limits()
    start = start_of(scope, roles)
    found = search(start, limits, reduce=reduce and own is None, stop_at=ANY if stop_early else 0)
    deadlock, stall = traps(found)
    own_state = find_own(found, own) if own else -1
    properties, missed = statuses(found, deadlock, stall), unreached(found, roles)
    if own:
        properties["own"] = "broken" if own_state >= 0 else ("holds" if found.complete else "unknown")
    verdict = Verdict(
        name,
        scope.name,
        verdict_of(properties, found.complete),
        found.complete,
        found.stop,
        found.n_states,
        found.n_transitions,
        found.depth,
        found.seconds,
        properties,
        {"max_states": limits.max_states, "max_bytes": limits.max_bytes},
        digest_of(start),
        missed,
        in_words(missed, roles),
    )
    if explain:
        shown = [shortest(name, spec, found, bit, limits) for bit in found.first]
        shown += [into_deadlock(name, spec, found, deadlock, limits)] if deadlock else []
        shown += [trapped(name, found, stall, STALL, spec=spec)] if stall else []
        shown += [counterexample(name, found, own_state, own.property, spec=spec)] if own and own_state >= 0 else []
        verdict.counterexamples = {c.property.name: c for c in shown}
    return verdict


def verdict_of(properties: dict[str, str], complete: bool) -> str:
    """One word: a broken property is worse than a stall."""
    broken = [name for name, status in properties.items() if status == "broken"]
    if any(name != STALL.name for name in broken):
        return FAILS
    if broken:
        return STALLS
    return SAFE if complete else UNKNOWN


def line(v: Verdict) -> str:
    """The verdict line: what was found, and how much was looked at."""
    bad = ", ".join(v.broken)
    looked = f"{v.states:,} states, {v.transitions:,} transitions, depth {v.depth}, {v.seconds:.2f} s"
    how = "complete" if v.complete else v.stop
    missed = f"\n  not reached, so not judged: {v.unreached_in_words}" if v.unreached else ""
    return f"{v.strategy}: {v.verdict}{f' ({bad})' if bad else ''}; scope {v.scope}: {looked}; {how}{missed}"
