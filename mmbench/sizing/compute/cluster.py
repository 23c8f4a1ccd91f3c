"""A dask cluster that computes chunks: the one at an address, or a local one. Needs the extra `mmbench[cluster]`.

Every worker, also one that joins or is restarted later, gets the study once. dask moves the chunks of a killed worker
to another one, three times at most.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import secrets
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import dask
import numpy as np
from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin
from distributed.comm import connect as connect_to
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from mmbench.errors import CannotError, InputError
from mmbench.sizing.compute.ledger import code_hash
from mmbench.sizing.compute.work import Pool, Work, compute, drop_work, limit_threads, take_work

ANSWER_S = 10  # how long a scheduler may take to answer, and to have a worker
WITHOUT_WORKERS_S = 60  # how long a local cluster may have none: a busy machine may fail to start a killed one again


class StudyPlugin(WorkerPlugin):
    """Brings a study to a worker. Its set-up raises RuntimeError where another version of mmbench is installed."""

    def __init__(self, key: str, work: Work, is_local: bool) -> None:
        self.name = key
        self.pickled = pickle.dumps(work)
        self.code = code_hash()
        self.is_local = is_local

    def setup(self, worker: Any) -> None:
        """Called by dask on every worker."""
        limit_threads()
        if self.is_local:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal reaches all processes, and is for us
        else:
            use_local_cache()
        if code_hash() != self.code:
            raise RuntimeError(f"the worker at {worker.address} has another version of mmbench")
        take_work(self.name, self.pickled)

    def teardown(self, worker: Any) -> None:
        """Called by dask at the end."""
        drop_work(self.name)


def use_local_cache() -> None:
    """Keep compiled code on the host's own disk, since a home may be shared; in a folder that nobody else may use."""
    folder = Path(tempfile.gettempdir()) / f"mmbench-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        os.environ.setdefault("MMBENCH_CACHE_DIR", str(folder))


@contextmanager
def open_cluster(work: Work, workers: int, address: str | None) -> Iterator[Pool]:
    """Workers that took the study. Raises CannotError when nobody answers at the address or a chunk kills workers."""
    with ExitStack() as stack:
        client = stack.enter_context(connect(stack, workers, address))
        key = f"mmbench-{secrets.token_hex(8)}"
        plugin = StudyPlugin(key, work, is_local=address is None)
        try:
            client.register_plugin(plugin)
        except (RuntimeError, ImportError) as error:
            raise CannotError(f"the cluster cannot compute this study: {error}.") from None
        stack.callback(leave, client, key)
        if address is not None:
            compile_on_every_host(client, key)
        n_threads = sum(found["nthreads"] for found in client.scheduler_info(-1)["workers"].values())
        executor = client.get_executor(pure=False)
        try:
            yield Pool(executor, partial(compute, key), max(n_threads, 1), first_alone=address is None)
        except KilledWorker as error:
            raise CannotError(f"a chunk lost its dask worker again and again, for want of memory? {error}") from None
        except (NoWorkerError, NoValidWorkerError):
            raise CannotError(
                "all workers of the dask cluster are gone and none came back. Use fewer workers, or threads."
            ) from None


def connect(stack: ExitStack, workers: int, address: str | None) -> Client:
    """A client of the cluster at the address, or of a local one that ends with the stack."""
    if address is None:
        with dask.config.set({"distributed.scheduler.no-workers-timeout": WITHOUT_WORKERS_S}):
            cluster = stack.enter_context(local_cluster(workers))
        return Client(cluster, set_as_default=False)
    try:
        asyncio.run(probe(address))  # a Client that fails to start takes half a minute to give up
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except ValueError as error:
        raise InputError(
            f"--cluster {address!r} is no address: {error}. Allowed: HOST:PORT, tcp://HOST:PORT."
        ) from None
    except OSError:  # TimeoutError is one
        raise CannotError(
            f"no dask scheduler answers at {address!r} within {ANSWER_S} s. Start one with `dask scheduler` and "
            "workers with `dask worker`, or leave --cluster out and use --backend dask for a local one."
        ) from None
    try:
        client.wait_for_workers(1, timeout=ANSWER_S)
    except TimeoutError:
        client.close()
        raise CannotError(f"the dask scheduler at {address!r} has no workers; start some with `dask worker`.") from None
    return client


def local_cluster(workers: int) -> LocalCluster:
    """One process a worker, and nothing on the terminal."""
    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL)


def leave(client: Client, key: str) -> None:
    """Make the workers forget the study, if they are still there."""
    with suppress(OSError, RuntimeError):
        client.unregister_worker_plugin(key)


async def probe(address: str) -> None:
    """Open and close a connection. Raises OSError when nobody answers, ValueError for no address."""
    connection = await connect_to(address, timeout=ANSWER_S)
    await connection.close()


def compile_on_every_host(client: Client, key: str) -> None:
    """Compute one chunk on one worker of every host: its code is then in the host's cache.

    Raises CannotError unless all hosts agree to the last bit.
    """
    hosts = {found["host"]: at for at, found in client.scheduler_info(-1)["workers"].items()}
    futures = [client.submit(compute, key, 0, workers=[at], pure=False) for at in hosts.values()]
    answers = client.gather(futures)
    for host, answer in zip(hosts, answers, strict=True):
        if any(not np.array_equal(answer[name], answers[0][name]) for name in answers[0]):
            raise CannotError(f"hosts {next(iter(hosts))} and {host} compute different results for the same chunk.")
