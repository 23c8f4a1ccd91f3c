"""The reaper's list as a Ciw network: one node, one server, the newest customer first.

Ciw gets the same gaps and the same service times as the kernel, kill by kill, and must find the same wait of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PS_PER_S = 10**12


def build(gaps_ps: np.ndarray, busy_ps: np.ndarray) -> Any:
    """A simulation of kills with given gaps and service times, int64 (n,) ps each. Raises ImportError without Ciw."""
    import ciw

    class Busy(ciw.dists.Distribution):  # type: ignore[misc]
        """The service time of each kill, by its number: newest first does not serve in order."""

        def sample(self, t: Any = None, ind: Any = None) -> float:
            return float(busy_ps[ind.id_number - 1]) / PS_PER_S

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*(gaps_ps / PS_PER_S).tolist(), float("inf")])],
        service_distributions=[Busy()],
        number_of_servers=[1],
        service_disciplines=[ciw.disciplines.LIFO],
    )
    return ciw.Simulation(network)


def waits_ps(simulation: Any, n: int) -> np.ndarray:
    """Run all n kills to their end: how long each was on the list, float64 (n,) ps, good to a nanosecond or so."""
    simulation.simulate_until_max_customers(n, method="Finish")
    waits = np.full(n, np.nan)
    for record in simulation.get_all_records():
        waits[record.id_number - 1] = record.waiting_time * PS_PER_S
    return waits
