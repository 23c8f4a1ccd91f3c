"""A run of designs with a stand-in for QEMU: plan, record, the same bytes again, and the verb's refusals."""

import json
import os
import sys
from pathlib import Path

import pytest

from mmbench.cli.main import main
from mmbench.errors import EXIT_BAD_INPUT, EXIT_CANNOT, CannotError, InputError
from mmbench.lab import build, design_record, designs, doctor, kernels, qemu
from mmbench.lab.build import Module
from mmbench.lab.initramfs import Userspace
from mmbench.lab.plan import Boot
from mmbench.lab.program import Program
from mmbench.lab.qemu import GuestError
from mmbench.strategies.load import load
from mmbench.validation.design_rows import plain_rows

GUEST = """\
import json, sys
if '--version' in sys.argv:
    print('QEMU emulator version 9.9'); sys.exit()
data = open(sys.argv[sys.argv.index('-initrd') + 1], 'rb').read()
plan = json.loads(data[data.index(b'{"items"'):].split(b'\\0')[0].split(b'070701')[0])
facts = {"release": "6.12.9", "version": "#1", "n_cpus": 1, "memory_bytes": 7, "available_bytes": 5}
def say(message): print("@mmbench", json.dumps(message))
say({"begin": len(plan["items"]), **facts})
for number, item in enumerate(plan["items"]):
    say({"at": number})
    ns = 7 if item["program"] else 9
    rep = {"pages_before": [1, 2], "pages_after": [0, 0], "ns": ns * 1000000}
    if item["kind"] in ("steps", "race", "late", "stuck-holder", "reader"):
        rep = {"steps": [{"ns": 0, "role": "exit", "row": 2, "rss_pages": 9}], "lost": item["kind"] == "late"}
    if item["kind"] in ("stuck-holder", "reader"):
        rep |= {"holds": "lock-page", "held_page": 0, "hurry": True, "trigger": "", "stacks": [], "further_kills": []}
        rep |= dict.fromkeys(("reaper_woken_ns", "reaper_began_ns", "reaper_ended_ns", "gave_up_ns"))
    assert not item["program"] or plan["programs"][item["program"]]["text"].startswith("name ")
    say({"item": number, "reps": [rep] * item["n_reps"]})
say({"done": len(plan["items"])})
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> kernels.Kernel:
    """A kernel file, a stand-in for QEMU on the path, a cache of its own."""
    program = tmp_path / qemu.PROGRAM
    program.write_text(f"#!{sys.executable} -IS\n{GUEST}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("MMBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(designs, "build_userspace", lambda entry: Userspace("3.11.2", {}))
    image = bytearray(kernels.SMALLEST_KERNEL_BYTES)
    image[0x202:0x206], image[0x20E:0x210] = b"HdrS", (0x100).to_bytes(2, "little")
    image[0x300:0x320] = b"6.12.9 (x@y) #1".ljust(32, b"\0")
    (tmp_path / "vmlinuz").write_bytes(image)
    return kernels.from_file(tmp_path / "vmlinuz")


MODULE = Module(b"\x7fELF", "source", "gcc 12", has_old_munlock=False)


def program(spec: str) -> Program:
    return Program.from_plain(plain_rows(load(spec)))


def test_every_design_and_the_kernels_own_code_are_asked_the_same(kernel: kernels.Kernel) -> None:
    record = designs.run_designs(kernel, MODULE, [program("v6.1"), program("v6.18")], "quick", lambda *_: None)
    asked = {(e["design"], e["kind"]) for e in design_record.experiments(record)}
    both = (*design_record.ALONE, "stuck-holder", "reader")
    own = {(d, k) for d in ("v6.1", "v6.18") for k in ("steps", "late")} | {("stock", "charged")}
    assert asked == {(d, k) for d in ("stock", "v6.1", "v6.18") for k in both} | own
    assert record["programs"]["v6.1"][0] == "name v6.1"
    rows = design_record.cells(record)
    assert {(r["design"], r["exit"], r["reaper left"]) for r in rows} == {
        ("stock", 9.0, 0),
        ("v6.1", 7.0, 0),
        ("v6.18", 7.0, 0),
    }


def test_a_record_is_read_back_and_written_again_as_the_same_bytes(kernel: kernels.Kernel, tmp_path: Path) -> None:
    record = designs.run_designs(kernel, MODULE, [program("v6.1")], "quick", lambda *_: None)
    path = tmp_path / "6.12.json"
    path.write_text(design_record.to_text(record))
    assert design_record.to_text(design_record.read_record(path)) == path.read_text()
    assert json.loads(path.read_text())["format"] == design_record.FORMAT
    path.write_text('{"format": "mmbench-lab 1"}')
    with pytest.raises(InputError, match="is no record of designs"):
        design_record.read_record(path)


def test_races_are_for_the_full_set_and_kernels_that_have_the_call() -> None:
    names = {
        set_name: [b.name for b in designs.boots([program("v6.1")], set_name, True)] for set_name in designs.VICTIMS
    }
    assert names == {"quick": ["designs", "holders"], "full": ["designs", "holders", "forced", "race"]}
    assert len(designs.boots([program("v4.17")], "full", False)) == 3
    assert [b.name for b in designs.boots([program("v6.1")], "forced", True)] == ["forced"]
    assert {item.n_reps for item in designs.races(["v6.1"], "full")} == {designs.N_RACES}


def test_a_kernel_without_mrelease_is_not_asked_for_it() -> None:
    boot, stuck = designs.boots([program("v4.17")], "quick", has_mrelease=False)
    asked = {item.kind for item in (*boot.items, *stuck.items)}
    assert asked == {"exit", "reaper", "charged", "steps", "stuck-holder"}


def test_a_design_named_twice_and_a_step_that_cannot_be_are_refused_before_a_boot(kernel: kernels.Kernel) -> None:
    with pytest.raises(InputError, match=r"'v6\.1' is named twice"):
        designs.run_designs(kernel, MODULE, [program("v6.1")] * 2, "quick", lambda *_: None)
    with pytest.raises(InputError, match="UNLOCK_RANGE"):
        designs.run_designs(kernel, MODULE, [program("v5.17")], "quick", lambda *_: None)


@pytest.mark.parametrize(
    ("kernels_and_designs", "said"),
    [
        (["6.12", "--strategy", "v6.2"], "v6.1"),
        (["VMLINUZ", "--strategy", "v6.1", "v6.18"], "2 strategies for a kernel of your own"),
        (["VMLINUZ", "6.12", "--strategy", "v6.1"], "one sort at a time"),
    ],
)
def test_the_verb_refuses_in_a_sentence(
    kernel: kernels.Kernel, capsys: pytest.CaptureFixture[str], kernels_and_designs: list[str], said: str
) -> None:
    words = [str(kernel.vmlinuz) if word == "VMLINUZ" else word for word in kernels_and_designs]
    assert main(["lab", "run", *words]) == EXIT_BAD_INPUT
    assert said in capsys.readouterr().err


def test_all_runs_every_choice_that_the_kernel_can_run_and_says_what_it_cannot(
    kernel: kernels.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_module", lambda kernel, say: MODULE)
    monkeypatch.setattr(kernels, "find", lambda name, say: kernel)
    assert main(["lab", "run", "6.12", "--strategy", "all", "-o", str(tmp_path)]) == 0
    record = design_record.read_record(tmp_path / "6.12.json")
    assert {"exit-write:oom_skip=first", "handover-1g:chunk=2MiB", "reap-kill"} <= record["programs"].keys()
    assert "trylock:vm_locked=kept" in record["refused"]
    assert not record["refused"].keys() & record["programs"].keys()
    assert "not run: trylock:vm_locked=kept, exit step 'unlock_range'" in capsys.readouterr().out.replace("\n", " ")


def test_the_verb_writes_a_record(
    kernel: kernels.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_module", lambda kernel, say: MODULE)
    monkeypatch.setattr(kernels, "find", lambda name, say: kernel)
    command = ["lab", "run", "6.12", "--strategy", "v6.1", "-o", str(tmp_path)]
    assert main(command) == 0
    first = (tmp_path / "6.12.json").read_bytes()
    assert main([*command, "--fresh"]) == 0
    assert (tmp_path / "6.12.json").read_bytes() == first
    assert "stock" in capsys.readouterr().out


def test_doctor_says_what_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = {row["what"]: row for row in doctor.needs()}
    assert rows["gcc"] | {} == {
        "what": "gcc",
        "for": "running designs (building the module)",
        "found": False,
        "how to get it": "apt-get install gcc",
    }
    assert main(["lab", "doctor"]) == EXIT_CANNOT
    assert "apt-get install qemu-system-x86" in capsys.readouterr().out


def step(ns: int, role: str, row: int) -> dict[str, object]:
    return {"ns": ns, "role": role, "row": row}


OPS = ["UNMAP_VMAS", "FREE_PGTABLES", "TLB_FINISH_MMU", "REMOVE_VMAS", "END", "REAP_PASS", "END"]
EXIT = [step(0, "exit", 0), step(50, "exit", 1), step(60, "exit", 2), step(70, "exit", 3), step(90, "exit", 4)]


@pytest.mark.parametrize(
    ("begin", "end", "overlap"), [(10, 50, 0), (10, 55, 5), (60, 65, 5), (80, 200, 10), (90, 120, 0), (40, 100, 40)]
)
@pytest.mark.parametrize("role", ["reaper", "mrelease"])
def test_a_reap_pass_inside_the_freeing_of_tables_is_seen(role: str, begin: int, end: int, overlap: int) -> None:
    steps = sorted([*EXIT, step(begin, role, 5), step(end, role, 6)], key=lambda s: s["ns"])
    found = design_record.overlap_ns(steps, OPS)
    assert max(found, 0) == overlap


def test_exit_that_reaps_itself_or_never_frees_tables_is_no_overlap() -> None:
    assert design_record.overlap_ns([step(0, "exit", 5), *EXIT[1:]], OPS) == 0
    assert design_record.overlap_ns([EXIT[0], step(10, "mrelease", 5), step(20, "mrelease", 6)], OPS) == 0


def test_what_was_seen_and_what_the_kernel_said_are_verdicts() -> None:
    programs = {key: [f"row {op} 0 0 0 0 0" for op in OPS] for key in ("safe", "bad", "oops")}
    beside = [*EXIT, step(55, "mrelease", 5), step(58, "mrelease", 6)]
    entries = [
        {"design": "safe", "kind": "race", "steps": [EXIT, EXIT]},
        {"design": "bad", "kind": "race", "steps": [EXIT, beside]},
        {"design": "oops", "kind": "exit", "error": "BUG: Bad page state"},
        {"design": "stock", "kind": "race", "steps": [[]]},
    ]
    found = design_record.verdicts({"programs": programs, "boots": [{"experiments": entries}], "fatal": []})
    assert found == {"safe": "nothing seen", "bad": "unsafe: seen", "oops": "broken: BUG: Bad page state"}


def test_a_design_whose_steps_no_log_has_did_not_run() -> None:
    entries = [{"design": "v6.1", "kind": "steps", "steps": [[step(0, "reaper", 5)]]}]
    programs = {"v6.1": [f"row {op} 0 0 0 0 0" for op in OPS]}
    record = {"programs": programs, "boots": [{"experiments": entries}], "fatal": []}
    assert design_record.verdicts(record)["v6.1"].startswith("broken: the kernel never came to its steps")
    entries[0]["steps"] = [EXIT]
    assert design_record.verdicts(record) == {"v6.1": "nothing seen"}


def test_a_reaper_without_a_delay_is_hurried_and_the_kernels_own_with_it() -> None:
    assert designs.hurried([program("v4.17"), program("v6.1")]) == {"v4.17": True, "v6.1": False}
    items = designs.beside_holders({"v4.17": True}, "full", has_mrelease=False)
    assert {(item.design, item.more["hurry"]) for item in items} == {("stock", True), ("v4.17", True)}
    items = designs.beside_holders({"v6.1": False}, "full", has_mrelease=True)
    assert {(item.kind, item.more["hurry"]) for item in items} == {("stuck-holder", False), ("reader", True)}
    assert {item.more["holds"] for item in items} == {"lock-page", "read-count", "read-users"}


def test_a_design_that_brings_the_guest_down_does_not_take_the_others_with_it() -> None:
    items = tuple(
        designs.DesignItem("designs", kind, designs.QUICK[0], 1, design)
        for kind in ("exit", "reaper")
        for design in ("stock", "bad", "good")
    )
    asked = []

    def run(boot: Boot) -> dict[str, object]:
        asked.append([item.head()["design"] for item in boot.items])
        if len(asked) == 1:
            raise GuestError("the guest panicked: BUG: x, in reap_pass", "", [{"begin": 6}, {"at": 0}, {"at": 1}])
        return {"ended": True}

    answers = designs.run_to_the_end(Boot("designs", items), run)
    assert asked == [["stock", "bad", "good"] * 2, ["stock", "good"] * 2]
    fatal, ended = answers
    assert (fatal["fatal"]["design"], fatal["fatal"]["kind"]) == ("bad", "exit")
    assert fatal["fatal"]["error"] == "the guest panicked: BUG: x, in reap_pass"
    assert ended == {"ended": True}


def test_a_guest_that_never_begins_is_no_designs_fault() -> None:
    def run(boot: Boot) -> dict[str, object]:
        raise GuestError("the guest panicked", "The last lines", [])

    item = designs.DesignItem("designs", "exit", designs.QUICK[0])
    with pytest.raises(CannotError, match=r"the guest panicked\. The last lines"):
        designs.run_to_the_end(Boot("designs", (item,)), run)


def stopped(spec: str, party: str) -> list[int]:
    """The rows before which a party is stopped."""
    return [item.more["stop"] for item in designs.forced([program(spec)]) if item.more["stops"] == party]


def test_a_caller_is_stopped_at_what_it_does_alone_and_the_reaper_at_its_pass() -> None:
    rows = program("handover-1g").rows
    assert [rows[n].label for n in stopped("handover-1g", "mrelease")] == [
        *("MMF_OOM_SKIP clear?", "mmap_read_lock_killable", "still clear?", "reap pass", "mmap_read_unlock")
    ]
    assert [rows[n].op for n in stopped("handover-1g", "reaper")] == ["REAP_PASS_HANDOVER"]


def test_what_a_kernel_cannot_run_is_sorted_out_with_the_step() -> None:
    able, refused = designs.sort_out([program("v6.1"), program("v5.17"), program("trylock")], MODULE, "6.12.9")
    assert [one.name for one in able] == ["v6.1"]
    assert list(refused) == ["v5.17", "trylock"]
    assert "v5.17, exit step 'unlock_range': UNLOCK_RANGE needs the munlock that takes page locks" in refused["v5.17"]


def test_exit_is_stopped_before_each_step_of_its_own() -> None:
    items = [item for item in designs.forced([program("v6.1"), program("v4.14")]) if item.more["stops"] == "exit"]
    ops = [program("v6.1").rows[item.more["stop"]].op for item in items]
    assert ops[:3] == ["MMAP_READ_LOCK", "TLB_GATHER_MMU", "UNMAP_VMAS"]
    assert ops[-1] == "END"
    assert {item.design for item in items} == {"v6.1"}  # v4.14 knows no process_mrelease
    rows = program("v4.17").rows
    labels = [rows[n].label for n in stopped("v4.17", "exit")]
    assert labels[:2] == ["oom victim?", "unlock_range"]  # a plain kill makes no OOM victim
