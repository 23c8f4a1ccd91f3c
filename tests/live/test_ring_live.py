"""The live ring: the running kernel, small and for real. Run with ``pytest -m live tests/live`` as root on a VM.

Counts are exact and asserted; times are only asserted to be there, because a busy machine is not a failure.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import CannotError, InputError
from mmbench.live import doctor, experiment, libc, probe, proc
from mmbench.live.cgroup import memory_hierarchy
from mmbench.live.tracefs import TraceInstance, open_tracefs, remove_instance
from mmbench.live.victim import Victim
from mmbench.live.workload import VictimConfig

pytestmark = pytest.mark.live

MIB = 1 << 20
ALLOWED = 160 * MIB
SHAPES = [
    VictimConfig(64 * MIB),
    VictimConfig(64 * MIB, 1.0),
    VictimConfig(64 * MIB, 0.37, 9),
    VictimConfig(64 * MIB, 0.5, 4000),
    VictimConfig(256 * MIB, 1.0, 1, 7),
    VictimConfig(512 * MIB, 0.25, 33, 600),
    VictimConfig(64 * MIB, 0.5, 5, kind="thp"),
]
SHARED = [VictimConfig(64 * MIB, 1.0, 3, kind="shmem"), VictimConfig(16 * MIB, 0.0, 2, kind="file")]


@pytest.fixture(scope="module", autouse=True)
def _can_measure() -> None:
    missing = [
        check
        for check in doctor.doctor()
        if check.name in ("process_mrelease", "ptrace exit stop", "pagemap") and not check.ok
    ]
    if missing:
        pytest.skip("; ".join(f"{check.name}: {check.reason} ({check.how})" for check in missing))


# -- what the kernel does, counted ----------------------------------------------------------------------------


@pytest.mark.parametrize("config", SHAPES + SHARED, ids=str)
def test_a_victim_is_built_as_its_facts_say(config: VictimConfig) -> None:
    facts = config.facts()
    with Victim(config, ALLOWED) as victim:
        held = probe.Held(victim)
        assert (held.pages(), held.n_vmas(), held.n_thps()) == (facts.n_pages, facts.n_vmas, facts.n_thps)
        assert proc.status(victim.pid)["VmLck"] == config.locked_bytes


@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_mrelease_frees_every_private_page_locked_or_not(config: VictimConfig) -> None:
    with Victim(config, ALLOWED) as victim:
        held = probe.Held(victim)
        mrelease, exit_after = probe.time_mrelease_then_exit(held)
    assert (mrelease.freed_pages, exit_after.pages_before) == (config.facts().n_pages, 0)
    assert mrelease.ns > 0 < exit_after.ns


@pytest.mark.parametrize("config", SHARED, ids=str)
def test_mrelease_frees_no_shared_page_and_exit_does(config: VictimConfig) -> None:
    with Victim(config, ALLOWED) as victim:
        mrelease, exit_after = probe.time_mrelease_then_exit(probe.Held(victim))
    assert (mrelease.freed_pages, exit_after.freed_pages) == (0, config.facts().n_pages)


def test_reaping_leaves_vmlck_and_vmas_as_they_were() -> None:
    config = VictimConfig(64 * MIB, 1.0, 3)
    with Victim(config, ALLOWED) as victim:
        held = probe.Held(victim)
        libc.process_mrelease(victim.pidfd)
        assert held.pages() == 0
        assert proc.status(victim.pid)["VmLck"] == config.span_bytes
        assert held.n_vmas() == 3


def test_mrelease_too_early_is_einval_and_too_late_is_esrch() -> None:
    with Victim(VictimConfig(4 * MIB), ALLOWED) as victim:
        with pytest.raises(OSError) as early:
            libc.process_mrelease(victim.pidfd)
        probe.time_exit(probe.Held(victim))
        with pytest.raises(OSError) as late:
            libc.process_mrelease(victim.pidfd)
    assert (early.value.errno, late.value.errno) == (errno.EINVAL, errno.ESRCH)


def test_a_larger_victim_takes_longer() -> None:
    def best_ns(mib: int) -> int:
        times = []
        for _ in range(3):
            with Victim(VictimConfig(mib * MIB, 1.0), ALLOWED) as victim:
                times.append(probe.time_exit(probe.Held(victim)).ns)
        return min(times)

    assert best_ns(128) > 2 * best_ns(16)


# -- an experiment --------------------------------------------------------------------------------------------


def test_experiment_gives_one_sample_per_victim_and_party() -> None:
    seen: list[tuple[int, int, float]] = []
    modes = ("exit", "mrelease", "race") if len(os.sched_getaffinity(0)) > 1 else ("exit", "mrelease")
    samples = experiment.measure(
        SHAPES[:2], modes, n_reps=2, n_retries=0, max_memory_bytes=ALLOWED, progress=lambda *now: seen.append(now)
    )
    assert len(samples) == 2 * 2 * (len(modes) + 1)
    assert [now[0] for now in seen] == list(range(1, 2 * 2 * len(modes) + 1))
    assert seen[-1][2] == 0.0
    json.dumps(samples)
    for sample in samples:
        assert sample["ns"] > 0
        assert sample["freed_pages"] == (0 if sample["what"] == "exit_after" else 16384)
        assert bool(sample["why"]) is sample["disturbed"]


def test_a_budget_ends_the_plan_early() -> None:
    begun = time.monotonic()
    samples = experiment.measure(
        [VictimConfig(16 * MIB)], ("exit",), n_reps=10_000, budget_s=1.0, max_memory_bytes=ALLOWED
    )
    assert 3 < len(samples) < 10_000
    assert time.monotonic() - begun < 5.0


def test_a_victim_larger_than_allowed_is_refused() -> None:
    with pytest.raises(InputError, match="but 160 MiB are allowed"):
        experiment.measure([VictimConfig(256 * MIB)], ("exit",), max_memory_bytes=ALLOWED)


def test_a_machine_that_would_go_oom_is_refused() -> None:
    with pytest.raises(CannotError, match="would go OOM"):
        experiment.allowed_memory_bytes(experiment.free_bytes())


# -- leave to do it -------------------------------------------------------------------------------------------


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]


def _forbid(number: int) -> None:
    """Have seccomp answer one system call with EPERM, in this process and all its children."""
    jump_if_equal, load, ret = 0x15, 0x20, 0x06
    code = [
        (load, 0, 0, 0),
        (jump_if_equal, 0, 1, number),
        (ret, 0, 0, 0x00050000 | errno.EPERM),
        (ret, 0, 0, 0x7FFF0000),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in code))
    c = ctypes.CDLL(None, use_errno=True)
    assert c.prctl(38, 1, 0, 0, 0) == 0
    assert c.prctl(22, 2, ctypes.byref(_Filter(len(code), ctypes.addressof(program)))) == 0


IMPORTS = (
    "import json\nfrom mmbench.errors import CannotError\nfrom mmbench.live import doctor, experiment\n"
    f"from mmbench.live.workload import VictimConfig\nMIB, ALLOWED = {MIB}, {ALLOWED}\n"
)


def _in_child(snippet: str, python: str = sys.executable, **popen: Any) -> list[str]:
    """Run Python source in a child that can import mmbench and this file; return the lines it prints."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([_SOURCES, str(Path(__file__).parent)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [python, "-c", IMPORTS + snippet], capture_output=True, text=True, timeout=120, env=env, **popen
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


