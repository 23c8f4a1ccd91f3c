"""Pages that another mm maps too never reach the allocator, so they are never cold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbench.cost.table import load_table
from mmbench.engine import run
from mmbench.model.layout import PAGES_PER_TABLE, vma_table
from mmbench.scenarios import NEVER, scenario
from mmbench.strategies import load

COLD_PS = 10**6
ALONE = {"exit_start_ps": 0, "reaper_start_ps": NEVER, "mrelease_start_ps": NEVER}


def busy_ps(columns: dict, cold_after: int, cold_ps: int) -> int:
    costs = replace(load_table("reference"), cold_page_ps=cold_ps, cold_after_pages=cold_after)
    record = run(vma_table(columns), load("v6.18"), scenario("quiet", ALONE), costs, victim="test")
    return record["busy_ps"]["exit"]


@pytest.mark.parametrize("cold_after", [0, 100, 700])
@pytest.mark.parametrize(("elsewhere", "huge"), [(0, 0), (300, 0), (900, 0), (2, 1)])
def test_of_what_is_mapped_here_alone_all_but_the_first_pages_are_cold(cold_after, elsewhere, huge):
    columns = {"start": [0, 2048], "pages": 900, "elsewhere": [elsewhere, 0], "huge": [huge, 0]}
    in_huge_pages = huge * PAGES_PER_TABLE
    alone = 900 - in_huge_pages - max(elsewhere - in_huge_pages, 0) + 900
    cold = busy_ps(columns, cold_after, COLD_PS) - busy_ps(columns, cold_after, 0)
    assert cold == (alone - cold_after) * COLD_PS
