"""Schedules of the checker as turns of a guest: who goes on, and where it stands then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench.ask.guest_turns import THROUGH, items_of
from mmbench.cli.lab_designs import schedule_view
from mmbench.cli.main import main
from mmbench.errors import InputError
from mmbench.lab.answers import check_experiment
from mmbench.report.text.tables import as_text

Turns = list[tuple[str, str, bool, bool]]


def saved(folder: Path, spec: str, scope: str) -> dict[str, Path]:
    """Property -> the file of every schedule that breaks it."""
    assert main(["check", spec, "--scope", scope, "--save", str(folder)]) == 1
    return {path.stem.rsplit("-", 1)[1]: path for path in folder.glob("*.json")}


def turns(path: Path) -> Turns:
    (item,) = items_of([path], []).items
    return [
        (t["role"], t["label"] if t["to"] != THROUGH else "its end", t["held"], t["whole"]) for t in item.more["turns"]
    ]


def test_exit_is_held_in_munlock_while_the_reaper_zaps_and_then_goes_on(tmp_path: Path) -> None:
    """CVE-2018-1000200: the reaper's pass ends inside a VMA, and a guest can only stop it at its end."""
    (path,) = saved(tmp_path, "v4.14", "default").values()
    assert turns(path) == [
        ("exit", "munlock", True, False),
        ("reaper", "its end", False, True),
        ("exit", "its end", False, True),
    ]


def test_a_stall_holds_exit_on_a_page_lock_and_lets_the_reaper_try(tmp_path: Path) -> None:
    """The caller who came too late takes no turn, nor do those who wait for memory."""
    (path,) = saved(tmp_path, "drop-oom-skip", "default").values()
    assert turns(path) == [("exit", "unlock_range", True, False), ("reaper", "its end", False, False)]


def test_one_party_alone_is_one_turn(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, "exit-write:oom_skip=first", "default").values()
    ((role, label, held, whole),) = turns(path)
    assert (role, held, whole) == ("exit", False, False) and label != "set MMF_OOM_SKIP"


def test_pages_mapped_elsewhere_are_those_of_a_victim_with_a_child(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, "no-munlock", "shared").values()
    (item,) = items_of([path], []).items
    assert item.victim.kind == "forked" and item.more["property"] == "I7 in shared"
    assert turns(path) == [("exit", "its end", False, False)]


def test_a_file_that_no_guest_can_take_is_refused_alone_and_named_among_others(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, "v4.14", "default").values()
    data = json.loads(path.read_text())
    data["rows"] = data["rows"][:1]
    short = tmp_path / "short.json"
    short.write_text(json.dumps(data))
    with pytest.raises(InputError, match="does not break I5"):
        items_of([short], [])
    with pytest.raises(InputError, match=r"is a schedule of 'v4\.14', not of 'v6\.1'"):
        items_of([path], ["v6.1"])


def entry(**more: object) -> dict[str, object]:
    """An experiment as a guest answers it."""
    turn = {"role": "exit", "to": 3, "label": "munlock", "held": True, "whole": False}
    through = {"role": "reaper", "to": -1, "label": "", "held": False, "whole": True}
    seen = [{"reached": True, "sleeps_in": ["io_schedule", "lock"]}, {"reached": True, "sleeps_in": []}]
    return {
        "kind": "schedule", "design": "d", "victim": {"span_bytes": 1 << 20}, "property": "S1 in default", "stop": 9,
        "turns": [turn, through], "turns_seen": seen, "reaper_said": "unable", "status": 0, "steps": [[]],
        "pages_before": 256, "nr_mlock_left": 0, "tables_left": [0],
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "2 of 2 turns taken as it says; the kernel: stalls: exit sleeps, and the reaper gave up"),
        ({"reaper_said": "reaped"}, "the kernel: no oops, no bad page, every counter back"),
        ({"reaper_said": "", "nr_mlock_shared": 3686}, "the kernel: 3,686 pages that a child maps, too, stay mlocked"),
        (
            {"reaper_said": "reaped", "nr_mlock_left": -3, "tables_left": [2]},
            "the kernel: counters off: -3 mlocked pages, 2 page tables",
        ),
    ],
)
def test_what_the_kernel_did_stands_in_the_first_sentence(more: dict[str, object], said: str) -> None:
    check_experiment(entry(**more), "here", "design")
    first, table, _ = schedule_view({"release": "5.10", **entry(**more)})
    assert str(first).endswith(said)
    text = as_text(table, 100)
    assert "asleep in 'munlock', on the lock of a page" in text and "its end (that walk whole)" in text


def test_an_error_of_the_kernel_is_the_answer() -> None:
    (said, _) = schedule_view({"release": "5.10", "error": "BUG: Bad page state", **entry()})
    assert str(said).endswith("the kernel: BUG: Bad page state")
