"""Finding the memory controller, v1, v2 and neither, and refusing what could not be contained; on canned files."""

import os
from pathlib import Path

import pytest

from mmbench.errors import CannotError, InputError
from mmbench.live import oom
from mmbench.live.cgroup import OwnCgroup, memory_hierarchy, parse_limit, remove_cgroup
from mmbench.live.workload import VictimConfig


def _machine(folder: Path, cgroup: str, mounts: list[str]) -> str:
    proc = folder / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "sys" / "vm").mkdir(parents=True)
    (proc / "sys" / "vm" / "panic_on_oom").write_text("0\n")
    (proc / "self" / "cgroup").write_text(cgroup)
    (proc / "self" / "mountinfo").write_text("".join(mounts))
    return str(proc)


def _v1(folder: Path, own: str = "/user/a", root: str = "/") -> str:
    mount = folder / "memory"
    (mount / own.lstrip("/")).mkdir(parents=True)
    mounts = [
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n",
        f"35 31 0:32 {root} {mount} rw,relatime - cgroup cgroup rw,memory\n",
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    ]
    return _machine(folder, f"9:name=systemd:/\n4:memory:{own}\n0::/\n", mounts)


def _v2(folder: Path, subtree: str = "cpu memory", controllers: str = "cpu io memory pids") -> str:
    mount = folder / "unified"
    own = mount / "user.slice" / "s.scope"
    own.mkdir(parents=True)
    (mount / "cgroup.controllers").write_text(controllers + "\n")
    for directory in (mount, own.parent, own):
        (directory / "cgroup.subtree_control").write_text("\n")
    (mount / "cgroup.subtree_control").write_text(subtree + "\n")
    line = f"29 23 0:26 / {mount} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    return _machine(folder, "0::/user.slice/s.scope\n", [line])


def test_version_1_beside_an_empty_version_2(tmp_path: Path) -> None:
    found = memory_hierarchy(_v1(tmp_path))
    assert (found.version, found.mount, found.own) == (1, tmp_path / "memory", tmp_path / "memory" / "user" / "a")
    assert found.home() == tmp_path / "memory"


def test_version_1_in_a_container_that_sees_only_its_own_part(tmp_path: Path) -> None:
    found = memory_hierarchy(_v1(tmp_path, own="/docker/x", root="/docker/x"))
    assert found.own == found.mount


def test_version_2(tmp_path: Path) -> None:
    found = memory_hierarchy(_v2(tmp_path))
    assert (found.version, found.own) == (2, tmp_path / "unified" / "user.slice" / "s.scope")
    assert found.home() == tmp_path / "unified"


def test_version_2_without_memory_below_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match=r"echo \+memory > .*unified/cgroup.subtree_control"):
        memory_hierarchy(_v2(tmp_path, subtree="cpu")).home()


def test_neither_version(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match="neither version 1 nor version 2"):
        memory_hierarchy(_v2(tmp_path, controllers="cpu io"))


def test_limits() -> None:
    assert parse_limit("max\n") is None
    assert parse_limit("9223372036854771712\n") is None
    assert parse_limit("1048576\n") == 1 << 20


def _limit(directory: Path, limit: str, usage: int, cache: int) -> None:
    (directory / "memory.limit_in_bytes").write_text(limit)
    (directory / "memory.usage_in_bytes").write_text(str(usage))
    (directory / "memory.stat").write_text(f"cache 5\ninactive_file 7\ntotal_inactive_file {cache}\n")


def test_headroom_is_the_tightest_limit_above_us_with_cache_reclaimed(tmp_path: Path) -> None:
    found = memory_hierarchy(_v1(tmp_path))
    assert found.headroom_bytes() is None
    _limit(found.own, "9223372036854771712", 500, 0)
    _limit(found.own.parent, "1000", 700, 100)
    _limit(found.mount, "5000", 900, 0)
    assert found.headroom_bytes() == 400


def test_refuses_where_any_oom_panics_the_machine(tmp_path: Path) -> None:
    proc = _v1(tmp_path)
    (tmp_path / "proc" / "sys" / "vm" / "panic_on_oom").write_text("2\n")
    with pytest.raises(CannotError, match="panic_on_oom is 2"):
        oom.refuse_uncontained(VictimConfig(32 << 20), 1 << 30, proc)


def test_refuses_where_no_cgroup_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc = _v1(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CannotError, match=r"not writable.*Run as root"):
        oom.refuse_uncontained(VictimConfig(32 << 20), 1 << 30, proc)


def test_refuses_when_a_limit_above_could_be_hit_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc = _v1(tmp_path)
    own = memory_hierarchy(proc).own
    monkeypatch.setattr(os, "access", lambda path, mode: path == own)
    _limit(own, str(100 << 20), 0, 0)
    with pytest.raises(CannotError, match="leaves 100 of the"):
        oom.refuse_uncontained(VictimConfig(32 << 20), 1 << 30, proc)


def test_refuses_a_victim_larger_than_asked_or_tiny(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="but 16 MiB are allowed"):
        oom.refuse_uncontained(VictimConfig(32 << 20), 16 << 20, _v1(tmp_path))
    with pytest.raises(InputError, match="too small"):
        oom.refuse_uncontained(VictimConfig(1 << 20), 16 << 20, str(tmp_path / "proc"))


@pytest.fixture
def fake_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories that come with their control files, as the kernel's do."""
    make = os.mkdir

    def mkdir(path: Path, *rest: int) -> None:
        make(path, *rest)
        for name in (
            "memory.swappiness",
            "memory.oom_control",
            "memory.limit_in_bytes",
            "memory.max",
            "memory.swap.max",
        ):
            (Path(path) / name).write_text("")

    monkeypatch.setattr("mmbench.live.cgroup.os.mkdir", mkdir)


@pytest.mark.parametrize(
    ("version", "limit", "swap"),
    [(1, "memory.limit_in_bytes", "memory.swappiness"), (2, "memory.max", "memory.swap.max")],
)
def test_own_cgroup_writes_its_version_s_files(
    tmp_path: Path, fake_kernel: None, version: int, limit: str, swap: str
) -> None:
    cgroup = OwnCgroup(tmp_path / "mmbench-1", version)
    cgroup.set_limit(1 << 26)
    assert (cgroup.path / limit).read_text() == str(1 << 26)
    assert (cgroup.path / swap).read_text() == "0"


def test_a_limit_that_did_not_take_stops_everything(
    tmp_path: Path, fake_kernel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup = OwnCgroup(tmp_path / "mmbench-1", 2)
    monkeypatch.setattr("mmbench.live.cgroup.write_file", lambda path, text: Path(path).write_text("max\n"))
    with pytest.raises(CannotError, match="could not be contained"):
        cgroup.set_limit(1 << 26)


def test_oom_kills_are_counted_in_both_versions(tmp_path: Path, fake_kernel: None) -> None:
    one, two = OwnCgroup(tmp_path / "a", 1), OwnCgroup(tmp_path / "b", 2)
    (one.path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    (two.path / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 1\noom_group_kill 0\n")
    assert (one.n_oom_kills(), two.n_oom_kills()) == (2, 1)


def test_remove_gives_up_on_what_will_not_go(tmp_path: Path) -> None:
    assert remove_cgroup(tmp_path / "never-made")
    (tmp_path / "busy" / "child").mkdir(parents=True)
    assert not remove_cgroup(tmp_path / "busy", timeout_s=0.05)
    (tmp_path / "empty").mkdir()
    assert remove_cgroup(tmp_path / "empty")
