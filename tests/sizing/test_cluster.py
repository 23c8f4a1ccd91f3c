"""The same answer from a dask cluster, local or at an address; and a sentence when there is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import CannotError, InputError
from mmbench.sizing.compute.chunks import run
from tests.sizing.chunk_functions import Study, count_draws, kill_once, runs, worker_facts
from tests.sizing.test_chunks import begin

ROOT = Path(__file__).parents[2]
N_CHUNKS = 10


def test_without_dask_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "mmbench.sizing.compute.cluster", raising=False)
    for chosen in ({"backend": "dask"}, {"cluster": "tcp://127.0.0.1:8786"}):
        with pytest.raises(CannotError, match=r"distributed is not installed.*: pip install 'mmbench\[cluster\]'"):
            run(count_draws, Study(), N_CHUNKS, **chosen)


@pytest.fixture
def dask():
    """Skips where the extra is not installed; returns our module."""
    pytest.importorskip("distributed", reason="dask.distributed is missing; to run this: pip install mmbench[cluster]")
    from mmbench.sizing.compute import cluster

    return cluster


def same(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first | second)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_local_cluster_gives_the_same_answer(dask, workers):
    assert same(run(count_draws, Study(), N_CHUNKS, workers, "dask"), run(count_draws, Study(), N_CHUNKS))


def test_a_killed_worker_and_a_stop_rule_change_nothing(dask, tmp_path):
    study = Study(folder=tmp_path, victim=4)
    found = run(kill_once, study, 20, 2, "dask", ledger=tmp_path / "ledger", stop=lambda c: c["draws"][0] >= 8 * 300)
    assert (tmp_path / "killed").exists()
    assert same(found, run(count_draws, Study(), 8))
    again = run(kill_once, study, 8, ledger=tmp_path / "ledger")
    assert same(again, found) and min(runs(tmp_path, 8)) == 1


def test_workers_of_a_local_cluster_have_one_thread_and_leave_ctrl_c_to_us(dask):
    found = run(worker_facts, Study(seconds=0.05), 4, 2, "dask")
    assert found["pid"][0] != os.getpid()
    assert found["threads"][0] == found["blocked"][0] == 4


def test_a_chunk_that_kills_every_worker_is_given_up(dask, tmp_path):
    with pytest.raises(CannotError, match="lost its dask worker again and again"):
        run(kill_once, Study(folder=tmp_path, victim=2, always=True), N_CHUNKS, 1, "dask")


def test_a_cluster_whose_workers_do_not_come_back_ends_the_study(dask, tmp_path, monkeypatch):
    async def stays_away(nanny, exitcode):
        """As on a machine too busy to start the worker again in time: the study had waited for ever."""

    monkeypatch.setattr("distributed.nanny.Nanny._on_worker_exit", stays_away)
    monkeypatch.setattr(dask, "WITHOUT_WORKERS_S", 1)
    with pytest.raises(CannotError, match="none came back"):
        run(kill_once, Study(folder=tmp_path, victim=2), N_CHUNKS, 1, "dask")


def test_ctrl_c_keeps_what_is_done(dask, tmp_path):
    process = begin(tmp_path, "dask")
    os.killpg(process.pid, signal.SIGINT)
    said, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (130, "")
    assert 5 <= int(said) == len(list(tmp_path.glob("ledger/chunk-*"))) < 100


def test_nobody_at_the_address(dask, monkeypatch):
    monkeypatch.setattr(dask, "ANSWER_S", 1)
    with pytest.raises(CannotError, match=r"no dask scheduler answers at '127.0.0.1:1' within 1 s"):
        run(count_draws, Study(), N_CHUNKS, cluster="127.0.0.1:1")


@pytest.mark.parametrize("address", ["nonsense", "", "abc://127.0.0.1:3", "tcp://127.0.0.1:port"])
def test_what_is_no_address_is_refused(dask, address):
    with pytest.raises(InputError, match="is no address"):
        run(count_draws, Study(), N_CHUNKS, cluster=address)


SERVER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def serve(tmp_path):
    """Begins a cluster in a process of its own; returns the process and the address."""
    begun = []

    def begin(workers: int) -> tuple[subprocess.Popen[str], str]:
        (tmp_path / "server.py").write_text(SERVER)
        server = subprocess.Popen(
            [sys.executable, str(tmp_path / "server.py"), str(workers)], text=True, cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        begun.append(server)
        return server, server.stdout.readline().strip()

    yield begin
    for server in begun:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


def test_a_cluster_at_an_address_twice_and_then_gone(dask, serve, monkeypatch):
    server, address = serve(2)
    for study in (Study(), Study(seed=2)):
        assert same(run(count_draws, study, N_CHUNKS, cluster=address), run(count_draws, study, N_CHUNKS))
    monkeypatch.setattr(dask, "code_hash", lambda: "another")
    with pytest.raises(CannotError, match="has another version of mmbench"):
        run(count_draws, Study(), N_CHUNKS, cluster=address)
    monkeypatch.undo()
    monkeypatch.setattr(dask, "ANSWER_S", 1)

    def leave(progress):
        if progress.n_merged >= 3 and server.poll() is None:
            server.stdin.close()
            server.wait(30)

    with pytest.raises(CannotError, match="no dask scheduler answers"):
        run(count_draws, Study(seconds=0.2), 60, cluster=address, on_progress=leave)


def test_a_cluster_without_workers(dask, serve, monkeypatch):
    monkeypatch.setattr(dask, "ANSWER_S", 1)
    with pytest.raises(CannotError, match="has no workers"):
        run(count_draws, Study(), N_CHUNKS, cluster=serve(0)[1])


def test_hosts_that_disagree_are_found_out(dask):
    class Found:
        def scheduler_info(self, n):
            return {"workers": {"tcp://a:1": {"host": "a"}, "tcp://b:1": {"host": "b"}}}

        def submit(self, function, key, chunk, workers, pure):
            return {"n": np.array([len(workers[0]) if "b" in workers[0] else 0])}

        def gather(self, futures):
            return futures

    with pytest.raises(CannotError, match="hosts a and b compute different"):
        dask.compile_on_every_host(Found(), "key")
