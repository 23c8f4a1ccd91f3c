"""What no modern kernel shows: a booted 5.10's instructions in this machine's time."""

from __future__ import annotations

import copy
import json

import pytest

from mmbench.cost.carry import BOOTED, CARRIED, carry_old_munlock, lab_table_of
from mmbench.cost.from_fit import PARTS
from mmbench.cost.table import FOLDER, load_table, table_from, table_names


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("6.18.44-x", "lab-6.18"),
        ("6.13.1", "lab-6.12"),
        ("5.10.1", BOOTED),
        ("9.9", "lab-7.3"),
        ("5.4.0", None),
        ("?", None),
    ],
)
def test_a_release_is_held_beside_its_own_series_or_the_one_before(release, name):
    assert lab_table_of(release) == name


def machine(factor: float, munlock_factor: float) -> dict:
    """A machine where every instruction of 6.18 takes `factor` ns, and those of munlock `munlock_factor`."""
    booted = load_table("lab-6.18")
    names = {item: munlock_factor if item in PARTS["munlock"].items else factor for item in booted.entries}
    costs = {item: dict(entry, ps=round(entry["ps"] * names[item])) for item, entry in booted.entries.items()}
    for entry in costs.values():
        entry.pop("carried_over", None)
    return {"format": "mmbench-costs 1", "costs": costs}


def test_instructions_of_the_old_pass_are_paid_like_munlock_and_bounded_by_a_page():
    table = machine(0.25, 0.2)
    carry_old_munlock(table, "6.18.2")
    old = load_table(BOOTED)
    for item in CARRIED:
        entry, instructions = table["costs"][item], old.entries[item]["ps"]
        assert entry["ps"] == entry["low_ps"] == pytest.approx(0.2 * instructions, rel=1e-3)
        assert entry["high_ps"] == pytest.approx(0.25 * instructions, rel=1e-3)
        assert entry["carried_over"] and entry["provenance"] == "scaled from" and BOOTED in entry["source"]
    table_from(table)


@pytest.mark.parametrize("part", ["munlock", "page"])
def test_a_rate_that_was_not_measured_carries_nothing(part):
    table = machine(0.25, 0.2)
    table["costs"][PARTS[part].items[0]]["carried_over"] = True
    before = copy.deepcopy(table)
    carry_old_munlock(table, "6.18.2")
    assert table == before


def test_an_older_kernel_than_any_booted_one_carries_nothing():
    table = machine(0.25, 0.2)
    before = copy.deepcopy(table)
    carry_old_munlock(table, "4.19.0")
    assert table == before


def test_the_rate_of_a_page_carries_munlock_between_booted_kernels_within_a_tenth():
    """What a ratio is worth where the answer is known: munlock of one kernel, from another's, at the rate of a page."""
    kernels = [load_table(name) for name in table_names() if name.startswith("lab-6") or name.startswith("lab-7")]
    assert len(kernels) >= 5

    def price(table, part):
        return sum(table.entries[item]["ps"] for item in PARTS[part].items)

    for known in kernels:
        for other in kernels:
            carried = price(known, "munlock") * price(other, "page") / price(known, "page")
            assert carried == pytest.approx(price(other, "munlock"), rel=0.10), (known.name, other.name)


def test_the_default_table_has_the_old_pass_from_a_booted_kernel():
    costs = json.loads((FOLDER / "default.json").read_text())["costs"]
    for item in CARRIED:
        assert costs[item]["low_ps"] <= costs[item]["ps"] <= costs[item]["high_ps"] < 2 * costs[item]["ps"]
        assert BOOTED in costs[item]["source"]
