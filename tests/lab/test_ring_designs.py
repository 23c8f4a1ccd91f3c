"""Designs inside real kernels (make test-lab): the module builds, loads and runs; what is broken is seen to be.

Skipped, with the reason, where QEMU, a compiler or the archive is missing.
"""

import shutil
from pathlib import Path

import pytest

from mmbench.ask.guest_turns import items_of
from mmbench.cli.main import main
from mmbench.errors import CannotError
from mmbench.lab import build, cpio, design_record, designs, kernels, qemu, run
from mmbench.lab.build import Module
from mmbench.lab.initramfs import build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.plan import Boot, Item
from mmbench.lab.program import Program
from mmbench.records.lab_types import DesignRecord
from mmbench.strategies.load import load
from mmbench.validation.design_rows import plain_rows
from mmbench.validation.forced import meetings

pytestmark = pytest.mark.lab
BROKEN = str(Path(__file__).with_name("broken.py"))


def kernel_and_module(prefix: str) -> tuple[Kernel, Module]:
    for program in (qemu.PROGRAM, *build.TOOLS):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; see mmbench lab doctor")
    try:
        kernel = kernels.find(prefix, lambda _: None)
        return kernel, build.find_module(kernel, lambda _: None)
    except CannotError as error:
        pytest.skip(f"no module for {prefix}: {error}")


def ask(prefix: str, monkeypatch: pytest.MonkeyPatch, boot: Boot, *specs: str) -> DesignRecord:
    kernel, module = kernel_and_module(prefix)
    monkeypatch.setattr(designs, "boots", lambda *_: [boot])
    programs = [Program.from_plain(plain_rows(load(spec))) for spec in specs]
    return designs.run_designs(kernel, module, programs, "quick", lambda *_: None, is_fresh=True)


def items(kind: str, *names: str) -> tuple[Item, ...]:
    return tuple(designs.DesignItem("designs", kind, designs.QUICK[1], 2, name) for name in names)


