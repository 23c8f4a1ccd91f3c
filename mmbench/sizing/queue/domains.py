"""Kills in domains that share the reaper's list: who is held back, and whom a MMF_OOM_SKIP set too early costs.

A domain is a memory cgroup, or the whole machine. While a victim of a domain has no MMF_OOM_SKIP, the killer takes no
other one there: a kill that comes meanwhile is held back until then. Where MMF_OOM_SKIP comes before memory does, the
killer takes another victim of the domain at once, a collateral one, and that one enters the list like any other.
Source: mm/oom_kill.c, oom_evaluate_task.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbench.accelerate import njit, njit_inline
from mmbench.rng import below
from mmbench.sizing.laws.draws import STREAM_DOMAIN
from mmbench.sizing.queue.reaper_list import COLLATERAL, N_WAITS, NOT_LISTED, REAPER, SKIP, field_at

# A domain: its last victim (or NOBODY), when that one's MMF_OOM_SKIP is set, and who is held back, first and last.
VICTIM, UNTIL, FIRST_HELD, LAST_HELD = range(4)
N_DOMAIN = 4
NOBODY = -1
# The machine: when the reaper is free, how many are on its list, how many domains hold somebody back, and the time.
FREE, N_LIST, N_STALLED, CLOCK = range(4)
NEVER = np.int64(1) << 62
FAR = np.int64(1) << 61  # a clock that is further on starts again


@njit
def draw_domains(seed: int, first: int, n_domains: int, domains: Any) -> None:
    """The domains of the kills first .. first + n, all equally likely. Mutates: domains, int64 (n,)."""
    for i in range(len(domains)):
        domains[i] = below(seed, STREAM_DOMAIN, first + i, n_domains)


@njit
def serve_domains(
    gaps: Any, victims: Any, domains: Any, n_domains: int, fields: Any, waits: Any, held: Any, cost: Any
) -> None:
    """Serve kills in domains, the newest on the list first; after the last kill all are served to the end.

    gaps, domains: int64 (n,); victims: int64 (2n,), the entry of each kill, and of the collateral victim that it may
    cost; fields: float64 (n entries, N_WAITS, N_FIELDS). Mutates: waits, int64 (2n,), how long each was on the list
    behind others; held, int64 (2n,), how long each was held back; cost, int64 (n,), 1 for who cost a further victim.
    """
    n = len(gaps)
    kills = (victims, domains, fields)
    of, stalled = np.full((n_domains, N_DOMAIN), NOBODY, dtype=np.int64), np.empty(n_domains, dtype=np.int64)
    machine, on_list = np.zeros(4, dtype=np.int64), np.empty((2 * n, 2), dtype=np.int64)  # who, and since when
    state = (of, stalled, machine, on_list, np.empty(2 * n, dtype=np.int64))
    waits[:], held[:], cost[:] = 0, 0, 0
    i, arrival = 0, gaps[0]
    while True:
        free = machine[FREE] if machine[N_LIST] > 0 else NEVER
        at = next_release(of, stalled, machine)
        release = max(of[stalled[at], UNTIL], machine[CLOCK]) if at >= 0 else NEVER
        if free == NEVER and release == NEVER and arrival == NEVER:
            return
        machine[CLOCK] = min(free, min(release, arrival))
        if free == machine[CLOCK]:
            take(kills, state, waits, held, cost)
        elif release == machine[CLOCK]:
            enter(let_in(at, state, held), kills, state, held, cost)
        else:
            d = domains[i]
            if of[d, VICTIM] >= 0 and of[d, UNTIL] > arrival:
                hold_back(i, d, arrival, state, held, False)
            else:
                enter(i, kills, state, held, cost)
            if arrival > FAR:
                restart(state, held)
            i += 1
            arrival = machine[CLOCK] + gaps[i] if i < n else NEVER


@njit_inline
def next_release(of: Any, stalled: Any, machine: Any) -> Any:
    """Which of the domains that hold somebody back lets one in first; NOBODY when none does."""
    first = NOBODY
    for k in range(machine[N_STALLED]):
        if first == NOBODY or of[stalled[k], UNTIL] < of[stalled[first], UNTIL]:
            first = k
    return first


@njit_inline
def domain_of(kill: int, domains: Any) -> Any:
    """The domain of a kill, or of the collateral victim of one."""
    return domains[kill % len(domains)]


@njit
def enter(kill: int, kills: Any, state: Any, held: Any, cost: Any) -> None:
    """A victim is killed: its domain waits for it, and the reaper takes it at once, later, or never."""
    victims, domains, fields = kills
    of, _, machine, on_list, _ = state
    d, e, now = domain_of(kill, domains), victims[kill], machine[CLOCK]
    of[d, VICTIM] = kill
    if fields[e, 0, REAPER] == NOT_LISTED:
        known(kill, now, 0, kills, state, held, cost)
        return
    of[d, UNTIL] = now + np.int64(fields[e, N_WAITS - 1, SKIP])  # by itself, if the reaper never comes
    if machine[N_LIST] == 0:
        machine[FREE] = max(machine[FREE], now)
    on_list[machine[N_LIST], 0], on_list[machine[N_LIST], 1] = kill, now
    machine[N_LIST] += 1


@njit
def take(kills: Any, state: Any, waits: Any, held: Any, cost: Any) -> None:
    """The reaper takes the newest on its list."""
    _, _, machine, on_list, _ = state
    machine[N_LIST] -= 1
    kill, since = on_list[machine[N_LIST], 0], on_list[machine[N_LIST], 1]
    waits[kill] = machine[FREE] - since
    known(kill, since, waits[kill], kills, state, held, cost)
    machine[FREE] += field_at(kills[2], kills[0][kill], waits[kill], REAPER)


@njit
def known(kill: int, since: int, wait: int, kills: Any, state: Any, held: Any, cost: Any) -> None:
    """From here on it is known when MMF_OOM_SKIP of a victim is set, and whether it costs a further one."""
    victims, domains, fields = kills
    d, e, of = domain_of(kill, domains), victims[kill], state[0]
    if of[d, VICTIM] == kill:
        of[d, UNTIL] = since + field_at(fields, e, wait, SKIP)
    if kill < len(domains) and field_at(fields, e, wait, COLLATERAL) > 0:
        cost[kill] = 1
        hold_back(kill + len(domains), d, since + field_at(fields, e, wait, SKIP), state, held, True)


@njit
def hold_back(kill: int, d: int, now: int, state: Any, held: Any, in_front: bool) -> None:
    """Put a kill into its domain's queue, behind or in front of all. Until it is let in, `held` is when it came."""
    of, stalled, machine, _, after = state
    held[kill], after[kill] = now, NOBODY
    if of[d, FIRST_HELD] < 0:
        of[d, FIRST_HELD] = of[d, LAST_HELD] = kill
        stalled[machine[N_STALLED]] = d
        machine[N_STALLED] += 1
    elif in_front:
        after[kill] = of[d, FIRST_HELD]
        of[d, FIRST_HELD] = kill
    else:
        after[of[d, LAST_HELD]] = kill
        of[d, LAST_HELD] = kill


@njit
def let_in(at: int, state: Any, held: Any) -> Any:
    """MMF_OOM_SKIP of a domain's victim is set: who was held back first is killed. Returns that kill."""
    of, stalled, machine, _, after = state
    d = stalled[at]
    kill = of[d, FIRST_HELD]
    held[kill] = max(machine[CLOCK] - held[kill], 0)
    of[d, FIRST_HELD] = after[kill]
    if after[kill] == NOBODY:
        machine[N_STALLED] -= 1
        stalled[at] = stalled[machine[N_STALLED]]
    return kill


@njit
def restart(state: Any, held: Any) -> None:
    """The clock starts again at 0, so that it never overflows."""
    of, _, machine, on_list, after = state
    now = machine[CLOCK]
    machine[CLOCK], machine[FREE] = 0, max(machine[FREE] - now, -1)
    for k in range(machine[N_LIST]):
        on_list[k, 1] -= now
    for d in range(len(of)):
        of[d, UNTIL] = max(of[d, UNTIL] - now, -1)
        kill = of[d, FIRST_HELD]
        while kill >= 0:
            held[kill] -= now
            kill = after[kill]
