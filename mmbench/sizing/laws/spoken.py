"""When kills happen and how long page locks are held, as people write it.

Kills:  poisson:30/min, bursts:6/h,size=5,gap=100ms, or gaps recorded elsewhere.
Holds:  none, memory (until memory comes), fixed:50ms, exp:50ms, pareto:10ms,1.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import log

import numpy as np

from mmbench.errors import InputError
from mmbench.sizing.laws.strata import tail_points
from mmbench.sizing.stats.tails import ExponentialHold, ParetoHold

PS = {"s": 10**12, "min": 60 * 10**12, "h": 3600 * 10**12, "day": 86400 * 10**12}
UNITS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12, "min": 60 * 10**12}
MAX_MEAN_PS = 10**17  # about a kill a day: rarer than that, no kill ever meets another
MAX_BURST = 10_000
N_STRATA, POINTS_PER_STRATUM = 24, 4
MAX_HOLD_PS = 600 * 10**12
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*/\s*(s|min|h|day)", re.ASCII)
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-z]{1,3})", re.ASCII)
_KILLS_ALLOWED = "poisson:30/min, or bursts:6/h,size=5,gap=100ms (bursts an hour, kills in each, time between them)"
_HOLDS_ALLOWED = "none, memory, fixed:TIME, exp:MEAN, pareto:SMALLEST,ALPHA with times like 50ms"


@dataclass(frozen=True)
class KillLaw:
    """When kills happen.

    mean_ps: mean of the exponential gaps (between kills, or between bursts)
    size, inside_ps: kills of a burst and the gap between them; size 1 is Poisson
    recorded: gaps to replay instead, int64 (n,), or None
    """

    name: str
    mean_ps: int = 0
    size: int = 1
    inside_ps: int = 0
    recorded: np.ndarray | None = None

    @property
    def kills_per_s(self) -> float:
        """Kills per second in the long run."""
        if self.recorded is not None:
            return len(self.recorded) * 1e12 / max(int(self.recorded.sum()), 1)
        return self.size * 1e12 / (self.mean_ps + (self.size - 1) * self.inside_ps)


@dataclass(frozen=True)
class HoldLaw:
    """How long a page lock is held, from the kill on.

    points_ps: the hold of each slot: one slot, or N_STRATA halvings of the tail with POINTS_PER_STRATUM points each
    memory:    held until memory comes (then points_ps is (0,))
    law:       the law itself where it has a tail, to draw holds from that no slot reaches
    """

    name: str
    points_ps: tuple[int, ...] = (0,)
    memory: bool = False
    law: ExponentialHold | ParetoHold | None = None


def parse_rate(text: str, what: str) -> int:
    """Mean gap in ps of a rate such as 30/min. Raises InputError."""
    found = _RATE.fullmatch(text.strip())
    if not found or not Fraction(found[1]):
        raise InputError(f"{what} {text!r} is not a rate. Allowed: a number above 0 and /s, /min, /h or /day: 30/min.")
    mean = round(PS[found[2]] / Fraction(found[1]))
    if not 1 <= mean <= MAX_MEAN_PS:
        raise InputError(f"{what} {text!r}: allowed are 1/day to 1000000000/s.")
    return mean


def parse_time(text: str, what: str) -> int:
    """Picoseconds of a time such as 50ms. Raises InputError."""
    found = _TIME.fullmatch(text.strip())
    if not found or found[2] not in UNITS:
        raise InputError(f"{what} {text!r} is not a time. Allowed: a number and a unit ({', '.join(UNITS)}): 50ms.")
    return round(Fraction(found[1]) * UNITS[found[2]])


def parse_kills(spec: str) -> KillLaw:
    """The law of kills. Raises InputError."""
    law, _, rest = spec.strip().partition(":")
    if law == "poisson":
        return KillLaw(spec, parse_rate(rest, "--kills poisson:"))
    if law == "bursts":
        rate, *options = rest.split(",")
        named = dict(word.partition("=")[::2] for word in options)
        if set(named) == {"size", "gap"} and re.fullmatch(r"[0-9]{1,9}", named["size"], re.ASCII):
            size = int(named["size"])
            if not 1 <= size <= MAX_BURST:
                raise InputError(f"--kills {spec!r}: size is {size}; allowed are 1 to {MAX_BURST} kills in a burst.")
            return KillLaw(spec, parse_rate(rate, "--kills bursts:"), size, parse_time(named["gap"], "gap"))
    raise InputError(f"--kills {spec!r} is not a law of kills. Allowed: {_KILLS_ALLOWED}, or a record of kills.")


def recorded_kills(name: str, gaps_ps: np.ndarray) -> KillLaw:
    """The gaps between recorded kills, replayed. gaps_ps: int64 (n,), in order.

    Raises InputError without two gaps, or when all kills were at one time.
    """
    gaps = np.asarray(gaps_ps, dtype=np.int64)
    if len(gaps) < 2 or not gaps.any() or (gaps < 0).any():
        seconds = sum(gaps.tolist()) / 1e12
        raise InputError(
            f"{name}: {len(gaps)} gap{'s' * (len(gaps) != 1)} between kills, {seconds:g} s in all; to "
            "replay them, at least 3 kills in order of time are needed, not all at once."
        )
    return KillLaw(f"{len(gaps)} gaps of {name}", recorded=np.minimum(gaps, MAX_MEAN_PS))


def parse_holds(spec: str) -> HoldLaw | None:
    """The law of page-lock holds, or None for nobody. Raises InputError."""
    law, _, rest = spec.strip().partition(":")
    if spec == "none":
        return None
    if spec == "memory":
        return HoldLaw("until memory comes", memory=True)
    if law == "fixed" and rest:
        return HoldLaw(spec, (checked_hold(parse_time(rest, "--holds fixed:"), spec),))
    if law == "exp" and rest:
        mean = parse_time(rest, "--holds exp:")
        holds = [-mean * log(u) for u in tail_points(N_STRATA, POINTS_PER_STRATUM)]
        return HoldLaw(spec, tuple(checked_hold(round(hold), spec) for hold in holds), law=ExponentialHold(mean))
    if law == "pareto" and rest.count(",") == 1:
        smallest, alpha = rest.split(",")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", alpha, re.ASCII) and float(alpha) > 0:
            least = parse_time(smallest, "--holds pareto:")
            tails = tail_points(N_STRATA, POINTS_PER_STRATUM)
            holds = [min(least * u ** (-1 / float(alpha)), float(MAX_HOLD_PS)) for u in tails]
            points = tuple(checked_hold(round(hold), spec) for hold in holds)
            return HoldLaw(spec, points, law=ParetoHold(least, float(alpha)))
    raise InputError(f"--holds {spec!r} is not a law of holds. Allowed: {_HOLDS_ALLOWED}.")


def checked_hold(hold_ps: int, spec: str) -> int:
    """The hold, at most ten minutes: no run lasts longer. Raises InputError for a hold of nothing."""
    if hold_ps <= 0:
        raise InputError(f"--holds {spec!r}: a hold of 0 is no hold; say --holds none.")
    return min(hold_ps, MAX_HOLD_PS)


def parse_probability(text: str, what: str) -> Fraction:
    """A probability such as 1/2400, 0.01 or 1%, exactly. Raises InputError outside [0, 1]."""
    found = re.fullmatch(
        r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(?:/\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)|(%))?", text.strip(), re.ASCII
    )
    if found is None or (found[2] and not Fraction(found[2])):
        raise InputError(f"{what} {text!r} is not a probability. Allowed: 0 to 1, written like 1/2400, 0.01 or 1%.")
    value = Fraction(found[1]) / (Fraction(found[2]) if found[2] else 100 if found[3] else 1)
    if value > 1:
        raise InputError(f"{what} {text!r} is {float(value):g}. Allowed: a probability from 0 to 1, like 1/2400.")
    return value
