"""What a lone reaper costs besides: told from other victims of the record, never from the cell it is used for."""

from dataclasses import replace
from typing import Any

import pytest

from mmbench.cost.table import load_table
from mmbench.strategies.load import load
from mmbench.validation.lone_party import OWN_PAGES, after_sleep, corrected

DESIGNS = {"stock": load("v4.17"), "v4.17": load("v4.17"), "trylock": load("trylock")}


def cell(design: str, locked_share: float, ns: int, busy_ns: int, what: str = "reaper") -> dict[str, Any]:
    victim = {"span_bytes": 64 << 20, "locked_share": locked_share, "n_vmas": 1, "stride_pages": 1, "kind": "anon"}
    found = {"design": design, "victim": victim, "what": what, "ns": ns, "busy_ns": busy_ns, "model_ns": busy_ns + 5}
    return found | {"error": 0.5}


def test_the_interpreters_own_pages_are_the_kernels_own_codes_on_other_victims() -> None:
    cells = [cell("stock", 0.9, 1700, 1000), cell("v4.17", 0.9, 1300, 1000), cell("v4.17", 0.5, 2800, 2000)]
    here, copy, other = corrected(cells, DESIGNS, "stock")
    assert other["model_ns"] == 2700
    assert other["error"] == pytest.approx(2700 / 2800 - 1)
    assert (here["model_ns"], copy["model_ns"]) == (1005, 1005)  # its own victim tells nothing: the table's


def test_a_page_that_a_trylocking_reaper_looks_up_has_the_price_that_its_other_victims_show() -> None:
    def ns(share: float) -> int:
        return round(10_000_000 + 500 * 16384 * share + 300 * (16384 * (1 - share) + OWN_PAGES))

    stock = [cell("stock", share, 2_000_000, 2_000_000) for share in (0.1, 0.2)]
    tried = [cell("trylock", share, ns(share), 10_000_000) for share in (0.9, 0.5, 0.25, 1.0)]
    tried[0]["ns"] *= 2  # what is wrong with one cell does not show in its own prediction
    found = [c for c in corrected([*stock, *tried], DESIGNS, "stock") if c["design"] == "trylock"]
    assert found[0]["model_ns"] == pytest.approx(ns(0.9), rel=1e-6)
    assert corrected([*stock, *tried[:3]], DESIGNS, "stock")[2]["model_ns"] == 10_000_000  # too few others


@pytest.mark.parametrize("what", ["exit", "mrelease"])
def test_a_boot_is_as_dear_as_the_kernels_own_code_is_with_other_victims(what: str) -> None:
    cells = [
        cell("v4.17", 0.9, 1300, 995, what),
        cell("stock", 0.9, 5000, 995, what),
        cell("stock", 0.5, 2100, 1995, what),
    ]
    assert corrected(cells, DESIGNS, "stock")[0]["model_ns"] == 1050
    assert (
        corrected([cells[0], cell("stock", 0.5, 9, 5)], DESIGNS, "stock")[0]["model_ns"] == 1000
    )  # a reaper's tells nothing


def test_free_lists_have_shrunk_by_two_eighths_when_the_reaper_comes() -> None:
    costs = replace(load_table("lab-6.12"), cold_after_pages=16_600)
    assert after_sleep(costs, "6.6.9") is costs
    assert after_sleep(costs, "6.12.118+deb13-amd64").cold_after_pages == round(20_000 * 49 / 64) - OWN_PAGES
    assert after_sleep(replace(costs, cold_after_pages=0), "7.3.4").cold_after_pages == 0


def test_what_pages_that_a_child_maps_cost_more_is_learned_from_the_kernels_own_exit_for_others() -> None:
    def forked(design: str, what: str, ns: int) -> dict[str, Any]:
        one = cell(design, 0.9, ns, 1000, what)
        return one | {"victim": one["victim"] | {"kind": "forked"}}

    cells = [forked("stock", "exit", 1205), forked("v4.17", "exit", 1300), forked("v4.17", "mrelease", 1100)]
    own, copy, caller = corrected(cells, DESIGNS, "stock")
    assert (own["model_ns"], copy["model_ns"], caller["model_ns"]) == (1005, 1205, 1205)  # never from itself
    assert copy["error"] == pytest.approx(1205 / 1300 - 1)
