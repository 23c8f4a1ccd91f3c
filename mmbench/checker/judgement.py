"""A judgement: what several scopes say of one design, the worst first, and what none of them reached."""

from __future__ import annotations

from dataclasses import dataclass

from mmbench.checker.counterexample import Counterexample
from mmbench.checker.reached import in_words
from mmbench.checker.verdict import FAILS, SAFE, STALLS, UNKNOWN, Verdict
from mmbench.machine.protocol import Role

WORST_FIRST = (FAILS, STALLS, UNKNOWN, SAFE)


def in_short(v: Verdict) -> str:
    """The verdict and what is broken: "safe", "fails (I5)"."""
    return f"{v.verdict} ({', '.join(v.broken)})" if v.broken else v.verdict


@dataclass(frozen=True)
class Judgement:
    """The verdicts on one design, one for each scope, in the order of the scopes.

    steps_digest: as strategies.Loaded has it
    """

    strategy: str
    roles: dict[str, Role]
    verdicts: tuple[Verdict, ...]
    steps_digest: str = ""

    @property
    def verdict(self) -> str:
        """The worst of them."""
        return min((v.verdict for v in self.verdicts), key=WORST_FIRST.index)

    @property
    def unreached(self) -> tuple[tuple[str, str], ...]:
        """(role, label) of the steps that no scope reached, in the design's order."""
        first, *others = self.verdicts
        return tuple(place for place in first.unreached if all(place in v.unreached for v in others))

    @property
    def counterexamples(self) -> list[Counterexample]:
        """One for each broken property: of the first scope that breaks it."""
        found: dict[str, Counterexample] = {}
        for v in self.verdicts:
            found = {**v.counterexamples, **found}
        return list(found.values())

    def said(self) -> str:
        """What the scopes say, in one line: "safe", or "fails (I5) in default, timed-holder; safe in 6"."""
        where: dict[str, list[str]] = {}
        for v in sorted(self.verdicts, key=lambda v: WORST_FIRST.index(v.verdict)):
            where.setdefault(in_short(v), []).append(v.scope)
        if len(where) == 1:
            return next(iter(where))
        n_safe = len(where.pop(SAFE, []))
        parts = [f"{what} in {', '.join(scopes)}" for what, scopes in where.items()]
        return "; ".join([*parts, f"safe in {n_safe}"] if n_safe else parts)

    def looked(self) -> str:
        """How far the searches looked."""
        states, transitions = sum(v.states for v in self.verdicts), sum(v.transitions for v in self.verdicts)
        stops = [f"{v.scope} {v.stop}" for v in self.verdicts if not v.complete]
        return f"{states:,} states, {transitions:,} transitions; {'; '.join(stops) or 'complete'}"

    def missed(self) -> str:
        """The steps that no scope reached, or ""."""
        return in_words(self.unreached, self.roles)


def lines(j: Judgement) -> list[str]:
    """A judgement for people."""
    missed = [f"  not reached in any scope, so not judged: {j.missed()}"] if j.unreached else []
    return [f"{j.strategy}: {j.said()}", f"  {len(j.verdicts)} scopes: {j.looked()}", *missed]


def summary(found: list[Judgement]) -> list[str]:
    """The end of a check of several designs: how many are safe, and one line for each."""
    n_safe = sum(j.verdict == SAFE for j in found)
    scopes = [v.scope for v in found[0].verdicts]
    where = f"scope {scopes[0]}" if len(scopes) == 1 else f"all {len(scopes)} scopes"
    width = max(len(j.strategy) for j in found)
    head = f"{n_safe} of {len(found)} designs {'is' if n_safe == 1 else 'are'} safe in {where}:"
    return [head, *(f"  {j.strategy.ljust(width)}  {j.said()}" for j in found)]
