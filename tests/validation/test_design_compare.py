"""A record of designs beside the model: pages exactly, instructions relatively, outcomes beside a holder."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmbench.cli.main import main
from mmbench.cost.table import load_table
from mmbench.lab import design_record
from mmbench.lab.program import Program
from mmbench.strategies.load import load
from mmbench.validation.beside import as_the_lists_stood, at_the_zones_price, held_ppm, slept_meanwhile
from mmbench.validation.design_rows import plain_rows
from mmbench.validation.designs import compare_designs, nearest_table, with_batch_of
from mmbench.validation.seen_beside import left_it, reaper_left, skip_set, worked_at_once

SMALL = {"span_bytes": 1 << 20, "locked_share": 0.5, "n_vmas": 1, "stride_pages": 1, "kind": "anon"}


def lines(spec: str) -> list[str]:
    plain = plain_rows(load(spec))
    return [f"row {r['op']} {' '.join(map(str, r['args']))} {r['next']} {r['otherwise']}" for r in plain["rows"]]


def record_of(release: str, specs: list[str], entries: list[dict[str, Any]]) -> dict[str, Any]:
    series = ".".join(release.split(".")[:2])
    programs = {spec: lines(spec) for spec in specs}
    head = {"format": design_record.FORMAT, "release": release, "series": series, "programs": programs, "fatal": []}
    head |= dict.fromkeys(
        (*design_record.TOP[3:], "python", "set", "gcc", "module_source", "module_sha256"), "made here"
    )
    boot = {"name": "designs", "n_cpus": 1, "command": [], "initramfs_sha256": "made here"}
    return head | {"boots": [boot | {"memory_bytes": 1 << 30, "available_bytes": 1 << 29, "experiments": entries}]}


def lone(design: str, kind: str, ns: int, left: list[int]) -> dict[str, Any]:
    return {
        "design": design,
        "kind": kind,
        "victim": SMALL,
        "pages_before": [128, 128],
        "pages_after": left,
        "ns": [ns, ns + 9],
    }


def test_pages_are_exact_or_wrong_and_instructions_are_relative() -> None:
    entries = [lone("v4.17", "reaper", 1_000_000, [128, 0]), lone("trylock", "reaper", 1_000_000, [128, 0])]
    first = compare_designs(record_of("5.10.1", ["v4.17", "trylock"], entries))
    assert [(c["left"], c["model_left"]) for c in first["cells"]] == [(128, 128), (128, 0)]
    assert first["left"] == {"n": 2, "exact": 1}
    model = first["cells"][0]["model_ns"]
    entries[0]["ns"] = [2 * model]
    again = compare_designs(record_of("5.10.1", ["v4.17", "trylock"], entries))
    assert again["cells"][0]["error"] == pytest.approx(-0.5)
    assert again["errors"]["reaper"]["n"] == 2


def test_a_batch_that_no_program_can_choose_is_the_kernels_own() -> None:
    entries = [lone("v5.18", "exit", 1000, []), lone("v6.1", "exit", 1000, [])]
    old, new = compare_designs(record_of("6.12.1", ["v5.18", "v6.1"], entries))["cells"]
    assert old["model_ns"] == pytest.approx(new["model_ns"], rel=0.01)
    assert load("v5.18").roles["exit"] != with_batch_of(load("v5.18"), load("v6.1")).roles["exit"]


def test_the_copy_of_the_kernels_own_design_is_held_against_its_code() -> None:
    entries = [lone("stock", "exit", 1000, []), lone("v6.1", "exit", 1030, []), lone("v6.18", "exit", 2000, [])]
    (copy,) = compare_designs(record_of("6.12.1", ["v6.1", "v6.18"], entries))["copies"]
    assert (copy["what"], copy["stock_ns"], copy["copy_ns"]) == ("exit", 1000, 1030)
    assert copy["error"] == pytest.approx(0.03)


def stuck(
    design: str, gave_up: int | None, kills: int, steps: list[dict[str, Any]], ended: int | None = None
) -> dict[str, Any]:
    victim = SMALL | {"span_bytes": 64 << 20, "locked_share": 0.9}
    killed = [{"who": "bystander", "ns": 5}] * kills
    times = {
        "reaper_woken_ns": [20_000_000],
        "reaper_began_ns": [None],
        "reaper_ended_ns": [ended],
        "gave_up_ns": [gave_up],
    }
    scene = {
        "holds": "lock-page",
        "held_page": 0,
        "hold_ms": 0,
        "hurry": True,
        "stacks": [["lock_page"]],
        "trigger": "allocated",
    }
    return (
        {"design": design, "kind": "stuck-holder", "victim": victim, "further_kills": killed, "steps": [steps]}
        | scene
        | times
    )


def test_who_died_and_who_gave_up_is_predicted_from_the_strategy_alone() -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 0, "rss_pages": 9}]
    entries = [stuck("drop-oom-skip", 1_057_000_000, 1, exits), stuck("no-munlock", None, 0, exits, 60_000_000)]
    worry, spared = compare_designs(record_of("5.10.1", ["drop-oom-skip", "no-munlock"], entries))["holders"]
    assert (worry["model_kills"], worry["model_gave_up"]) == (1, True)
    assert worry["skip_ms"] == 1057.0
    assert worry["model_skip_ms"] > 1000
    assert (spared["model_kills"], spared["model_gave_up"], spared["model_reaper_left"]) == (0, False, 0)
    assert spared["skip_ms"] == 60.0


def test_a_reader_is_modelled_and_its_hurried_reaper_comes_without_a_delay() -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 2, "rss_pages": 9}]
    entry = stuck("exit-write", 1_060_000_000, 1, exits) | {"kind": "reader", "holds": "read-count", "hold_ms": 1300}
    (reader,) = compare_designs(record_of("6.12.1", ["exit-write"], [entry]))["readers"]
    assert (reader["killed"], reader["gave_up"], reader["skip_ms"]) == (["bystander"], True, 1060.0)
    assert (reader["model_kills"], reader["model_gave_up"]) == (1, True)
    assert reader["model_skip_ms"] == pytest.approx(1060.0, rel=0.01)


def test_a_cgroups_killer_that_hides_who_exits_takes_one_more_and_the_triggers_own_death_is_not_counted() -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 2, "rss_pages": 9}]
    entry = stuck("v6.18", None, 1, exits) | {"hurry": False}
    entry["further_kills"] = [{"who": "bystander", "ns": 5}, {"who": "trigger", "ns": 9}]
    found = {release: compare_designs(record_of(release, ["v6.18"], [entry])) for release in ("6.12.1", "7.3.1")}
    assert {release: one["holders"][0]["model_kills"] for release, one in found.items()} == {"6.12.1": 0, "7.3.1": 1}
    assert found["7.3.1"]["holders"][0]["kills"] == 1


ROWS = [["UNMAP_VMAS", "0"], ["SET_FLAG", "2"], ["REAP_PASS", "0"], ["END", "0"]]


def logged(*steps: tuple[int, str, int, int]) -> list[dict[str, Any]]:
    names = ("ns", "role", "row", "queued_ns")
    return [dict(zip(names, step, strict=True)) for step in steps]


def test_skip_is_set_by_exit_or_by_the_reaper_whoever_is_first_and_waits_for_a_cpu_are_not_its_own() -> None:
    steps = logged((3, "exit", 0, 100), (7, "exit", 1, 102), (1, "reaper", 2, 0))
    entry = {"reaper_ended_ns": [None], "gave_up_ns": [None]}
    assert skip_set(entry, steps, ROWS) == (7, 5, steps[:2])
    assert skip_set(entry | {"reaper_ended_ns": [5]}, steps, ROWS) == (5, 5, steps[2:])
    assert skip_set(entry | {"gave_up_ns": [4]}, steps, ROWS) == (4, 4, [])
    assert skip_set(entry, [], ROWS) is None
    old = [{name: value for name, value in step.items() if name != "queued_ns"} for step in steps]
    assert skip_set(entry, old, ROWS)[:2] == (7, None)  # the kernel's own count said too much


def test_as_many_pages_are_cold_as_went_back_to_the_zones_before_skip() -> None:
    victim, both = SMALL | {"span_bytes": 64 << 20}, logged((3, "exit", 0, 0), (7, "exit", 1, 0))
    steps = [step | {"free_pages": free} for step, free in zip(both, (9, 5009), strict=True)]
    entry, costs = {"victim": victim, "reaper_ended_ns": [None], "gave_up_ns": [None]}, load_table("lab-6.1")

    def cold_after() -> int:
        return as_the_lists_stood(costs, entry, skip_set(entry, steps, ROWS)).cold_after_pages

    assert cold_after() == 16384 - 5000
    steps[1]["free_pages"] = 5  # a trigger took more than came back
    assert cold_after() == 16384
    del steps[0]["free_pages"]
    assert cold_after() == costs.cold_after_pages


def beside(design: str, own_ms: float | None, model_ms: float, back: int | None, **more: Any) -> dict[str, Any]:
    row = {"design": design, "holds": "lock-page", "gave_up": False, "model_gave_up": False}
    return row | {"skip_own_ms": own_ms, "model_skip_ms": model_ms, "back_pages": back} | more


def test_what_a_page_back_to_the_zones_costs_is_learned_from_other_designs_beside_the_same_bystander() -> None:
    others = [beside(name, 31.0, 30.0, 10_000) for name in ("a", "b", "c:x=1")]
    asked = beside("v6.1:lru_batch=15", 99.0, 30.0, 5_000)
    kin = [beside("v6.1", 90.0, 30.0, 10_000), beside("d", 90.0, 30.0, 10_000, holds="read-users")]
    found = at_the_zones_price([asked, *others, *kin])
    assert found[0]["model_skip_ms"] == pytest.approx(30.0 + 5_000 * 1.0 / 10_000)
    assert at_the_zones_price([asked, *others[:2], *kin])[0] == asked  # too few to learn from
    gave_up = beside("e", 1057.0, 1057.0, 0, gave_up=True, model_gave_up=True)
    assert at_the_zones_price([gave_up, *others])[0] == gave_up
    few = [beside(name, 31.0, 30.0, 10) for name in "abc"]  # ten pages tell nothing
    assert at_the_zones_price([asked, *few])[0] == asked


@pytest.mark.parametrize(
    ("exits", "slept"),
    [
        ([(1, "exit", 0, 0), (90, "exit", 1, 0)], True),
        ([(1, "exit", 0, 0), (30, "exit", 1, 0)], False),  # it went on while the reaper worked
        ([(90, "exit", 0, 0)], False),  # it had not begun
    ],
)
def test_an_exit_that_stood_in_its_munlock_while_the_reaper_worked_had_no_part_in_it(
    exits: list[tuple[int, str, int, int]], slept: bool
) -> None:
    rows = [["UNLOCK_RANGE", "0"], ["SET_FLAG", "2"], ["REAP_PASS", "0"], ["MMAP_READ_UNLOCK", "0"]]
    steps = logged(*exits, (20, "reaper", 2, 0), (50, "reaper", 3, 0))
    entry = {"steps": [steps], "holds": "lock-page", "reaper_ended_ns": [51], "gave_up_ns": [None]}
    assert slept_meanwhile(entry, skip_set(entry, steps, rows), rows) is slept
    assert not slept_meanwhile(entry | {"holds": "read-count"}, skip_set(entry, steps, rows), rows)


@pytest.mark.parametrize(
    ("reaper_begins", "reaper_ends", "at_once"), [(4, 6, True), (1, 4, True), (1, 2, False), (8, 9, False)]
)
def test_a_work_that_two_share_is_nobodys_own(reaper_begins: int, reaper_ends: int, at_once: bool) -> None:
    steps = logged((3, "exit", 0, 0), (7, "exit", 1, 0), (reaper_begins, "reaper", 2, 0), (reaper_ends, "reaper", 3, 0))
    assert worked_at_once(sorted(steps, key=lambda s: s["ns"]), 7, ROWS) is at_once


def test_a_reaper_that_leaves_by_a_step_of_its_own_design_has_given_up() -> None:
    rows = [line.split()[1:] for line in lines("handover-1g")]
    leaves = [n for n, row in enumerate(rows) if row[0] == "LEAVE"]
    assert left_it([{"role": "reaper", "row": leaves[0]}], rows)
    assert not left_it([{"role": "reaper", "row": leaves[1]}], rows)  # MMF_OOM_SKIP was set meanwhile
    assert not left_it([{"role": "exit", "row": leaves[0]}], rows)


def test_a_kernel_with_a_timer_tests_oom_skip_when_it_runs_out_whatever_the_design_has() -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 0, "rss_pages": 9}]
    entry = stuck("v4.17", None, 1, exits) | {"kind": "reader", "holds": "read-count", "hold_ms": 1300}
    (reader,) = compare_designs(record_of("5.10.1", ["v4.17"], [entry]))["readers"]
    assert (reader["model_gave_up"], reader["model_kills"]) == (False, 1)


@pytest.mark.parametrize(("series", "table"), [("6.12", "lab-6.12"), ("7.2", "lab-7.3"), ("6.2", "lab-6.1")])
def test_a_series_without_a_table_takes_its_neighbours(series: str, table: str) -> None:
    assert nearest_table(series) == table


def test_a_page_charged_to_a_cgroup_costs_what_the_kernels_own_code_shows() -> None:
    entries = [lone("stock", "exit", 1000, []), lone("stock", "charged", 1100, []) | {"plain_ns": [1010, 1000]}]
    assert compare_designs(record_of("6.12.1", ["v6.1"], entries))["charged"] == pytest.approx(1.1)
    assert compare_designs(record_of("6.12.1", ["v6.1"], entries[:1]))["charged"] == 1.0
    del entries[1]["plain_ns"]  # an older record, in which nothing was measured beside it
    assert compare_designs(record_of("6.12.1", ["v6.1"], entries))["charged"] == 1.0


@pytest.mark.parametrize(("spec", "lost", "said"), [("v6.18", True, "ESRCH"), ("exit-mm-stash", False, "reaps")])
def test_a_caller_after_exit_mm_is_told_by_whether_the_design_keeps_the_mm(spec: str, lost: bool, said: str) -> None:
    reaps = [{"ns": n, "role": "mrelease", "row": 0, "rss_pages": 9 - n} for n in range(2)]
    entry = {
        "design": spec,
        "kind": "late",
        "victim": SMALL,
        "stop": 2,
        "lost": [lost],
        "steps": [[] if lost else reaps],
    }
    (row,) = compare_designs(record_of("6.12.1", [spec], [entry]))["late"]
    assert (row["seen"], row["told"]) == (said, said)


def test_what_the_reaper_left_is_what_was_mapped_when_its_pass_ended() -> None:
    steps = [{"role": "reaper", "rss_pages": 20}, {"role": "exit", "rss_pages": 15}, {"role": "reaper", "rss_pages": 4}]
    assert reaper_left(steps) == 4
    assert reaper_left(steps[:2]) is None


def test_the_held_page_is_told_in_millionths_of_the_locked_ones() -> None:
    assert held_ppm({"victim": SMALL, "held_page": 0}) == 0
    assert held_ppm({"victim": SMALL, "held_page": 64}) == 500_000
    assert held_ppm({"victim": SMALL, "held_page": 500}) == 999_999


def test_the_verb_prints_both_and_says_bad_news(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "5.10.json"
    entries = [lone("stock", "reaper", 1_000_000, [128, 0]), lone("v4.17", "reaper", 1_000_000, [128, 0])]
    record = record_of("5.10.1", ["v4.17"], [e | {"role": "designs"} for e in entries])
    path.write_text(design_record.to_text(record))
    assert main(["lab", "compare", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.split() and out.lstrip().startswith("as predicted, by kernel") and "all 2" in out
    assert "pages left" not in out  # only what came out otherwise has a sentence
    entries[1]["pages_after"] = [127, 0]
    path.write_text(design_record.to_text(record_of("5.10.1", ["v4.17"], entries)))
    assert main(["lab", "compare", str(path)]) == 1
    assert "pages left as predicted: 1 of 2" in capsys.readouterr().out


def test_a_record_of_a_file_of_ones_own_is_compared_with_that_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mine.py"
    own.write_text(Path(load("v6.1").path).read_text().replace('id="v6.1"', 'id="mine"'))
    record = record_of("6.12.1", ["v6.1"], [lone(who, "exit", 1000, [128, 128]) for who in ("stock", "mine@mine.py")])
    record["programs"] = {"mine@mine.py": lines(str(own))}
    path = tmp_path / "6.12.json"
    path.write_text(json.dumps(record))
    assert main(["lab", "compare", str(path)]) == 2
    assert "'mine@mine.py' is of a file: give it" in capsys.readouterr().err
    assert main(["lab", "compare", str(path), "--strategy", str(own), "--format", "json"]) == 0
    assert "mine@mine.py" in capsys.readouterr().out


def test_a_lone_reaper_that_hands_over_to_nobody_munlocks_as_the_old_kernel_does() -> None:
    entries = [lone(name, "reaper", 1_000_000, [0, 0]) for name in ("v6.18", "handover-1g")]
    old = compare_designs(record_of("5.10.1", ["v6.18", "handover-1g"], entries))["cells"]
    assert old[1]["model_ns"] == old[0]["model_ns"]  # one chunk, one gather, one munlock a page
    now = compare_designs(record_of("6.12.1", ["v6.18", "handover-1g"], entries))["cells"]
    assert now[1]["model_ns"] == pytest.approx(now[0]["model_ns"], rel=1e-3)


def test_a_file_that_has_changed_since_it_ran_is_no_model_of_what_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, path = tmp_path / "mine.py", tmp_path / "6.12.json"
    text = Path(load("v6.1").path).read_text().replace('id="v6.1"', 'id="mine"')
    own.write_text(text)
    program = ["name mine@mine.py", *Program.from_plain(plain_rows(load(str(own)))).text.split("\n")[1:]]
    record = record_of("6.12.1", ["v6.1"], [lone(who, "exit", 1000, [128, 128]) for who in ("stock", "mine@mine.py")])
    path.write_text(json.dumps(record | {"programs": {"mine@mine.py": program}}))
    assert main(["lab", "compare", str(path), "--strategy", str(own)]) == 0
    own.write_text(text.replace("MMF_OOM_SKIP", "MMF_UNSTABLE"))
    capsys.readouterr()
    assert main(["lab", "compare", str(path), "--strategy", str(own)]) == 2
    assert "has changed since it ran: its steps are others" in capsys.readouterr().err


def test_an_end_that_was_not_predicted_has_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exits = [{"ns": 1_000_000, "role": "exit", "row": 2, "rss_pages": 9}]
    path = tmp_path / "6.12.json"
    path.write_text(design_record.to_text(record_of("6.12.1", ["v6.18"], [stuck("v6.18", None, 1, exits)])))
    assert main(["lab", "compare", str(path)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "ends as predicted: 0 of 1; not v6.18 (lock-page, 64 MiB anon, 90% locked)" in said