_SOURCES = str(Path(experiment.__file__).parents[2])
X86_64 = os.uname().machine == "x86_64"


@pytest.mark.skipif(not X86_64, reason="the system call numbers are x86-64's")
@pytest.mark.parametrize(
    ("number", "name", "advice"), [(101, "ptrace", "SYS_PTRACE"), (448, "process_mrelease", "seccomp")]
)
def test_seccomp_that_forbids_it_gives_a_sentence(number: int, name: str, advice: str) -> None:
    sentence, checks = _in_child(
        f"from {Path(__file__).stem} import _forbid\n_forbid({number})\n"
        "try: experiment.measure([VictimConfig(4 * MIB)], ('mrelease',), 1, max_memory_bytes=ALLOWED)\n"
        "except CannotError as error: print(error)\n"
        "print(json.dumps([check.__dict__ for check in doctor.doctor()]))"
    )
    assert name in sentence and advice in sentence and "Operation not permitted" in sentence
    failed = [check for check in json.loads(checks) if name.split("_")[0] in check["name"] and not check["ok"]]
    assert failed and "seccomp" in failed[0]["how"] + failed[0]["reason"]


NOBODY = 65534


def _python_for_nobody() -> str:
    """An interpreter that an unprivileged account can start; a private installation under /root is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            subprocess.run([python, "-c", "import ctypes"], check=True, user=NOBODY, group=NOBODY, cwd="/")
            return python
    pytest.skip("no Python here that another account may start; install one in /usr/bin")


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the account, which needs root; run the ring with sudo")
def test_an_ordinary_user_measures_what_it_may_lock() -> None:
    n_samples, lock, oom = _in_child(
        "shape = VictimConfig(16 * MIB, 0.25)\n"
        "print(len(experiment.measure([shape], ('exit', 'mrelease'), 1, 1, 0, max_memory_bytes=ALLOWED)))\n"
        "try: experiment.measure([VictimConfig(64 * MIB, 1.0)], ('exit',), 1, max_memory_bytes=ALLOWED)\n"
        "except CannotError as error: print(error)\n"
        "try: experiment.oom_kill(VictimConfig(64 * MIB), True, ALLOWED)\n"
        "except CannotError as error: print(error)\n",
        python=_python_for_nobody(),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 * MIB, 8 * MIB)),
        cwd="/",
    )
    assert n_samples == "3"
    assert "mlock failed" in lock and "RLIMIT_MEMLOCK" in lock
    assert "Run as root" in oom


# -- a real OOM kill ------------------------------------------------------------------------------------------


@pytest.fixture
def _can_oom() -> None:
    missing = [check for check in doctor.doctor() if check.name in ("tracefs", "memory cgroup") and not check.ok]
    if missing or os.geteuid() != 0:
        pytest.skip("; ".join(f"{check.name}: {check.reason} ({check.how})" for check in missing) or "needs root")


def _ours_in_the_kernel() -> list[str]:
    """Names of cgroups and trace instances that look like ours."""
    found = [path.name for path in memory_hierarchy().home().glob("mmbench-*")]
    root = open_tracefs()
    try:
        instances = os.open("instances", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
        found += [name for name in os.listdir(instances) if name.startswith("mmbench-")]
        os.close(instances)
    finally:
        os.close(root)
    return found


@pytest.mark.usefixtures("_can_oom")
def test_oom_kill_of_a_held_mlocked_victim() -> None:
    steps: list[str] = []
    mounts = Path("/proc/self/mounts").read_text()
    record = experiment.oom_kill(VictimConfig(64 * MIB, 1.0), True, ALLOWED, steps.append)
    assert len(steps) == 4
    assert (record["pages_before"], record["pages_after_reap"], record["freed_by_reaper_pages"]) == (16384, 0, 16384)
    assert 1.9e9 < record["reaper_start_ns"] < record["reaper_finish_ns"] < 4e9
    assert record["n_collateral_kills"] == 0 and record["trigger"]["outcome"] == "allocated"
    assert [message["kind"] for message in record["messages"]] == ["killed", "reaped"]
    order = [
        entry["event"]
        for entry in record["timeline"]
        if entry["event"] in ("mark_victim", "start_task_reaping", "exit_mmap", "gone")
    ]
    assert order == ["mark_victim", "start_task_reaping", "exit_mmap", "gone"]
    assert record["missing_events"] == []
    json.dumps(record)
    assert _ours_in_the_kernel() == [] and Path("/proc/self/mounts").read_text() == mounts


@pytest.mark.usefixtures("_can_oom")
def test_oom_kill_of_a_victim_that_exits_by_itself_meets_no_reaper() -> None:
    record = experiment.oom_kill(VictimConfig(64 * MIB, 0.5, 4), False, ALLOWED)
    assert record["reaper_start_ns"] is None and record["pages_after_reap"] is None
    assert 0 < record["victim_gone_ns"] < 2e9
    assert _ours_in_the_kernel() == []


@pytest.mark.usefixtures("_can_oom")
def test_shared_memory_is_not_reaped_and_somebody_else_dies() -> None:
    record = experiment.oom_kill(VictimConfig(64 * MIB, 1.0, kind="shmem"), True, ALLOWED)
    assert record["freed_by_reaper_pages"] == 0
    assert record["n_collateral_kills"] == 1 and record["trigger"]["outcome"] == "killed"


@pytest.mark.usefixtures("_can_oom")
def test_a_trace_instance_uses_our_clock_and_filters() -> None:
    root, name = open_tracefs(), f"mmbench-test-{os.getpid()}"
    try:
        trace = TraceInstance(root, name)
        trace.enable("mmap_lock", [os.getpid()])
        trace.enable("no_such_event")
        before_ns = time.monotonic_ns()
        libc.munmap(libc.mmap(4096, libc.PROT_READ, libc.MAP_PRIVATE | libc.MAP_ANONYMOUS), 4096)
        after_ns = time.monotonic_ns()
        events = [event for event in trace.events() if before_ns - 1000 <= event.t_ns <= after_ns]
        assert events and {event.pid for event in events} == {os.getpid()}
        assert trace.missing == ["no_such_event"]
    finally:
        remove_instance(root, name)
        os.close(root)
    assert _ours_in_the_kernel() == []


# -- nothing is left behind -----------------------------------------------------------------------------------

MEASURE = "experiment.measure([VictimConfig(128 * MIB, 1.0)], ('exit', 'mrelease'), 1000, max_memory_bytes=ALLOWED)"
OOM = "experiment.oom_kill(VictimConfig(64 * MIB, 1.0), True, ALLOWED)"


IDLE = "import time\nfrom mmbench.live.victim import Victim\nvictim = Victim(VictimConfig(64 * MIB, 1.0), ALLOWED)\n"
IDLE += "time.sleep(60)"


def _marked(mark: str) -> list[str]:
    """Living processes whose environment carries a mark, zombies apart."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "comm").read_text().strip())
            except OSError:
                continue
    return found


