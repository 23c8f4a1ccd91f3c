"""One answer, whoever computes: any number of workers, any backend, killed workers, Ctrl-C, stop rules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import CannotError, InputError
from mmbench.sizing.compute.chunks import Interrupted, Progress, merge, run
from mmbench.sizing.compute.ledger import Ledger
from tests.sizing.chunk_functions import Study, count_draws, fail_at_three, kill_once, runs, worker_facts

ROOT = Path(__file__).parents[2]
N_CHUNKS = 10


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def truth():
    """The chunks summed by hand."""
    chunks = [count_draws(Study(), k) for k in range(N_CHUNKS)]
    return {name: sum(chunk[name] for chunk in chunks) for name in chunks[0]}


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_the_result_is_the_same_to_the_last_bit(backend, workers, truth):
    assert same(run(count_draws, Study(), N_CHUNKS, workers, backend), truth)


def test_a_worker_killed_in_the_middle_neither_loses_nor_doubles_a_chunk(tmp_path, truth):
    found = run(kill_once, Study(folder=tmp_path, victim=5), N_CHUNKS, 2, "processes")
    assert (tmp_path / "killed").exists()
    assert same(found, truth)


def test_a_chunk_that_kills_every_worker_is_given_up_and_the_others_are_kept(tmp_path):
    study = Study(folder=tmp_path, victim=5, always=True)
    with pytest.raises(CannotError, match=r"chunk \d+ lost its worker 4 times.*finished chunks are kept"):
        run(kill_once, study, N_CHUNKS, 2, "processes", ledger=tmp_path / "ledger")
    assert (tmp_path / "ledger" / "chunk-00000000.npz").exists()


@pytest.mark.parametrize("backend, workers", [("threads", 1), ("threads", 2), ("threads", 8), ("processes", 3)])
def test_a_stop_rule_gives_the_same_answer_for_any_number_of_workers(backend, workers):
    found = run(count_draws, Study(), 40, workers, backend, stop=lambda counts: counts["draws"][0] >= 7 * 300)
    assert same(found, run(count_draws, Study(), 7))


def slow_start(study, chunk):
    """Chunk 0 is done after all others that may begin."""
    time.sleep(0.2 if chunk == 0 else 0)
    return {"chunk": np.array([1, chunk], dtype=np.int64)}


def test_a_stop_rule_sees_chunks_in_order_of_their_index():
    seen = []

    def stop(counts):
        seen.append(counts["chunk"].tolist())
        return len(seen) == 3

    assert run(slow_start, None, 20, 4, stop=stop)["chunk"].tolist() == [3, 3]
    assert seen == [[1, 0], [2, 1], [3, 3]]


def test_progress_counts_up_to_the_end(truth):
    seen: list[Progress] = []
    run(count_draws, Study(), N_CHUNKS, 2, on_progress=seen.append)
    done = [at.n_done for at in seen]
    assert done == sorted(set(done)) and done[-1] == N_CHUNKS  # a chunk that is done before its turn is told with it
    assert all(at.counts["draws"][0] == 300 * at.n_merged for at in seen)
    last = seen[-1]
    assert same(last.counts, truth) and last.left_s == 0
    assert last.per_second(3000) == pytest.approx(3000 / last.seconds)


def test_progress_knows_speed_and_time_left_without_the_ledgers_chunks():
    at = Progress({}, n_merged=50, n_done=60, n_measured=10, n_chunks=100, seconds=5.0)
    assert at.per_second(5000) == 200.0
    assert at.left_s == 20.0
    assert Progress({}, 50, 50, 0, 100, 5.0).left_s is None


def test_an_error_in_a_chunk_is_the_callers():
    for backend in ("threads", "processes"):
        with pytest.raises(ZeroDivisionError, match="chunk 3"):
            run(fail_at_three, Study(), N_CHUNKS, 2, backend)


def test_workers_have_one_thread_and_leave_ctrl_c_to_us():
    found = run(worker_facts, Study(seconds=0.05), 6, 2, "processes")
    assert found["pid"][0] != os.getpid()
    assert found["threads"][0] == found["blocked"][0] == 6


@pytest.mark.parametrize(
    "changed, what",
    [({"workers": 0}, "0 workers"), ({"workers": 1025}, "1 to 1024"), ({"n_chunks": 0}, "0 chunks"),
     ({"backend": "fork"}, "Allowed: threads, processes, dask")],
)  # fmt: skip
def test_bad_arguments_are_refused(changed, what):
    with pytest.raises(InputError, match=what):
        run(**{"chunk_function": count_draws, "study": Study(), "n_chunks": 3} | changed)


def test_only_int64_arrays_of_the_same_names_merge():
    one = {"a": np.ones(2, dtype=np.int64)}
    assert merge(None, one)["a"] is not one["a"]
    with pytest.raises(TypeError, match="no int64"):
        merge(None, {"a": np.ones(2)})
    with pytest.raises(TypeError, match="different arrays"):
        merge(one, {"b": np.ones(2, dtype=np.int64)})


def shifted(study, chunk, by):
    """As count_draws, for a chunk further on."""
    return count_draws(study, chunk + by)


def test_a_partial_function_is_a_chunk_function():
    assert same(run(partial(shifted, by=3), Study(), 2, 2, "processes"), run(partial(shifted, by=3), Study(), 2))


def test_ctrl_c_hands_over_what_is_merged():
    def interrupt(at: Progress) -> None:
        if at.n_merged >= 4:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"stopped after \d+ of 10 chunks") as caught:
        run(count_draws, Study(), N_CHUNKS, 1, on_progress=interrupt)
    assert caught.value.counts is not None
    assert caught.value.counts["draws"][0] == 300 * caught.value.n_merged >= 1200


def test_ctrl_c_while_a_chunk_is_kept_waits_until_it_is(tmp_path, monkeypatch):
    write, kept = Ledger.write, []

    def press_and_write(self, chunk, counts):
        kept.append(chunk)
        if len(kept) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        write(self, chunk, counts)

    monkeypatch.setattr(Ledger, "write", press_and_write)
    with pytest.raises(Interrupted) as caught:
        run(count_draws, Study(folder=tmp_path), N_CHUNKS, 1, ledger=tmp_path / "ledger")
    n_files = len(list(tmp_path.glob("ledger/chunk-*")))
    assert 4 <= caught.value.n_done == n_files == len(kept) == sum(runs(tmp_path, N_CHUNKS))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait():
    def press_twice(at: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not reached")

    with pytest.raises(Interrupted):
        run(count_draws, Study(), N_CHUNKS, 1, on_progress=press_twice)


def test_ctrl_c_at_the_last_chunk_is_not_forgotten():
    with pytest.raises(KeyboardInterrupt):
        run(count_draws, Study(), 1, 1, on_progress=lambda at: os.kill(os.getpid(), signal.SIGINT))


SCRIPT = """
import sys
from pathlib import Path
from mmbench.sizing.compute.chunks import Interrupted, run
from tests.sizing.chunk_functions import Study, count_draws
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        run(count_draws, Study(folder=folder, seconds=0.1), 200, 2, sys.argv[2], ledger=folder / "ledger")
    except Interrupted as why:
        print(why.n_done)
        sys.exit(130)
"""


def begin(folder: Path, backend: str) -> subprocess.Popen[str]:
    """A study of 200 chunks in a process group of its own; returns once five chunks are in its ledger."""
    (folder / "script.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(folder / "script.py"), str(folder), backend],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    end = time.monotonic() + 60
    while len(list(folder.glob("ledger/chunk-*"))) < 5:
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_ctrl_c_keeps_what_is_done_and_the_study_resumes(backend, tmp_path):
    process = begin(tmp_path, backend)
    os.killpg(process.pid, signal.SIGINT)
    said, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (130, "")
    kept = len(list(tmp_path.glob("ledger/chunk-*")))
    assert int(said) == kept == sum(runs(tmp_path, 200)) < 100
    study = Study(folder=tmp_path, seconds=0.1)
    found = run(count_draws, study, kept + 4, ledger=tmp_path / "ledger")
    assert runs(tmp_path, kept + 4) == [1] * (kept + 4)
    assert same(found, run(count_draws, Study(), kept + 4))


def test_workers_end_when_their_parent_is_killed(tmp_path):
    process = begin(tmp_path, "processes")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)  # ends when the last of them has closed its end of the pipes
    assert process.returncode == -signal.SIGKILL