@pytest.mark.parametrize(
    ("prefix", "copy", "other", "left"),
    [
        ("5.10", "v4.17", "trylock", {"v4.17": 14746, "trylock": 0}),
        ("6.1", "v6.1", "v6.18", {"v6.1": 0, "v6.18": 0}),
        ("6.12", "v6.1", "exit-write", {"v6.1": 0, "exit-write": 0}),
        ("7.3", "v6.18", "v6.1", {"v6.18": 0, "v6.1": 0}),
    ],
)
def test_the_kernels_own_code_and_the_copy_of_its_design_agree(
    prefix: str, copy: str, other: str, left: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = (*items("exit", "stock", copy, other), *items("reaper", "stock", copy, other), *items("steps", copy))
    record = ask(prefix, monkeypatch, Boot("test", asked), copy, other)
    rows = {row["design"]: row for row in design_record.cells(record)}
    for kind in ("exit", "reaper"):
        assert rows[copy][kind] == pytest.approx(rows["stock"][kind], rel=0.03)
    assert {name: rows[name]["reaper left"] for name in left} == left
    (logged,) = design_record.experiments(record, "steps")
    ops = design_record.ops_of(record, copy)
    ran = [ops[step["row"]] for step in logged["steps"][0] if step["role"] == "exit"]
    assert ran[-1] == "END"
    assert [op for op in ran if op in ("UNMAP_VMAS", "FREE_PGTABLES", "REMOVE_VMAS")] == [
        "UNMAP_VMAS",
        "FREE_PGTABLES",
        "REMOVE_VMAS",
    ]
    assert set(design_record.verdicts(record).values()) == {"nothing seen"}


def test_a_second_run_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = Boot("test", (*items("exit", "stock", "v6.18"), *items("steps", "v6.18")))
    first, second = (design_record.to_text(ask("6.12", monkeypatch, boot, "v6.18")) for _ in range(2))
    assert first == second


def test_a_design_that_frees_tables_beside_a_reaper_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [Program.from_plain(plain_rows(load(spec))) for spec in ("v6.1", BROKEN)]
    at_exit = [item for item in designs.forced(programs) if item.to_guest()["stops"] == "exit"]
    record = ask("6.12", monkeypatch, Boot("test", tuple(at_exit)), "v6.1", BROKEN)
    assert design_record.verdicts(record) == {"v6.1": "nothing seen", "broken@broken.py": "unsafe: seen"}
    met = meetings(record)
    assert len(met) == 19
    assert [row for row in met if row["seen"] != row["told"]] == []


def test_the_threads_worry_comes_true_and_no_munlock_would_have_spared_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("drop-oom-skip", "no-munlock")
    asked = tuple(designs.HELD_PAGES["quick"][0].item(name, hurry=True) for name in names)
    record = ask("5.10", monkeypatch, Boot("test", asked), *names)
    stuck, free = design_record.experiments(record, "stuck-holder")
    assert stuck["gave_up_ns"][0] > 1_000_000_000
    assert [kill["who"] for kill in stuck["further_kills"]] == ["bystander"]
    assert "munlock_vma_pages_range" in stuck["stacks"][0]
    assert free["gave_up_ns"] == [None]
    assert free["further_kills"] == []


@pytest.mark.parametrize(("prefix", "spec"), [("5.10", "v4.17"), ("6.12", "handover-1g")])
def test_exit_meets_a_caller_and_a_reaper_who_stand_before_their_steps(
    prefix: str, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = [Program.from_plain(plain_rows(load(spec)))]
    others = [item for item in designs.forced(programs) if item.to_guest()["stops"] != "exit"]
    met = meetings(ask(prefix, monkeypatch, Boot("test", tuple(others)), spec))
    assert {row["stops"] for row in met} == {"mrelease", "reaper"}
    assert [row for row in met if row["seen"] != row["told"]] == []


@pytest.mark.parametrize(
    ("spec", "scope", "said", "mlocked"),
    [
        (
            "v4.14",
            "default",
            "reaped",
            None,
        ),  # exit asleep inside munlock, and the reaper zaps that VMA: no oops in 5.10
        ("drop-oom-skip", "default", "unable", None),  # the stall
        ("no-munlock", "shared", "", 3686),
    ],
)
def test_a_schedule_of_the_checker_is_forced(
    spec: str, scope: str, said: str, mlocked: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main(["check", spec, "--scope", scope, "--save", str(tmp_path)]) == 1
    asked = items_of(list(tmp_path.glob("*.json")), [])
    (entry,) = design_record.experiments(ask("5.10", monkeypatch, Boot("test", tuple(asked.items)), spec))
    assert "error" not in entry and all(turn["reached"] for turn in entry["turns_seen"])
    assert (entry["reaper_said"], entry.get("nr_mlock_shared")) == (said, mlocked)
    held = [found for turn, found in zip(entry["turns"], entry["turns_seen"], strict=True) if turn["held"]]
    assert all("munlock_vma_pages_range" in found["sleeps_in"] for found in held)


def test_a_caller_after_exit_mm_is_too_late_unless_the_design_keeps_the_mm(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("v6.18", "exit-mm-stash", "reap-kill")
    programs = [Program.from_plain(plain_rows(load(name))) for name in names]
    record = ask("6.12", monkeypatch, Boot("test", tuple(designs.late(programs))), *names)
    late = {entry["design"]: entry for entry in design_record.experiments(record, "late")}
    assert {name: entry["lost"] for name, entry in late.items()} == {
        "v6.18": [True],
        "exit-mm-stash": [False],
        "reap-kill": [False],
    }
    ops = design_record.ops_of(record, "reap-kill")
    assert "REAP_PASS" in [ops[step["row"]] for step in design_record.by(late["reap-kill"]["steps"][0], "mrelease")]


@pytest.mark.parametrize(("prefix", "spec", "mlocked"), [("5.10", "no-munlock", 14746), ("6.12", "v6.1", 0)])
def test_pages_that_a_child_maps_too_stay_mlocked_where_only_the_last_unmap_munlocks(
    prefix: str, spec: str, mlocked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I7 of the checker, and what became of it with v5.18."""
    victim = designs.FULL[-1]
    assert victim.kind == "forked"
    boot = Boot("test", (designs.DesignItem("designs", "exit", victim, 1, spec),))
    (entry,) = design_record.experiments(ask(prefix, monkeypatch, boot, spec))
    assert (entry["nr_mlock_shared"], entry["nr_mlock_left"]) == (mlocked, 0)


def test_a_module_of_another_kernel_is_refused_at_load_and_the_guest_ends() -> None:
    kernel, _ = kernel_and_module("6.12")
    _, other = kernel_and_module("6.1")
    userspace = build_userspace(entry=designs.ENTRY)
    userspace.entries["mmbench.ko"] = cpio.regular(other.ko)
    boot = Boot("test", items("exit", "stock"))
    with pytest.raises(CannotError, match="the kernel does not take the module"):
        plan = {"programs": {}, "items": [item.to_guest() for item in boot.items]}
        run.run_boot(kernel, boot, userspace, "any", lambda *_: None, True, plan)


def test_a_design_that_never_ends_is_named_with_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(BROKEN).read_text().replace('id="broken"', 'id="sleeper"')
    sleeps = 'step("sleep for an hour", Op.SLEEP, ps=3600 * 10**12),\n            step("unmap_vmas"'
    path = tmp_path / "sleeper.py"
    path.write_text(text.replace('step("unmap_vmas"', sleeps))
    record_of = Boot("test", (*items("exit", "sleeper@sleeper.py"), *items("exit", "v6.1")))
    record = ask("6.12", monkeypatch, record_of, "v6.1", str(path))
    assert design_record.verdicts(record) == {
        "v6.1": "nothing seen",
        "sleeper@sleeper.py": "broken: the design hangs: not done after 60 s of its clock; exit in 'sleep for an hour'",
    }