def _await(is_true: object, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("work", "delay_s"), [(MEASURE, 0.3), (MEASURE, 0.47), (IDLE, 0.5), (OOM, 0.0), (OOM, 0.2), (OOM, 1.5)]
)
def test_however_mmbench_ends_nothing_is_left(
    number: signal.Signals, work: str, delay_s: float, request: pytest.FixtureRequest
) -> None:
    if work is OOM:
        request.getfixturevalue("_can_oom")
    mark = f"MMBENCH_RING={uuid.uuid4()}"
    name, value = mark.split("=")
    env = {**os.environ, "PYTHONPATH": _SOURCES, name: value}
    source = (
        "from mmbench.live import experiment\nfrom mmbench.live.workload import VictimConfig\n"
        f"MIB, ALLOWED = {MIB}, {ALLOWED}\n{work}\n"
    )
    mounts = Path("/proc/self/mounts").read_text()
    process = subprocess.Popen([sys.executable, "-c", source], env=env, stderr=subprocess.DEVNULL)
    try:
        _await(lambda: "mmbench-victim" in _marked(mark), 30)
        if work is OOM:
            assert len(_ours_in_the_kernel()) == 2
        time.sleep(delay_s)
        process.send_signal(number)
        process.wait(timeout=30)
        assert process.returncode == -number or process.returncode == 1
        _await(lambda: not _marked(mark), 30)
        _await(lambda: not _ours_in_the_kernel(), 5)
        assert Path("/proc/self/mounts").read_text() == mounts
    finally:
        process.kill()
        process.wait()


def test_a_measuring_process_that_is_killed_is_reported() -> None:
    def kill_worker(*_: object) -> None:
        (worker,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)

    with pytest.raises(CannotError, match="ended by SIGKILL"):
        experiment.measure([VictimConfig(16 * MIB)], ("exit",), 1000, max_memory_bytes=ALLOWED, progress=kill_worker)


def test_doctor_tries_everything_and_gives_reasons() -> None:
    checks = {check.name: check for check in doctor.doctor()}
    wanted = "process_mrelease, ptrace exit stop, pagemap, tracefs, memory cgroup, "
    wanted += "RLIMIT_MEMLOCK, free memory, THP, second CPU"
    assert list(checks) == wanted.split(", ")
    assert all(check.reason for check in checks.values())
    assert all(check.how for check in checks.values() if not check.ok)
