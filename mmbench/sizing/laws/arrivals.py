"""When kills happen: the gap before each kill of a stretch, int64 picoseconds, one small kernel for each law.

Every law fills gaps[0:n] for the kills first .. first + n; nothing is remembered from one stretch to the next.
"""

from __future__ import annotations

from typing import Any

from mmbench.accelerate import njit
from mmbench.rng import below
from mmbench.sizing.laws.draws import STREAM_GAP, STREAM_START, draw_at, exponential_q32, key_of, times_q32


@njit
def poisson_gaps(seed: int, first: int, mean_ps: int, logs: Any, gaps: Any) -> None:
    """Exponential gaps. Mutates: gaps."""
    key = key_of(seed, STREAM_GAP)
    for i in range(len(gaps)):
        gaps[i] = times_q32(exponential_q32(draw_at(key, first + i), logs), mean_ps)


@njit
def burst_gaps(seed: int, first: int, mean_ps: int, size: int, inside_ps: int, logs: Any, gaps: Any) -> None:
    """Bursts of `size` kills `inside_ps` apart; from the last kill of one to the next burst an exponential gap.

    Mutates: gaps.
    """
    key = key_of(seed, STREAM_GAP)
    for i in range(len(gaps)):
        kill = first + i
        if kill % size:
            gaps[i] = inside_ps
        else:
            gaps[i] = times_q32(exponential_q32(draw_at(key, kill), logs), mean_ps)


@njit
def recorded_gaps(seed: int, first: int, recorded: Any, gaps: Any) -> None:
    """The recorded gaps in their order, round and round, from a place that the stretch draws. Mutates: gaps."""
    start = below(seed, STREAM_START, first, len(recorded))
    for i in range(len(gaps)):
        gaps[i] = recorded[(start + i) % len(recorded)]
