"""Two commits, value by value: better, worse, unchanged; knowing which way is better and what is noise.

A deterministic value that differs at all has changed. A timing has changed when asv's test says that the samples
differ, and the medians are further apart than a tenth and than twice the larger spread: the samples of one run share
its neighbours on the machine, so that two runs of the same code pass asv's test alone. Start-up times never count.
"""

from __future__ import annotations

from dataclasses import dataclass

from mmbench.tracking.series import Key, Measured, Value

BETTER, WORSE, SAME, NOISE = "better", "worse", "unchanged", "no change"
MEANT = "moved on purpose"  # CHANGELOG says why
NEITHER = "in neither"
ONCE = "ran once"  # a timing without a spread on one side: nothing tells noise from change
FASTER, SLOWER = "faster", "slower"  # of series that nothing is gated on
ONLY_A, ONLY_B, FAILED, REDEFINED, ELSEWHERE = "not in B", "new", "failed", "redefined", "other machine"
TIMING_FACTOR = 1.1  # asv compare's own default
SPREADS = 2


@dataclass(frozen=True)
class Change:
    """One value in two commits: what became of it, and CHANGELOG's words where it moved on purpose."""

    key: Key
    a: Value | None
    b: Value | None
    verdict: str
    why: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """B over A, where both are numbers and A is not 0."""
        if self.a is None or self.b is None or not self.a.number or self.b.number is None:
            return None
        return self.b.number / self.a.number


def changes(a: Measured, b: Measured) -> list[Change]:
    """Compare all values of two commits, in the order of their names."""
    keys = sorted(a.values.keys() | b.values.keys(), key=lambda key: (key.series, key.params))
    return [Change(key, a.values.get(key), b.values.get(key), verdict(key, a, b)) for key in keys]


def verdict(key: Key, a: Measured, b: Measured) -> str:
    """What became of one value."""
    was, now = a.values.get(key), b.values.get(key)
    if was is None or was.number is None:
        return NEITHER if now is None or now.number is None else ONLY_B
    if now is None:
        return ONLY_A
    if was.version != now.version:
        return REDEFINED
    if now.number is None:
        return FAILED
    if key.is_exact:
        return SAME if now.number == was.number else direction(key, was.number, now.number)
    return timing_verdict(key, was, now) if a.machine == b.machine else ELSEWHERE


def direction(key: Key, was: float, now: float) -> str:
    """Better or worse, for two numbers that differ."""
    is_better = (now > was) == key.higher_is_better
    if not key.is_gated:
        return FASTER if is_better else SLOWER
    return BETTER if is_better else WORSE


def timing_verdict(key: Key, was: Value, now: Value) -> str:
    """A timing on one machine: changed, within its noise, or not to be judged."""
    assert was.number is not None and now.number is not None
    if was.spread is None or now.spread is None:
        return ONCE
    if not was.number or not now.number:
        return NOISE
    factor = max(was.number / now.number, now.number / was.number)
    noise = SPREADS * max(was.spread, now.spread)
    if factor < max(TIMING_FACTOR, 1 + noise) or not _is_different(was, now):
        return NOISE
    return direction(key, was.number, now.number)


def _is_different(was: Value, now: Value) -> bool:
    if not was.stats or not now.stats:
        return False
    from asv._stats import is_different

    return bool(is_different(was.samples, now.samples, was.stats, now.stats))


def n_measured(found: list[Change]) -> int:
    """Values that both commits have."""
    return sum(change.verdict in (BETTER, WORSE, MEANT, SAME, NOISE, ONCE, FASTER, SLOWER) for change in found)


def n_worse(found: list[Change]) -> int:
    """Values that got worse, or that B no longer has because the benchmark fails."""
    return sum(change.verdict in (WORSE, FAILED) for change in found)
