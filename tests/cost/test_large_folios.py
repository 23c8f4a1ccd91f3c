"""Large folios mapped by PTEs against the published table: munmap of 1 GiB, relative to 4 KiB pages."""

from __future__ import annotations

import pytest

from mmbench.ask.runs import Inputs, run_all
from mmbench.scenarios import NEVER
from mmbench.strategies import load

# Hildenbrand, "mm/memory: optimize unmap/zap with PTE-mapped THP", linux-mm, January 2024: seconds after batching
# (0.057715 for 4 KiB), Xeon Silver 4210R. Folio order -> ratio.
PUBLISHED = {2: 0.035469, 4: 0.018434, 6: 0.011756, 8: 0.010294, 9: 0.009910}
SMALL_PAGES_S = 0.057715


def exit_ps(order: int, costs: str) -> int:
    victim = {"size": "1GiB", "locked": "0", "vmas": "1", "order": str(order)}
    inputs = Inputs("", victim, "quiet", {"reaper_start_ps": NEVER}, costs)
    return run_all(inputs, [load("v6.18")])[0]["busy_ps"]["exit"]


@pytest.mark.parametrize(("costs", "tolerance"), [("reference", 0.05), ("default", 0.30)])
def test_a_large_folio_costs_what_was_published_of_it(costs: str, tolerance: float) -> None:
    """The default table's machine pays for pages beyond the first 256 MiB, folio or not, which theirs does not show."""
    small_ps = exit_ps(0, costs)
    for order, seconds in PUBLISHED.items():
        assert exit_ps(order, costs) / small_ps == pytest.approx(seconds / SMALL_PAGES_S, rel=tolerance), order


def test_a_folio_that_passes_by_the_per_cpu_lists_costs_more() -> None:
    """Orders 3 and 4: half as many folios cost more than half of what the larger number does in their own terms."""
    terms = {order: exit_ps(order, "reference") - exit_ps(9, "reference") for order in (3, 4)}
    assert terms[4] > 0.6 * terms[3]
