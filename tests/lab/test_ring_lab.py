"""Real kernels in QEMU (make test-lab): the truth table, the same bytes twice, and boots that go wrong for real.

Skipped, with the reason, where QEMU or the archive is missing.
"""

import shutil
from pathlib import Path

import pytest

from mmbench.errors import CannotError
from mmbench.lab import exiting, kernels, plan, qemu, run, summary
from mmbench.lab.initramfs import build_userspace
from mmbench.lab.kernels import Kernel
from mmbench.lab.record import experiments, make_record, read_record, to_text
from mmbench.live.workload import VictimConfig

pytestmark = pytest.mark.lab
RECORDS = Path(__file__).parents[2] / "results" / "lab"


def kernel(prefix: str) -> Kernel:
    if shutil.which(qemu.PROGRAM) is None:
        pytest.skip(f"{qemu.PROGRAM} is not installed; apt-get install qemu-system-x86")
    try:
        return kernels.find(prefix, lambda _: None)
    except CannotError as error:
        pytest.skip(f"no kernel {prefix} to be had: {error}")


def boot(prefix: str, items: list[plan.Item], n_cpus: int = 1, is_fresh: bool = True) -> str:
    found, version = kernel(prefix), qemu.qemu_version(qemu.find_qemu())
    userspace = build_userspace()
    answers = run.run_boot(
        found, plan.Boot("test", tuple(items), n_cpus), userspace, version, lambda *_: None, is_fresh
    )
    return to_text(make_record(found, "quick", version, userspace.python, [answers]))


@pytest.mark.parametrize("n_cpus", [1, 2])
def test_a_second_run_gives_the_same_bytes(n_cpus: int) -> None:
    victim = VictimConfig(8 * plan.MIB, 0.5, 16)
    kinds = ("exit", "mrelease", "reaper", "race")[: 2 + n_cpus]
    items = [plan.Item("test", kind, victim) for kind in kinds if kind != "race" or n_cpus == 2]
    first, second = (boot("6.12", items, n_cpus) for _ in range(2))
    assert first == second
    assert '"ns":[' in first


def test_a_kept_record_is_what_the_kernel_says_again() -> None:
    """One boot of a published record, run afresh; what a record promises holds for the same four things only."""
    kept = read_record(RECORDS / "5.10.json")
    found, version, userspace = kernel("5.10"), qemu.qemu_version(qemu.find_qemu()), build_userspace()
    now = {"vmlinuz_sha256": found.vmlinuz_sha256, "qemu": version, "python": userspace.python}
    other = [f"{name} is {value}, then {kept[name]}" for name, value in now.items() if kept[name] != value]
    if other:
        pytest.skip(f"not the record's machine ({'; '.join(other)}); make lab makes records of this one")
    held_out = next(b for b in plan.boots("full") if b.name == "held-out")
    answers = run.run_boot(found, held_out, userspace, version, lambda *_: None, is_fresh=True)
    again = make_record(found, "full", version, userspace.python, [answers])["boots"][0]
    (then,) = [b for b in kept["boots"] if b["name"] == "held-out"]
    assert again["initramfs_sha256"] == then["initramfs_sha256"], "the probe has changed since: run make lab"
    assert again == then


@pytest.mark.parametrize(
    ("prefix", "locked_left", "mrelease", "order"),
    [("5.10", 8192, "ENOSYS", "up"), ("6.17", 0, [0, 0], "up"), ("6.18", 0, [0, 0], "down")],
)
def test_who_frees_what(prefix: str, locked_left: int, mrelease: object, order: str) -> None:
    items = [
        item
        for item in plan.semantics()
        if item.kind == "order" or item.victim in (plan.layouts()[2], plan.layouts()[5])
    ]
    found = kernel(prefix)
    userspace, version = build_userspace(), qemu.qemu_version(qemu.find_qemu())
    answers = run.run_boot(found, plan.Boot("test", tuple(items)), userspace, version, lambda *_: None)
    record = make_record(found, "quick", version, userspace.python, [answers])
    half, shared = summary.truth_table(record)
    assert (half["before"], half["reaper"], half["memcg"]) == ([8192, 8192], [locked_left, 0], locked_left)
    assert half["mrelease"] == mrelease
    assert shared["reaper"] == [4096, 0]
    assert summary.reap_order(record) == order
    assert not summary.errors(record)
    assert len(experiments(record)) == len(items)


def log_of(tmp_path: Path) -> Path:
    return tmp_path / "serial.log"


def test_a_guest_without_a_first_process_panics(tmp_path: Path) -> None:
    found = kernel("6.12")
    with pytest.raises(CannotError, match=r"the guest panicked: not syncing: VFS(.|\n)*serial\.log"):
        qemu.boot(found.vmlinuz, b"", 1, 120, log_of(tmp_path), lambda _: None)
    assert "Kernel panic" in log_of(tmp_path).read_text(errors="replace")


def test_a_guest_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    found = kernel("6.12")
    image = build_userspace().image([{"kind": "order", "victim": {"span_bytes": 1 << 20}, "n_reps": 99}])
    with pytest.raises(CannotError, match="hangs"):
        qemu.boot(found.vmlinuz, image, 1, 2.0, log_of(tmp_path), lambda _: None)


def test_a_kernel_that_is_no_kernel_is_refused_or_hangs(tmp_path: Path) -> None:
    kernel("6.12")
    (tmp_path / "vmlinuz").write_bytes(b"\x90garbage" * 300_000)
    with pytest.raises(CannotError, match=r"cannot boot this kernel|hangs"):
        qemu.boot(tmp_path / "vmlinuz", b"", 1, 20.0, log_of(tmp_path), lambda _: None)


def test_a_truncated_kernel_does_not_boot(tmp_path: Path) -> None:
    data = kernel("6.12").vmlinuz.read_bytes()
    (tmp_path / "vmlinuz").write_bytes(data[: len(data) // 2])
    with pytest.raises(CannotError, match=r"(.|\n)*last lines"):
        qemu.boot(tmp_path / "vmlinuz", b"", 1, 20.0, log_of(tmp_path), lambda _: None)


def test_a_memory_cgroup_s_killer_waits_for_an_exiting_victim_on_6_12_and_not_on_7_3() -> None:
    """A race, so 7.3 has three boots of four runs each to show it; in the records every boot did."""
    old = exiting.run_exiting(kernel("6.12"), lambda *_: None, is_fresh=True, n_boots=1)
    new = exiting.run_exiting(kernel("7.3"), lambda *_: None, is_fresh=True, n_boots=3)
    assert exiting.boots_with_kills(old, "memcg") == (0, 1)
    assert exiting.boots_with_kills(new, "memcg")[0] >= 1
    assert exiting.boots_with_kills(new, "global")[0] == exiting.boots_with_kills(old, "global")[0] == 0
    assert (old["css_task_iter_with_dead"], new["css_task_iter_with_dead"]) == (False, True)
