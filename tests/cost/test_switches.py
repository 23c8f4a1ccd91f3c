"""Switches of a cost table: each is a bound, says where it comes from, and moves only what it names."""

import pytest

from mmbench.ask.runs import Inputs, run_all
from mmbench.cost.switches import SWITCHES
from mmbench.cost.table import DEFAULT, load_table
from mmbench.errors import InputError
from mmbench.scenarios.scenario import NEVER
from mmbench.strategies import load


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("table", ["default", "lab-7.3"])
def test_a_switch_moves_what_it_names_and_nothing_else(table: str, name: str) -> None:
    was, now = load_table(table), load_table(f"{table}+{name}")
    moved = {item for item, entry in now.entries.items() if entry != was.entries[item]}
    assert moved == set(SWITCHES[name].items) and now.name == f"{table}+{name}"
    for item in moved:
        assert now.entries[item]["provenance"] == "assumed" and SWITCHES[name].source in now.entries[item]["source"]


def test_switches_add_up_in_their_order() -> None:
    table = load_table("default+tables-ipi+tables-call-rcu")
    both = load_table("default").entries["full_flush"]["ps"] + load_table("default").entries["lock_op"]["ps"]
    assert table.entries["free_table"]["ps"] == both


def test_a_file_takes_switches_too_and_may_have_a_plus_in_its_name(tmp_path) -> None:
    path = tmp_path / "a+b.json"
    path.write_text(DEFAULT.read_text())
    assert load_table(f"{path}+drain-frees").entries["lru_lock"]["ps"] == 0
    assert load_table(str(path)).entries["lru_lock"]["ps"] > 0


def test_an_unknown_switch_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown switch behind cost table 'default': 'table-ipi'.*'tables-ipi'"):
        load_table("default+table-ipi")


def test_exit_is_later_by_a_grace_period_for_each_of_its_page_tables() -> None:
    def exit_ps(costs: str) -> int:
        inputs = Inputs("", {"size": "64MiB", "locked": "0", "vmas": "1"}, "quiet", {"reaper_start_ps": NEVER}, costs)
        (record,) = run_all(inputs, [load("v6.18")])
        return int(record["busy_ps"]["exit"])

    later_ps = exit_ps("default+tables-synchronize-rcu") - exit_ps("default")
    assert later_ps == 32 * SWITCHES["tables-synchronize-rcu"].plus_ps
