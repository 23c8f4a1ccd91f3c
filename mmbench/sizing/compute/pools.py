"""Who computes chunks: threads, processes, or a dask cluster, all behind the futures of concurrent.futures."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing import connection

from mmbench.extras import missing
from mmbench.sizing.compute.work import Pool, Work, compute, limit_threads, take_work

WorkerLostError = BrokenProcessPool  # the result of every unfinished future of a pool that lost a worker


@contextmanager
def thread_pool(work: Work, workers: int, cluster: str | None) -> Iterator[Pool]:
    """Threads of this process: compiled chunks run side by side, since they release the GIL."""
    with ThreadPoolExecutor(workers) as executor:
        yield Pool(executor, work, workers, first_alone=False)


@contextmanager
def process_pool(work: Work, workers: int, cluster: str | None) -> Iterator[Pool]:
    """Fresh processes of this machine, each with one thread, and with the compiled code of the first in the cache."""
    key = "local"
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=start_worker, initargs=(key, pickle.dumps(work))
    ) as executor:
        yield Pool(executor, partial(compute, key), workers, first_alone=True)


def dask_pool(work: Work, workers: int, cluster: str | None) -> AbstractContextManager[Pool]:
    """Workers of the dask cluster at an address, or of a local one. Raises CannotError when there is none."""
    try:
        from mmbench.sizing.compute.cluster import open_cluster
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        raise missing(error.name, "--backend dask and --cluster need") from None
    return open_cluster(work, workers, cluster)


BACKENDS: dict[str, Callable[[Work, int, str | None], AbstractContextManager[Pool]]] = {
    "threads": thread_pool,
    "processes": process_pool,
    "dask": dask_pool,
}


def start_worker(key: str, pickled: bytes) -> None:
    """Called once in every new process of process_pool."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_threads()
    take_work(key, pickled)


def _end_with_parent() -> None:
    """End this process when its parent is killed; otherwise it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
